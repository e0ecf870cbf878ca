"""G1: a catalogue query that hits the cache, against a bare handler that answers with the same bytes."""
import json

import measure
import servers

# Headers that differ by nature: the date, the correlation id of a request, how often it may still ask.
OWN_HEADERS = {"date", "x-correlation-id", "x-request-id", "ratelimit", "ratelimit-policy"}
DOCUMENT = """query Catalogue($first: Int!) {
  serviceItems(first: $first) { edges { cursor node { id code name } } pageInfo { hasNextPage endCursor } }
}"""
CONNECTIONS = 16


def run(folder, quick):
    folder = folder / "g1"
    with servers.Gateway(folder) as gateway:
        body = json.dumps({"query": DOCUMENT, "variables": {"first": 20}, "operationName": "Catalogue"})
        bodies = folder / "bodies"
        bodies.write_text(body + "\n")
        headers = {"content-type": "application/json"}
        status, answer_headers, answer = servers.post(gateway.address, body, headers)
        if status != 200 or b'"errors"' in answer:
            raise RuntimeError(f"{status} {answer.decode()}")
        shown = [f"{name}: {value}" for name, value in answer_headers if name.lower() not in OWN_HEADERS | {"content-length"}]
        with servers.bare(folder, answer, shown) as (bare_pid, bare_address):
            same_headers(answer_headers, servers.post(bare_address, body, headers)[1])
            expected = folder / "expected"
            expected.write_bytes(answer)
            sides = {"gateway": (gateway.address, [gateway.process.pid]), "bare": (bare_address, [bare_pid])}
            return rows(sides, bodies, expected, len(answer), quick)


def rows(sides, bodies, expected, size, quick):
    def segment(side, seconds):
        address, roots = sides[side]
        before = measure.cpu_seconds(*roots)
        report = servers.load(address, bodies, connections=CONNECTIONS, seconds=seconds, same_as=expected)
        return (measure.cpu_seconds(*roots) - before) / report["right"] * 1e6, report

    for side in sides:
        segment(side, 2 if quick else 15)
    costs = {side: [] for side in sides}
    for _ in range(2 if quick else 6):
        for side in ("gateway", "bare", "bare", "gateway"):
            costs[side].append(segment(side, 1 if quick else 4)[0])
    ratios = [ours / theirs for ours, theirs in zip(costs["gateway"], costs["bare"], strict=True)]
    return [
        {"goal": "G1", "what": "cached catalogue query, CPU against a bare handler", "aim": "<= 1.10",
         **measure.median_with_interval(ratios), "answer_bytes": size},
        {"goal": "G1", "what": "  gateway, µs CPU a request", "aim": "", **measure.median_with_interval(costs["gateway"])},
        {"goal": "G1", "what": "  bare handler, µs CPU a request", "aim": "", **measure.median_with_interval(costs["bare"])},
    ]


def same_headers(ours, theirs):
    def kept(headers):
        return sorted((name.lower(), value) for name, value in headers if name.lower() not in OWN_HEADERS)
    if kept(ours) != kept(theirs):
        raise RuntimeError(f"headers differ:\n{kept(ours)}\n{kept(theirs)}")
