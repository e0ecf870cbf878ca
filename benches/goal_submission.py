"""G2: durable submissions with everything included, against pgbench writing the same rows one transaction per case."""
import json
import time
import uuid

import measure
import peer_submission
import servers
import submission

CONNECTIONS = 64


def run(folder, quick):
    folder = folder / "g2"
    folder.mkdir()
    with servers.postgres(folder / "postgres") as (postgres_pid, server):
        servers.sql(f"{server}/postgres", "create database onedoor")
        url = f"{server}/onedoor"
        # the sandbox decides late: what is measured is the submission, not the county's work
        with servers.Gateway(folder / "gateway", ONEDOOR__DATABASE__URL=url, ONEDOOR__OUTBOX__TICK_MS="600000",
                             ONEDOOR__DATABASE__CONNECTIONS_MAX="16") as gateway:
            token, command = submission.prepare(gateway)
            gateway.ask(submission.DOCUMENT, {"input": command(uuid.uuid4())}, token)
            before = peer_submission.tables(url)
            gateway.ask(submission.DOCUMENT, {"input": command(uuid.uuid4())}, token)
            after = peer_submission.tables(url)
            written = {name: after[name] - before[name] for name in after if after[name] > before[name]}
        peer = peer_submission.prepare(server, "onedoor", "peer")
        file = folder / "pgbench.sql"
        file.write_text(peer_submission.script(peer, written))
        with gateway:
            return rows(folder, gateway, token, command, written, url, peer, file, postgres_pid, quick)


def rows(folder, gateway, token, command, written, url, peer, file, postgres_pid, quick):
    bodies = folder / "bodies"

    def ours(cases):
        bodies.write_text("".join(
            json.dumps({"query": submission.DOCUMENT, "variables": {"input": command(uuid.uuid4())}}) + "\n" for _ in range(cases)))
        before, began = measure.cpu_seconds(gateway.process.pid, postgres_pid), time.monotonic()
        had = peer_submission.tables(url)
        report = servers.load(gateway.address, bodies, once=True, connections=CONNECTIONS,
                              header=[f"authorization: Bearer {token}"], containing=submission.RIGHT)
        cpu, seconds = measure.cpu_seconds(gateway.process.pid, postgres_pid) - before, time.monotonic() - began
        has = peer_submission.tables(url)
        counted(report["right"], written, had, has)
        return report["right"] / report["seconds"], cpu / report["right"] * 1e6, seconds

    def theirs(seconds):
        before, had = measure.cpu_seconds(postgres_pid), peer_submission.tables(peer)
        began = time.monotonic()
        cases = peer_submission.run(peer, file, CONNECTIONS, seconds)
        took, cpu = time.monotonic() - began, measure.cpu_seconds(postgres_pid) - before
        counted(cases, written, had, peer_submission.tables(peer))
        return cases / took, cpu / cases * 1e6, took

    seconds, cases = (2, 500) if quick else (8, 4_000)
    ours(cases)
    theirs(seconds)
    measured = {"ours": [], "theirs": []}
    for _ in range(1 if quick else 3):
        for side in ("ours", "theirs", "theirs", "ours"):
            measured[side].append(ours(cases) if side == "ours" else theirs(seconds))
    pairs = list(zip(measured["ours"], measured["theirs"], strict=True))
    shown = ", ".join(f"{name} {count}" for name, count in sorted(written.items()))
    return [
        {"goal": "G2", "what": "submissions a second against pgbench, 64 connections", "aim": ">= 2",
         **measure.median_with_interval([a[0] / b[0] for a, b in pairs]), "rows_per_case": written},
        {"goal": "G2", "what": "all CPU of a submission against pgbench's PostgreSQL alone", "aim": "<= 0.5",
         **measure.median_with_interval([a[1] / b[1] for a, b in pairs])},
        {"goal": "G2", "what": "  gateway, cases a second", "aim": "", **measure.median_with_interval([a[0] for a, _ in pairs])},
        {"goal": "G2", "what": "  gateway and PostgreSQL, µs CPU a case", "aim": "", **measure.median_with_interval([a[1] for a, _ in pairs])},
        {"goal": "G2", "what": "  pgbench, cases a second", "aim": "", **measure.median_with_interval([b[0] for _, b in pairs])},
        {"goal": "G2", "what": "  pgbench's PostgreSQL, µs CPU a case", "aim": "", **measure.median_with_interval([b[1] for _, b in pairs])},
        {"goal": "G2", "what": f"  rows a case ({shown})", "aim": "", **measure.median_with_interval([sum(written.values())])},
    ]


def counted(cases, written, had, has):
    """Every case that was answered must be there with all its rows."""
    for table, rows_each in written.items():
        if has[table] - had[table] != cases * rows_each:
            raise RuntimeError(f"{table}: {has[table] - had[table]} rows for {cases} cases of {rows_each}")
