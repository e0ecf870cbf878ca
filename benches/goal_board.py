"""BOARD: a desk's page of 50 with its counts, at page 1 and at page 1,000, on a million cases and five million handoffs.

The gateway is asked by GraphQL; the time is what PostgreSQL itself logs for the statements of one question. The same
statements are then run on SQLite's own data. Nothing is asserted; figures and plans are printed.
"""
import re
import sqlite3
import statistics
import time

import board_data
import servers

SIZE, FAR, TIMES = 50, 1_000, 60
DOCUMENT = """query($desk: ID!, $after: String, $counted: Boolean!) { handoffs(filter: { organization: $desk }, first: 50, after: $after) {
  counts @include(if: $counted) { state count late } byDay @include(if: $counted) { dueDate daysLeft count }
  page { nodes { id state dueAt case { id trackingCode status } } pageInfo { hasNextPage endCursor } } } }"""
SETTINGS = ["fsync=off", "shared_buffers=1GB", "work_mem=16MB", "max_connections=100", "max_wal_size=8GB", "maintenance_work_mem=512MB",
            "log_min_duration_statement=0", "log_line_prefix="]
# loops that would only be noise
QUIET = {"ONEDOOR__OUTBOX__TICK_MS": "600000", "ONEDOOR__DATABASE__CONNECTIONS_MAX": "4"}


def run(folder, quick):
    folder = folder / "board"
    folder.mkdir()
    cases, sqlite_cases = (100_000, 70_000) if quick else (1_000_000, 100_000)
    with servers.postgres(folder / "postgres", SETTINGS) as (_, server):
        servers.sql(f"{server}/postgres", "create database onedoor")
        url = f"{server}/onedoor"
        def gateway():
            return servers.Gateway(folder / "gateway", ONEDOOR__DATABASE__URL=url, **QUIET)

        with gateway():
            pass
        began = time.monotonic()
        county = board_data.fill_postgres(url, cases)
        (handoffs,), = servers.sql(url, "select count(*) from handoff")
        print(f"BOARD: {cases} cases and {handoffs} handoffs on PostgreSQL with {', '.join(SETTINGS)}, made in {time.monotonic() - began:.0f} s")
        log = (folder / "postgres.log").open()
        results, statements = [], {}
        with gateway() as running:
            for desk, named in ((county.largest, "the largest desk"), (typical_desk(url, county), "a township's desk")):
                results += measured(running, url, log, desk, named, statements)
            results += subtree(running, log, url)
    results += on_sqlite(folder, sqlite_cases, county, statements)
    return results


