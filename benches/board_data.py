"""Makes the rows of a county's years: cases with five handoffs each, for PostgreSQL by COPY and for SQLite by INSERT.

One desk, the largest, holds LARGEST open handoffs, so that page 1,000 of 50 exists on it; the others share the rest.
"""
import json
import random
import subprocess
import uuid

import servers

LARGEST = 60_000
# of the cases that do not lie on the largest desk
OPEN_SHARE = 0.3
HANDOFFS = 5
NO_DATE = 2**63 - 1
DAY = 86_400_000_000
# 2026-11-23T02:00:00Z
NOW = 1_795_399_200_000_000
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

COLUMNS = {
    "cases": "id revision version tracking_code item_version_id item_code kind status division_id division_code division_name "
             "first_contact_id owner_id step channel submitted_by submitted_at accepted_at due_at due_order provisional document",
    "case_party": "organization_id submitted_at case_id",
    "ledger_head": "chain seq hash",
    "case_clock": "id case_id revision position kind state limit_value limit_unit step handoff_id holder_id started_at due_at "
                  "provisional calendar_id pauses",
    "handoff": "id case_id revision seq version kind state open owning required step from_id to_id originals offered_by "
               "acknowledged_by offered_at acknowledged_at closed_at division_id due_at",
}


def check_character(body):
    """ISO 7064 MOD 37,36."""
    product = 36
    for letter in body:
        total = (product + ALPHABET.index(letter)) % 36 or 36
        product = total * 2 % 37
    return ALPHABET[(37 - product) % 36]


class County:
    """Reference data of a database, as the rows need it."""

    def __init__(self, ask):
        self.stations = ask("select o.id, o.division_id, d.code, d.name from organization o join division d on d.id = o.division_id "
                            "where o.role = 'village.station' order by o.code")
        self.centers = {code[:9]: id for id, code in ask(
            "select o.id, d.code from organization o join division d on d.id = o.division_id where o.role = 'township.service-center'")}
        self.bureaus = [row[0] for row in ask("select id from organization where role like 'county.%' order by code")]
        self.largest = ask("select id from organization where code = '340302000000:county.human-resources'")[0][0]
        self.item = ask("select id from service_item_version order by id limit 1")[0][0]
        self.calendar = ask("select id from calendar_version limit 1")[0][0]
        self.stations = [row for row in self.stations if row[2][:9] in self.centers]
        self.bureaus = [id for id in self.bureaus if id != self.largest]


def rows(county, count, seed=1):
    """Yields (table, row) for so many cases; ids are UUIDs, bytes are bytes."""
    chance = random.Random(seed)
    fresh = lambda: uuid.UUID(int=chance.getrandbits(128), version=4)  # noqa: E731
    document = json.dumps({"route": [], "external_numbers": []})
    for number in range(count):
        station, division, code, name = chance.choice(county.stations)
        center = county.centers[code[:9]]
        case, body = fresh(), code[:6] + "261123" + "".join(CROCKFORD[number >> shift & 31] for shift in (35, 30, 25, 20, 15, 10, 5, 0))
        while (check := check_character(body)) in "ILOU":
            body = body[:12] + "".join(chance.choice(CROCKFORD[16:]) for _ in range(2)) + body[14:]
        on_largest = number < LARGEST
        is_open = on_largest or chance.random() < OPEN_SHARE
        bureau = county.largest if on_largest else chance.choice(county.bureaus)
        last = bureau if on_largest or chance.random() < 0.5 else center
        submitted = NOW - chance.randrange(1, 700) * DAY - number
        hands = [(None, station), (station, center), (center, bureau), (bureau, center), (center, last)]
        holder, due = (last, NOW + chance.randrange(-10, 30) * DAY) if is_open else (None, None)
        state = chance.choice(("OFFERED", "ACKNOWLEDGED", "ACKNOWLEDGED"))
        yield "cases", (case, 5, 9, body + check, county.item, "pension-enroll", "CASE", "IN_REVIEW" if is_open else "DELIVERED", division, code,
                        name, station, holder, 2, "WINDOW", "bench", submitted, submitted, due, due or NO_DATE, False, document)
        yield "ledger_head", (case, 1, chance.randbytes(32))
        for office in {station, center, bureau, last}:
            yield "case_party", (office, submitted, case)
        for seq, (sender, receiver) in enumerate(hands, 1):
            handoff, offered = fresh(), submitted + seq * 3_600_000_000
            now_open = is_open and seq == HANDOFFS
            signed = not now_open or state == "ACKNOWLEDGED"
            yield "handoff", (handoff, case, 5, seq, 2, "ROUTE", state if now_open else "DONE", now_open, True, True, None, sender, receiver, 0,
                              "bench", "bench" if signed else None, offered, offered if signed else None, None if now_open else offered + DAY, division,
                              due if now_open else NO_DATE)
        yield "case_clock", (fresh(), case, 5, 0, "STEP", "RUNNING" if is_open else "STOPPED", 10, "WORKING_DAY", None, handoff, last, submitted,
                             due, False, county.calendar, "[]")


def batches(county, count, size):
    """The rows by table, some thousand cases at a time."""
    waiting, cases = {}, 0
    for table, row in rows(county, count):
        if table == "cases":
            if cases and cases % size == 0:
                yield waiting
                waiting = {}
            cases += 1
        waiting.setdefault(table, []).append(row)
    yield waiting


def text(value):
    """A value as COPY reads it."""
    if value is None:
        return "\\N"
    if isinstance(value, bytes):
        return "\\\\x" + value.hex()
    return {True: "t", False: "f"}[value] if isinstance(value, bool) else str(value)


def fill_postgres(url, count):
    """COPY in batches, the indexes made afterwards."""
    def ask(statement):
        return servers.sql(url, statement)
    county = County(ask)
    tables = ", ".join(f"'{table}'" for table in COLUMNS)
    indexes = ask(f"select indexname, indexdef from pg_indexes where tablename in ({tables}) and indexname like any (array['ix_%', 'ux_%'])")
    for name, _ in indexes:
        ask(f"drop index {name}")
    copy = subprocess.Popen([servers.postgres_program("psql"), url, "-qv", "ON_ERROR_STOP=1", "-c", "set synchronous_commit = off", "-f", "-"],
                            stdin=subprocess.PIPE, text=True)
    for batch in batches(county, count, 10_000):
        for table, lines in batch.items():
            copy.stdin.write(f"copy {table} ({COLUMNS[table].replace(' ', ', ')}) from stdin;\n")
            copy.stdin.writelines("\t".join(map(text, line)) + "\n" for line in lines)
            copy.stdin.write("\\.\n")
    copy.stdin.close()
    if copy.wait():
        raise RuntimeError("COPY failed")
    for _, definition in indexes:
        ask(definition)
    servers.sql(url, "vacuum analyze")
    return county


def fill_sqlite(connection, count):
    """INSERT in one transaction a batch."""
    connection.execute("pragma synchronous = off")
    county = County(lambda statement: connection.execute(statement).fetchall())
    for batch in batches(county, count, 10_000):
        with connection:
            for table, lines in batch.items():
                columns = COLUMNS[table].split()
                marks = ", ".join("?" * len(columns))
                values = ([value.bytes if isinstance(value, uuid.UUID) else value for value in line] for line in lines)
                connection.executemany(f"insert into {table} ({', '.join(columns)}) values ({marks})", values)
    connection.execute("analyze")
    connection.commit()
    return county
