#!/usr/bin/env python3
"""Imports a whole country of divisions and prints how long it took and what tree came of it: divisions.py FILE [postgres|sqlite].

FILE is a table (CSV, or CSV.gz) with the columns code, parent_code, level, name. Nothing is asserted: the figures are
for people. Build before: cargo build --profile dist; or cargo build --release, and set
ONEDOOR_BENCH_PROGRAMS=target/release.
"""
import gzip
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

import servers

# Each check is one number; the trees are walked by keys, never by digits.
CHECKS = {
    "divisions": "select count(*) from division",
    "codes": "select count(*) from division_code",
    "rows without parent": "select count(*) from division where parent_id is null",
    "rows that are their own parent": "select count(*) from division where parent_id = id",
    "parents that are not there": "select count(*) from division d where parent_id is not null and not exists "
                                  "(select 1 from division p where p.id = d.parent_id)",
    "parents that do not stand higher": "select count(*) from division d join division p on p.id = d.parent_id where "
                                        "{rank_d} >= {rank_p}",
    "digits that stand on several levels": "select count(*) from (select code from division group by code having count(*) > 1) r",
    "rows reached from the top": "with recursive down(id) as (select id from division where parent_id is null union all "
                                 "select d.id from division d join down on d.parent_id = down.id) select count(*) from down",
    "longest name, code points": "select max(length(name)) from division",
}
LEVELS = ["VILLAGE", "TOWNSHIP", "COUNTY", "CITY", "PROVINCE"]


def rank(table):
    whens = " ".join(f"when '{level}' then {number}" for number, level in enumerate(LEVELS))
    return f"case {table}.level {whens} end"


def main():
    words = sys.argv[1:]
    if not words or not set(words[1:]) <= {"postgres", "sqlite"}:
        sys.exit(__doc__)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="onedoor-bench."))
    folder.chmod(0o755)
    try:
        table = plain(pathlib.Path(words[0]), folder)
        for backend in words[1:] or ["postgres", "sqlite"]:
            {"postgres": on_postgres, "sqlite": on_sqlite}[backend](table, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def plain(source, folder):
    """The table as text; a packed one is unpacked beside."""
    if source.suffix != ".gz":
        return source
    target = folder / source.stem
    with gzip.open(source, "rb") as packed, target.open("wb") as out:
        shutil.copyfileobj(packed, out)
    return target


def on_postgres(table, folder):
    with servers.postgres(folder / "postgres") as (_, server):
        servers.sql(server + "/postgres", "create database country")
        url = server + "/country"
        measure("PostgreSQL", table, url, folder, lambda statement: servers.sql(url, statement)[0][0])


def on_sqlite(table, folder):
    file = folder / "country.db"

    def ask(statement):
        with sqlite3.connect(file) as database:
            return database.execute(statement).fetchone()[0]

    measure("SQLite", table, f"sqlite://{file}?mode=rwc", folder, ask)


def measure(name, table, url, folder, ask):
    onedoor(["migrate"], url, folder)
    print(f"{name}: {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {servers.DIST.name} build"
          + (f", {', '.join(servers.POSTGRES_SETTINGS)}" if name == "PostgreSQL" else ""))
    for what in ("first import", "same again"):
        began = time.monotonic()
        told = onedoor(["import", "divisions", str(table)], url, folder)
        spent = time.monotonic() - began
        rows = int(told.split()[0])
        print(f"  {what:36} {spent:8.2f} s   {rows / spent:9.0f} rows/s   {told}")
    for what, statement in CHECKS.items():
        print(f"  {what:36} {ask(statement.format(rank_d=rank('d'), rank_p=rank('p'))):>8}")


def onedoor(words, url, folder):
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("ONEDOOR__")},
        "ONEDOOR__DATABASE__URL": url,
        "ONEDOOR__DATA_DIR": str(folder / "data"),
        "ONEDOOR__LOG__FILTER": "warn",
    }
    program = os.environ.get("ONEDOOR_PROGRAM", servers.DIST / "onedoor")
    done = subprocess.run([program, *words, "--demo"], env=environment, capture_output=True, check=False, text=True)
    if done.returncode != 0:
        sys.exit(done.stderr)
    return done.stdout.strip()


if __name__ == "__main__":
    main()
