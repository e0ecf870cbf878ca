"""G3b: a thousand who ask for the same at once, and how often the upstream was asked: one gateway, and two with and without Redis."""
import concurrent.futures
import contextlib
import json

import measure
import servers
import submission
import township

READERS = 1_000
STATUS = "query($id: ID!) { case(by: { id: $id }) { handoffs { upstreamStatus { state source stale } } } }"
RIGHT = '"state":"RECEIVED"'


def run(folder, quick):
    folder = folder / "g3b"
    folder.mkdir()
    port, rounds = servers.free_port(), 2 if quick else 9
    # a kept answer outlives a round on any machine, so that a second question would be one too many
    settings = township.describe(folder, port, concurrency=64, more="[live]\nttl_ms = 60000\nwait_ms = 60000")
    settings |= {"ONEDOOR__SERVER__REQUESTS_MAX": "4000", "ONEDOOR__LIMITS__QUERY_TIMEOUT_MS": "60000",
                 "ONEDOOR__DATABASE__CONNECTIONS_MAX": "16", "ONEDOOR__DATABASE__ACQUIRE_TIMEOUT_MS": "30000"}
    results = []
    with contextlib.ExitStack() as stack:
        _, server = stack.enter_context(servers.postgres(folder / "postgres"))
        servers.sql(f"{server}/postgres", "create database onedoor")
        url = f"{server}/onedoor"
        settings["ONEDOOR__DATABASE__URL"] = url
        redis = stack.enter_context(servers.redis(folder / "redis"))
        upstream = stack.enter_context(township.Sandbox(folder, port))
        upstream.wait()
        upstream.told(mode="slow", on="query", delay_ms=300)
        for replicas, shared, aim in ((1, False, "1"), (2, True, "1"), (2, False, "<= 2")):
            named = f"{READERS} identical reads at once, {replicas} gateway{'s' if replicas > 1 else ''}"
            named += " with Redis" if shared else " without Redis" if replicas > 1 else ""
            more = {"ONEDOOR__REDIS__URL": redis} if shared else {}
            with contextlib.ExitStack() as gateways:
                running = [gateways.enter_context(servers.Gateway(folder / "gateway", **settings, **more)) for _ in range(replicas)]
                cases = township.cases(running[0], url, rounds)
                token = running[0].token("--role", "clerk", "--organization", submission.STATION)
                found = [asked(folder, running, upstream, token, case) for case, _ in cases]
            results += [{"goal": "G3b", "what": f"{named}: questions to the upstream", "aim": aim,
                         **measure.median_with_interval([calls for calls, _ in found])},
                        {"goal": "G3b", "what": "  reads a second", "aim": "", **measure.median_with_interval([rate for _, rate in found])}]
    return results


def asked(folder, gateways, upstream, token, case):
    """How often the upstream was asked while all read one case, and the reads a second; every answer is looked at."""
    heard = upstream.heard()
    each = READERS // len(gateways)
    bodies = folder / "bodies"
    bodies.write_text((json.dumps({"query": STATUS, "variables": {"id": case}}) + "\n") * each)

    def read(gateway):
        return servers.load(gateway.address, bodies, once=True, connections=each, containing=RIGHT,
                            header=[f"authorization: Bearer {token}"])

    with concurrent.futures.ThreadPoolExecutor() as pool:
        reports = list(pool.map(read, gateways))
    if sum(report["right"] for report in reports) != READERS:
        raise RuntimeError("not all readers were answered")
    return len(upstream.requests("GET", heard)), READERS / max(report["seconds"] for report in reports)
