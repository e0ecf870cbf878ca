"""Starts and stops what is measured: PostgreSQL, the gateway, the bare peer, the load."""
import contextlib
import http.client
import json
import os
import pathlib
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
# another build can be measured where only the database's time counts
DIST = pathlib.Path(os.environ.get("ONEDOOR_BENCH_PROGRAMS", ROOT / "target" / "dist"))
# Durability as in service; printed with the results.
POSTGRES_SETTINGS = ["fsync=on", "synchronous_commit=on", "full_page_writes=on", "max_connections=200", "shared_buffers=512MB"]


def postgres_program(name):
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(found[-1]) if found else name


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(what, holds, seconds=60):
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds} s in vain: {what}")
        time.sleep(0.05)


@contextlib.contextmanager
def postgres(folder, settings=POSTGRES_SETTINGS):
    """A private PostgreSQL with everything that keeps a commit; gives (pid, address of the server)."""
    port = free_port()
    folder.mkdir(parents=True)
    with (folder.parent / "postgres.log").open("w") as log:
        process = subprocess.Popen([ROOT / "scripts/private-postgres.sh", folder, str(port), *settings], stdout=log, stderr=log)
    url = f"postgres://onedoor@127.0.0.1:{port}"
    try:
        wait_until("PostgreSQL answers", lambda: subprocess.run(
            [postgres_program("psql"), url + "/postgres", "-qc", "select 1"], capture_output=True, check=False).returncode == 0)
        yield process.pid, url
    finally:
        process.send_signal(2)
        process.wait()


@contextlib.contextmanager
def redis(folder):
    """A private Redis that keeps nothing on disk; gives its address."""
    port = free_port()
    folder.mkdir(parents=True)
    with (folder / "redis.log").open("w") as log:
        process = subprocess.Popen(["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
                                    "--dir", folder], stdout=log, stderr=log)
    try:
        def listens():
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                return True
            return False
        wait_until("Redis listens", listens)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait()


def sql(url, statement):
    """Runs one statement and gives its rows as lists of texts."""
    done = subprocess.run([postgres_program("psql"), url, "-qAtF", "\x1f", "-v", "ON_ERROR_STOP=1", "-c", statement],
                          capture_output=True, check=True, text=True)
    return [line.split("\x1f") for line in done.stdout.splitlines()]


class Gateway:
    """One `onedoor serve --demo` of the dist profile."""

    def __init__(self, folder, **settings):
        self.port = free_port()
        self.folder = folder
        self.address = f"127.0.0.1:{self.port}"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ONEDOOR__")},
            "ONEDOOR__SERVER__LISTEN": self.address,
            "ONEDOOR__DATA_DIR": str(folder / "data"),
            "ONEDOOR__LOG__FILTER": "warn",
            # one load generator asks more than any caller may: the largest budgets that can be set
            "ONEDOOR__LIMITS__FIELDS_PER_MINUTE": "10000000",
            "ONEDOOR__LIMITS__FIELDS_PER_MINUTE_DEVICE": "10000000",
            "ONEDOOR__LIMITS__FIELDS_PER_MINUTE_ANONYMOUS": "10000000",
            # the county's department alone, as all figures so far were measured
            "ONEDOOR__SANDBOX__CITY": "false",
            **settings,
        }
        folder.mkdir(parents=True, exist_ok=True)

    def spawn(self):
        """Starts the process and does not wait for it."""
        with (self.folder / "gateway.log").open("a") as log:
            self.process = subprocess.Popen([DIST / "onedoor", "serve", "--demo"], env=self.environment, cwd=self.folder, stdout=log, stderr=log)

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def __enter__(self):
        self.spawn()
        wait_until("the gateway is ready", self.is_ready)
        return self

    def __exit__(self, *_):
        self.stop()

    def is_ready(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"the gateway ended: {(self.folder / 'gateway.log').read_text()[-2000:]}")
        try:
            return get(self.address, "/health/ready").status == 200
        except OSError:
            return False

    def ask(self, document, variables=None, token=None):
        """One GraphQL request; gives `data` and refuses errors."""
        body = json.dumps({"query": document, "variables": variables or {}})
        headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
        status, _, text = post(self.address, body, headers)
        answer = json.loads(text)
        if status != 200 or "errors" in answer:
            raise RuntimeError(f"{status} {text.decode()}")
        return answer["data"]

    def token(self, *options):
        """A token of the demo issuer."""
        done = subprocess.run([DIST / "onedoor", "token", *options], env=self.environment, cwd=self.folder, capture_output=True, check=True, text=True)
        return done.stdout.strip()


@contextlib.contextmanager
def bare(folder, body, headers):
    """The bare handler that answers with these bytes; gives (pid, address)."""
    port = free_port()
    file = folder / "bare-body"
    file.write_bytes(body)
    options = [option for header in headers for option in ("--header", header)]
    process = subprocess.Popen([DIST / "bare", "--port", str(port), "--body", file, *options])
    address = f"127.0.0.1:{port}"
    try:
        def listens():
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                return True
            return False
        wait_until("the bare peer listens", listens)
        yield process.pid, address
    finally:
        process.terminate()
        process.wait()


def get(address, path):
    connection = http.client.HTTPConnection(address, timeout=30)
    connection.request("GET", path)
    return connection.getresponse()


def post(address, body, headers):
    """One POST to /graphql: status, headers and bytes."""
    connection = http.client.HTTPConnection(address, timeout=60)
    connection.request("POST", "/graphql", body.encode(), headers)
    answer = connection.getresponse()
    return answer.status, answer.getheaders(), answer.read()


def load(address, bodies, **options):
    """Runs the load generator on a file of bodies and gives its report; any wrong answer ends the benchmark."""
    arguments = [DIST / "load", "--to", address, "--bodies", bodies]
    for name, value in options.items():
        flag = "--" + name.replace("_", "-")
        for each in value if isinstance(value, list) else [value]:
            arguments += [flag] if each is True else [flag, str(each)]
    report = json.loads(subprocess.run(arguments, check=True, capture_output=True, text=True).stdout)
    if report["wrong"] or report["broken_connections"] or not report["right"]:
        told = {name: value for name, value in report.items() if name not in ("body", "head")}
        raise RuntimeError(f"{address} answered wrongly: {json.dumps(told, ensure_ascii=False)[:2000]}")
    return report
