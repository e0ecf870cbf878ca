"""G8: how long from the start to the first correct answer, and how much memory an idle gateway holds."""
import json
import time

import measure
import servers

QUESTION = "{ __typename }"


def run(folder, quick):
    gateway = servers.Gateway(folder / "g8")
    with gateway:  # creates the data folder and loads the reference data, as every first start does
        pass
    starts_ms, memory_mb = [], []
    for _ in range(5 if quick else 15):
        began = time.perf_counter()
        gateway.spawn()
        while not answers(gateway):
            time.sleep(0.001)
        starts_ms.append((time.perf_counter() - began) * 1_000)
        time.sleep(1)
        memory_mb.append(measure.resident_mb(gateway.process.pid))
        gateway.stop()
    return [
        {"goal": "G8", "what": "start to first correct answer, ms", "aim": "<= 150", **measure.median_with_interval(starts_ms)},
        {"goal": "G8", "what": "idle memory, MB", "aim": "<= 40", **measure.median_with_interval(memory_mb)},
    ]


def answers(gateway):
    if gateway.process.poll() is not None:
        raise RuntimeError("the gateway ended")
    try:
        status, _, body = servers.post(gateway.address, json.dumps({"query": QUESTION}), {"content-type": "application/json"})
    except OSError:
        return False
    return status == 200 and json.loads(body) == {"data": {"__typename": "Query"}}
