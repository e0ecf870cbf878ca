"""G3: what the gateway adds to a call: a live read through it against the same question put to the upstream itself, and a
delivery through its outbox against the same application posted there."""
import datetime
import http.client
import json
import statistics
import time
import uuid

import measure
import servers
import submission
import township

STATUS = "query($id: ID!) { case(by: { id: $id }) { handoffs { upstreamStatus { state version asOf source stale } } } }"
# every read is the upstream's own answer of now, and none is kept from before
RIGHT = '"source":"UPSTREAM","stale":false'
# the shortest time for which an answer can be kept; more cases than are read in it
KEPT_MS, CASES = 100, 1_000


def run(folder, quick):
    folder = folder / "g3"
    folder.mkdir()
    port = servers.free_port()
    settings = township.describe(folder, port, concurrency=64, more=f"[live]\nttl_ms = {KEPT_MS}")
    with servers.postgres(folder / "postgres") as (postgres_pid, server), township.Sandbox(folder, port) as upstream:
        servers.sql(f"{server}/postgres", "create database onedoor")
        url = f"{server}/onedoor"
        upstream.wait()
        with servers.Gateway(folder / "gateway", ONEDOOR__DATABASE__URL=url, ONEDOOR__DATABASE__CONNECTIONS_MAX="16", **settings) as gateway:
            cases = township.cases(gateway, url, 200 if quick else CASES)
            scene = Scene(folder, gateway, postgres_pid, upstream, cases)
            return scene.reads(quick) + scene.deliveries(quick)


class Scene:
    def __init__(self, folder, gateway, postgres_pid, upstream, cases):
        self.gateway, self.postgres_pid, self.upstream = gateway, postgres_pid, upstream
        self.token = gateway.token("--role", "clerk", "--organization", submission.STATION)
        self.through, self.direct = folder / "through", folder / "direct"
        self.through.write_text("".join(json.dumps({"query": STATUS, "variables": {"id": case}}) + "\n" for case, _ in cases))
        self.direct.write_text("".join(township.question(reference) + "\n" for _, reference in cases))

    def segment(self, side, connections, seconds):
        """One stretch of one side: p50 and p99 in ms, and µs CPU a call of gateway, PostgreSQL and upstream."""
        roots = [self.gateway.process.pid, self.postgres_pid, self.upstream.process.pid]
        heard = self.upstream.heard()
        before = [measure.cpu_seconds(root) for root in roots]
        if side == "through":
            report = servers.load(self.gateway.address, self.through, connections=connections, seconds=seconds,
                                  header=[f"authorization: Bearer {self.token}"], containing=RIGHT)
        else:
            report = servers.load(self.upstream.address, self.direct, connections=connections, seconds=seconds, get=True,
                                  header=[f"authorization: Bearer {township.TOKEN}"], containing='"our_ref"')
        cpu = [(measure.cpu_seconds(root) - had) / report["right"] * 1e6 for root, had in zip(roots, before, strict=True)]
        asked = len(self.upstream.requests("GET", heard))
        if asked != report["right"]:
            raise RuntimeError(f"{side}: {report['right']} answers, and the upstream was asked {asked} times")
        return report["p50_us"] / 1e3, report["p99_us"] / 1e3, *cpu

    def reads(self, quick):
        results = []
        for connections in (1, 16):
            seconds = 1 if quick else 4
            for side in ("through", "direct"):
                self.segment(side, connections, 1 if quick else 8)
            found = {"through": [], "direct": []}
            for _ in range(1 if quick else 4):
                for side in ("through", "direct", "direct", "through"):
                    found[side].append(self.segment(side, connections, seconds))
            named = f"live read, {connections} connection{'s' if connections > 1 else ''}"
            for index, quantile in ((0, "p50"), (1, "p99")):
                ours, theirs = ([one[index] for one in found[side]] for side in ("through", "direct"))
                results += [row(f"{named}, {quantile} added by the gateway, ms", [a - b for a, b in zip(ours, theirs, strict=True)]),
                            row(f"  {quantile} through the gateway, ms", ours), row(f"  {quantile} at the upstream itself, ms", theirs)]
            results += [row(f"{named}, µs CPU a call, gateway", [one[2] for one in found["through"]]),
                        row("  PostgreSQL beside it, µs CPU a call", [one[3] for one in found["through"]]),
                        row("  the upstream itself, µs CPU a call", [one[4] for one in found["direct"]])]
        return results

    def deliveries(self, quick):
        """One application after the other, by the same client: until the receipt, until the upstream has it, and posted there."""
        count = 50 if quick else 500
        kiosk, command = submission.prepare(self.gateway)
        receipts, sent, heard = [], {}, self.upstream.heard()
        calls = Calls(self.gateway.address, "/graphql", kiosk)
        before = [measure.cpu_seconds(root) for root in (self.gateway.process.pid, self.postgres_pid)]
        for _ in range(count):
            body = {"query": submission.DOCUMENT, "variables": {"input": command(uuid.uuid4())}}
            at, took, answer = calls.call(body)
            if submission.RIGHT not in answer:
                raise RuntimeError(answer)
            receipts.append(took)
            sent[json.loads(answer)["data"]["submitCase"]["case"]["trackingCode"].replace("-", "")] = at
        servers.wait_until("all arrived", lambda: self.arrived(sent, heard).keys() == sent.keys())
        cpu = [(measure.cpu_seconds(root) - had) / count * 1e6 for root, had in zip((self.gateway.process.pid, self.postgres_pid), before, strict=True)]
        arrivals = [(at - sent[reference]) * 1e3 for reference, at in self.arrived(sent, heard).items()]
        directs, calls = [], Calls(self.upstream.address, "/api/applications", township.TOKEN)
        for number in range(count):
            _, took, answer = calls.call(application(number), {"idempotency-key": str(uuid.uuid4())})
            if '"serial_no"' not in answer:
                raise RuntimeError(answer)
            directs.append(took)
        return [row(f"{what}, {name}, ms", [quantile(times)]) for name, quantile in (("p50", statistics.median), ("p99", p99))
                for what, times in (("submission until the upstream has it", arrivals), ("  until the durable receipt", receipts),
                                    ("  the same posted to the upstream itself", directs))] + [
            row("submission and delivery, µs CPU of the gateway", [cpu[0]]), row("  PostgreSQL beside it, µs CPU", [cpu[1]])]

    def arrived(self, sent, heard):
        """When the upstream took over each of these, by its own journal."""
        return {line["our_ref"]: datetime.datetime.fromisoformat(line["at"]).timestamp()
                for line in self.upstream.requests("POST", heard) if line["our_ref"] in sent and line["did"] == "accepted"}


