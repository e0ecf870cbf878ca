"""The peer of G2: pgbench that writes the same rows as one submission, one transaction per case."""
import re
import subprocess

import servers

# A new value for a key column, by its type; every unique index of a written row gets one.
FRESH = {
    "uuid": "gen_random_uuid()",
    "bytea": "decode(md5(random()::text) || md5(random()::text), 'hex')",
    "text": "md5(random()::text)",
    "character varying": "md5(random()::text)",
    "bigint": "(random() * 9e18)::bigint",
    "integer": "(random() * 2e9)::integer",
}


def tables(url):
    """Rows of every table."""
    names = [row[0] for row in servers.sql(url, "select tablename from pg_tables where schemaname = 'public'")]
    return {name: int(servers.sql(url, f'select count(*) from "{name}"')[0][0]) for name in names}


def prepare(server, source, name):
    """A copy of the gateway's database, indexes and all, without foreign keys: the peer invents its keys."""
    url = f"{server}/{name}"
    servers.sql(f"{server}/postgres", f"create database {name} template {source}")
    for table, constraint in servers.sql(url, "select conrelid::regclass, conname from pg_constraint where contype = 'f'"):
        servers.sql(url, f'alter table {table} drop constraint "{constraint}"')
    return url


def script(url, written):
    """One transaction with as many inserts into each table as one submission makes, copied from a row of it."""
    lines = ["begin;"]
    for table, rows in sorted(written.items()):
        lines += [insert(url, table)] * rows
    return "\n".join([*lines, "commit;"]) + "\n"


def insert(url, table):
    columns = servers.sql(url, f"""
        select column_name, data_type from information_schema.columns
        where table_schema = 'public' and table_name = '{table}' and is_generated = 'NEVER' order by ordinal_position""")
    indexes = servers.sql(url, f"""
        select string_agg(a.attname, ' ') from pg_index i
        join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey)
        where i.indrelid = '"{table}"'::regclass and i.indisunique group by i.indexrelid""")
    types = dict(columns)
    fresh = set()
    for (keys,) in indexes:
        keys = keys.split()
        if not fresh.intersection(keys):
            fresh.add(next((key for key in keys if types[key] == "uuid"), keys[-1]))
    last = servers.sql(url, "select " + ", ".join(f'quote_nullable("{name}")' for name, _ in columns)
                       + f' from "{table}" order by ctid desc limit 1')[0]
    # pgbench reads :name as a variable: none may come from a value
    values = [FRESH[types[name]] if name in fresh else plain(value) for (name, _), value in zip(columns, last, strict=True)]
    names = ", ".join(f'"{name}"' for name, _ in columns)
    return f'insert into "{table}" ({names}) values ({", ".join(values)});'


def plain(literal):
    return re.sub(r":(?=[A-Za-z_])", "'||chr(58)||'", literal)


def run(url, file, clients, seconds):
    """Runs the script for a while and gives the number of transactions done."""
    done = subprocess.run(
        [servers.postgres_program("pgbench"), "-n", "-M", "prepared", "-c", str(clients), "-j", "2", "-T", str(seconds), "-f", file, url],
        check=True, capture_output=True, text=True)
    return int(re.search(r"transactions actually processed: (\d+)", done.stdout)[1])
