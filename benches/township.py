"""The township centre with a system of its own, as the goals of the network need it: each submission is one delivery."""
import base64
import contextlib
import json
import os
import subprocess
import urllib.parse
import urllib.request
import uuid

import servers
import submission

# The kiosk's township.
CENTER = "340321101000:township.service-center"
SECRET = "whsec_" + base64.b64encode(b"the secret of the benchmark, 32+").decode()
TOKEN = "token-of-the-benchmark"


def describe(folder, port, concurrency=8, more=""):
    """Writes the description of the system; gives the settings by which a gateway finds it."""
    upstreams = folder / "upstreams"
    upstreams.mkdir()
    for name, text in (("token", TOKEN), ("secret", SECRET)):
        (folder / name).write_text(text)
    (upstreams / "township.toml").write_text(f"""
name = "township"
title_zh = "镇便民服务中心系统"
title_en = "Township centre's system"
protocol = "county-rest"
base_url = "http://127.0.0.1:{port}"
organizations = ["{CENTER}"]
operator_contact = "0552-0000000"
idempotency = "native"
concurrency_max = {concurrency}
allow_addresses = ["127.0.0.1"]
[breaker]
rest_ms = 500
[auth]
bearer = {{ file = "{folder / 'token'}" }}
[callback]
secrets = [{{ file = "{folder / 'secret'}" }}]
{more}
""")
    return {"ONEDOOR__UPSTREAMS__DIR": str(upstreams)}


class Sandbox:
    """The system itself; it decides nothing while something is measured."""

    def __init__(self, folder, port):
        self.folder, self.address = folder, f"127.0.0.1:{port}"

    def __enter__(self):
        environment = os.environ | {
            "ONEDOOR_SANDBOX_TOKEN": TOKEN, "ONEDOOR_SANDBOX_CALLBACK_SECRET": SECRET,
            "ONEDOOR__SANDBOX__LISTEN": self.address, "ONEDOOR__SANDBOX__DECIDE_AFTER_MS": "3600000",
            "ONEDOOR__DATA_DIR": str(self.folder / "sandbox"),
        }
        with (self.folder / "sandbox.log").open("w") as log:
            self.process = subprocess.Popen([servers.DIST / "onedoor", "sandbox"], env=environment, stdout=log, stderr=log)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def wait(self):
        """Waits until it answers."""
        def answers():
            with contextlib.suppress(OSError):
                return self.get("/control") is not None
            return False
        servers.wait_until("the upstream answers", answers)

    def get(self, path):
        return json.load(urllib.request.urlopen(f"http://{self.address}{path}"))

    def told(self, **rule):
        body = json.dumps(rule).encode()
        request = urllib.request.Request(f"http://{self.address}/control", body, {"content-type": "application/json"}, method="PUT")
        urllib.request.urlopen(request).read()

    def heard(self):
        """Number of the last line of its journal; 0 before the first."""
        journal = self.get("/journal")
        return journal[-1]["n"] if journal else 0

    def requests(self, method, since):
        """The requests of a method behind a line of the journal, oldest first."""
        journal = self.get("/journal")
        if journal and journal[0]["n"] > since + 1:
            raise RuntimeError("the journal does not reach back so far: measure for a shorter time")
        return [line for line in journal if line["n"] > since and line["direction"] == "in" and line["method"] == method]


def question(reference):
    """The path by which the system is asked for one case, as the gateway asks."""
    return "/api/applications?" + urllib.parse.urlencode({"our_ref": reference})


def cases(gateway, url, count):
    """Submits so many applications and waits until the system has them all; gives (id, reference) of each."""
    token, command = submission.prepare(gateway)
    made = []
    for _ in range(count):
        case = gateway.ask(submission.DOCUMENT, {"input": command(uuid.uuid4())}, token)["submitCase"]["case"]
        made.append((case["id"], case["trackingCode"].replace("-", "")))
    servers.wait_until("all cases arrived", lambda: waiting(url) == 0, 300)
    return made


def waiting(url):
    return int(servers.sql(url, "select count(*) from delivery where state <> 'DELIVERED'")[0][0])