class Calls:
    """POSTs over one kept connection."""

    def __init__(self, address, path, token):
        self.connection, self.path = http.client.HTTPConnection(address, timeout=60), path
        self.headers = {"content-type": "application/json", "authorization": f"Bearer {token}"}

    def call(self, body, more=None):
        """When it was sent, how long the answer took in ms, and its text."""
        body, at, began = json.dumps(body).encode(), time.time(), time.perf_counter()
        self.connection.request("POST", self.path, body, self.headers | (more or {}))
        text = self.connection.getresponse().read().decode()
        return at, (time.perf_counter() - began) * 1e3, text


def application(number):
    """An application as the upstream itself takes it, as large as ours."""
    paper = {"trust": "C", "originals": 0}
    return {
        "our_ref": f"DIRECT{number:08}", "item": {"code": "pension-enroll", "name": "城乡居民基本养老保险参保登记"},
        "division": {"code": "340321101200", "name": "张庄村"},
        "applicant": {"kind": "PERSON", "name": "裘稻香", "id_kind": "RESIDENT_ID", "id_number": "340322197803150016", "phone": "19900010001"},
        "form": {"name": "裘稻香", "idNo": "340322197803150016", "mobile": "19900010001", "hukou": "340321101200", "level": "200"},
        "materials": [{"code": "id", "name": "居民身份证", **paper}, {"code": "hk", "name": "户口簿", **paper}, {"code": "bankc", "name": "银行卡", **paper}],
        "from": {"code": submission.STATION, "name": "便民服务站"}, "to": {"code": township.CENTER, "name": "便民服务中心"},
        "handoff": {"seq": 1, "kind": "ROUTE"}, "submitted_at": "2026-11-23T01:02:03Z", "due_on": "2026-12-01",
    }


def p99(times):
    times = sorted(times)
    return times[min(len(times) - 1, len(times) * 99 // 100)]


def row(what, values):
    return {"goal": "G3", "what": what, "aim": "", **measure.median_with_interval(values)}
