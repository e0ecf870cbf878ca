"""G6: how fast a backlog leaves after an outage, against a gateway that claims and sends one delivery at a time."""
import json
import time
import uuid

import measure
import servers
import submission
import township

CONNECTIONS = 32


def run(folder, quick):
    folder = folder / "g6"
    folder.mkdir()
    backlog, sample = (2_000, 400) if quick else (100_000, 5_000)
    ours = drained(folder / "ours", backlog, {}, 8)
    theirs = drained(folder / "one", sample, {"ONEDOOR__OUTBOX__CLAIM_MAX": "1"}, 1)
    return [
        {"goal": "G6", "what": "deliveries a second against one at a time", "aim": ">= 3", **measure.median_with_interval([ours[0] / theirs[0]])},
        {"goal": "G6", "what": f"  deliveries a second, backlog of {backlog}", "aim": "", **measure.median_with_interval([ours[0]])},
        {"goal": "G6", "what": "  gateway and PostgreSQL, µs CPU a delivery", "aim": "", **measure.median_with_interval([ours[1]])},
        {"goal": "G6", "what": f"  one at a time, deliveries a second, backlog of {sample}", "aim": "", **measure.median_with_interval([theirs[0]])},
        {"goal": "G6", "what": "  one at a time, µs CPU a delivery", "aim": "", **measure.median_with_interval([theirs[1]])},
    ]


def drained(folder, backlog, settings, concurrency):
    """Makes a backlog while the upstream is away; gives deliveries a second and µs CPU a delivery once it is back."""
    folder.mkdir()
    port = servers.free_port()
    found = township.describe(folder, port, concurrency)
    with servers.postgres(folder / "postgres") as (postgres_pid, server):
        servers.sql(f"{server}/postgres", "create database onedoor")
        url = f"{server}/onedoor"
        with servers.Gateway(folder / "gateway", ONEDOOR__DATABASE__URL=url, ONEDOOR__OUTBOX__TICK_MS="200",
                             ONEDOOR__OUTBOX__BACKOFF_MAX_MS="1000", **found, **settings) as gateway:
            fill(folder, gateway, backlog)
            waiting = count(url, "state <> 'DELIVERED'")
            if waiting != backlog:
                raise RuntimeError(f"{waiting} of {backlog} deliveries wait")
            with township.Sandbox(folder, port) as upstream:
                servers.wait_until("the first delivery arrived", lambda: count(url, "state = 'DELIVERED'") > 0, 120)
                began, had = time.monotonic(), count(url, "state = 'DELIVERED'")
                cpu = measure.cpu_seconds(gateway.process.pid, postgres_pid)
                servers.wait_until("all arrived", lambda: count(url, "state <> 'DELIVERED'") == 0, 3_600)
                seconds, cpu = time.monotonic() - began, measure.cpu_seconds(gateway.process.pid, postgres_pid) - cpu
                taken = upstream.get("/applications")
                if len(taken) != backlog or any(one["effects"] != 1 for one in taken):
                    raise RuntimeError(f"the upstream took {len(taken)} of {backlog}, or one of them twice")
                return (backlog - had) / seconds, cpu / (backlog - had) * 1e6


def fill(folder, gateway, backlog):
    token, command = submission.prepare(gateway)
    bodies = folder / "bodies"
    with bodies.open("w") as file:
        for _ in range(backlog):
            file.write(json.dumps({"query": submission.DOCUMENT, "variables": {"input": command(uuid.uuid4())}}) + "\n")
    servers.load(gateway.address, bodies, once=True, connections=CONNECTIONS, header=[f"authorization: Bearer {token}"],
                 containing=submission.RIGHT)


def count(url, condition):
    return int(servers.sql(url, f"select count(*) from delivery where {condition}")[0][0])