def typical_desk(url, county):
    """The township with the median number of open handoffs."""
    found = servers.sql(url, "select to_id, count(*) from handoff where open group by to_id order by 2")
    centers = [row for row in found if row[0] in set(county.centers.values())]
    return centers[len(centers) // 2][0]


def measured(gateway, url, log, desk, named, statements):
    (code,), = servers.sql(url, f"select code from organization where id = '{desk}'")
    (on_desk,), = servers.sql(url, f"select count(*) from handoff where open and to_id = '{desk}'")
    token = gateway.token("--role", "officer", "--organization", code)
    desk_id = gateway.ask("query($code: String!) { organization(by: { code: $code }) { id } }", {"code": code})["organization"]["id"]
    ask = lambda after, counted: gateway.ask(DOCUMENT, {"desk": desk_id, "after": after, "counted": counted}, token)["handoffs"]  # noqa: E731
    results = []
    for page, after in ((1, None), (FAR, far(ask))):
        if page != 1 and after is None:
            continue
        for counted in (True, False):
            times = []
            for _ in range(TIMES):
                logged(log)
                ask(after, counted)
                spent = logged(log)
                times.append(sum(ms for ms, _, _ in spent))
            results.append(row(f"{named} ({on_desk} open), page {page}, {'with' if counted else 'without'} counts, ms on PostgreSQL", times,
                               "< 20" if counted else ""))
            board = next(one for one in spent if '"places"' in one[1] and one[2])
            if counted and named == "the largest desk":
                statements[page] = board
                print(f"\nplan on PostgreSQL, {named}, page {page}:\n{plan(url, board)}")
    return results


def far(ask):
    """The cursor behind page 999; None: the desk is not so long."""
    after = None
    for _ in range(FAR - 1):
        info = ask(after, False)["page"]["pageInfo"]
        if not info["hasNextPage"]:
            return None
        after = info["endCursor"]
    return after


def subtree(gateway, log, url):
    """What a supervisor of a county sees: no desk, hence no goal."""
    document = "{ handoffs(first: 50) { counts { state count late } page { nodes { id case { id } } } } }"
    token = gateway.token("--role", "supervisor", "--division", "340302000000")
    times = []
    for _ in range(10):
        logged(log)
        gateway.ask(document, {}, token)
        spent = logged(log)
        times.append(sum(ms for ms, _, _ in spent))
    board = next(one for one in spent if '"places"' in one[1] and one[2])
    print(f"\nplan on PostgreSQL, a county's supervisor:\n{plan(url, board)}")
    return [row("a county's supervisor, page 1 with counts, ms on PostgreSQL", times, "")]


def row(what, times, aim):
    times = sorted(times)
    p99 = times[min(len(times) - 1, round(len(times) * 0.99))]
    return {"goal": "BOARD", "what": what, "aim": aim, "median": statistics.median(times), "low": times[0], "high": p99, "samples": times}


LINE = re.compile(r"duration: ([0-9.]+) ms  (?:parse|bind|execute) [^:]+: ")


def logged(log):
    """Statements of cases that PostgreSQL logged since the last look: (ms, text, parameters)."""
    time.sleep(0.02)
    found = []
    for entry in re.split(r"\n(?=LOG:)", log.read()):
        line = LINE.search(entry)
        if line and any(table in entry for table in ('"handoff"', '"cases"', '"case_clock"')):
            text, _, detail = entry[line.end():].partition("\nDETAIL:  parameters: ")
            parameters = dict(re.findall(r"\$(\d+) = '((?:[^']|'')*)'", detail))
            found.append((float(line.group(1)), text.strip(), parameters))
    return found


def plan(url, board):
    _, text, parameters = board

    def literal(match):
        value = parameters[match.group(1)]
        return value if value.lstrip("-").isdigit() else f"'{value}'"

    statement = re.sub(r"\$(\d+)", literal, text)
    return "\n".join(line[0] for line in servers.sql(url, f"explain (analyze, buffers, costs off) {statement}"))


def on_sqlite(folder, cases, theirs, statements):
    """The same statements on SQLite's own rows, by the machine's SQLite."""
    gateway = servers.Gateway(folder / "gateway-sqlite", **QUIET)
    with gateway:
        pass
    file, = (folder / "gateway-sqlite").rglob("*.db")
    connection = sqlite3.connect(file)
    began = time.monotonic()
    county = board_data.fill_sqlite(connection, cases)
    print(f"\nBOARD: {cases} cases on SQLite {sqlite3.sqlite_version}, made in {time.monotonic() - began:.0f} s")
    far_key, far_id = connection.execute("select due_at, id from handoff where open and to_id = ? order by due_at, id limit 1 offset ?",
                                         (county.largest, SIZE * (FAR - 1) - 1)).fetchone()
    results = []
    for page, (_, text, parameters) in statements.items():
        # SQLite takes no brackets around a part of a union
        text = re.sub(r"UNION ALL \((.*)\)$", r"UNION ALL \1", text, flags=re.S)
        keys = {value for value in parameters.values() if value.isdigit() and len(value) == 16 and int(value) != near(parameters)}
        values = {}
        for name, value in parameters.items():
            if value == theirs.largest:
                values[name] = county.largest
            elif re.fullmatch(r"[0-9a-f-]{36}", value):
                values[name] = far_id
            elif page != 1 and value in keys:
                values[name] = far_key
            else:
                values[name] = int(value) if value.lstrip("-").isdigit() else value
        times = []
        for _ in range(TIMES):
            began = time.perf_counter()
            found = connection.execute(text, values).fetchall()
            times.append((time.perf_counter() - began) * 1_000)
        shown = "\n".join(step[3] for step in connection.execute("explain query plan " + text, values))
        print(f"\nplan on SQLite, the largest desk, page {page} ({len(found)} rows):\n{shown}")
        results.append(row(f"the largest desk, page {page} with counts, ms on SQLite, its one statement", times, ""))
    return results


def near(parameters):
    """The instant by which lateness is told: the one nearest to now."""
    instants = (int(value) for value in parameters.values() if value.isdigit() and len(value) == 16)
    return min(instants, key=lambda at: abs(at - time.time() * 1e6))
