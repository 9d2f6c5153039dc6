"""Shared by the client tests: the server as a process, its control API, and named checks."""

import contextlib
import json
import os
import re
import shlex
import signal
import subprocess
import tempfile
import threading
import time
import traceback
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
# Loopback must not go through a proxy of the environment.
NO_PROXY = {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}
os.environ.update(NO_PROXY)


def program():
    """Path of the program under test."""
    path = os.environ.get("LARKSPUR") or str(ROOT / "target/ci/larkspur")
    if not Path(path).is_file():
        raise SystemExit(f"there is no program {path}: `cargo xtask clients` builds it and runs these tests")
    return str(Path(path).resolve())


def environment(**more):
    """The environment without a server's settings, and with some more variables."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LARKSPUR")}
    return kept | {name: str(value) for name, value in more.items()}


class Checks:
    """Named checks: each prints one line, and a failure does not stop the ones after it."""

    def __init__(self):
        self.passed = 0
        self.failed = []
        self.part = ""

    @contextlib.contextmanager
    def __call__(self, name):
        full = f"{self.part}: {name}" if self.part else name
        try:
            yield
        except Exception:
            self.failed.append(full)
            print(f"FAILED  {full}", flush=True)
            print("".join("        " + line for line in traceback.format_exc().splitlines(True)), flush=True)
        else:
            self.passed += 1
            print(f"ok      {full}", flush=True)

    def count(self, name, good, detail=""):
        """A check made by another program."""
        with self(name):
            assert good, detail


class Server:
    """A server on loopback, with data of its own."""

    def __init__(self, *flags, memory=False, data=None, **settings):
        self.folder = tempfile.TemporaryDirectory(prefix="larkspur-clients-")
        self.home = Path(self.folder.name)
        self.data = None if memory else Path(data or self.home / "data")
        self.ready_path = self.home / "ready.json"
        self.log_path = self.home / "server.log"
        self.flags = list(flags)
        self.settings = settings
        self.listen = "127.0.0.1:0"
        self.process = None
        self.ready = {}
        self.logged = 0

    def start(self):
        self.ready_path.unlink(missing_ok=True)
        place = ["--data", str(self.data)] if self.data else ["--memory"]
        command = [program(), "serve", "--listen", self.listen, *place, "--ready-file", str(self.ready_path), *self.flags]
        with self.log_path.open("ab") as log:
            self.logged = log.tell()
            self.process = subprocess.Popen(
                command, cwd=self.home, env=environment(**self.settings), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        deadline = time.monotonic() + 30
        while not self.ready_path.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the server does not start:\n{self.log()}")
            time.sleep(0.005)
        self.ready = json.loads(self.ready_path.read_text())
        # A restart uses the address that clients know.
        self.listen = self.ready["base_url"].removeprefix("http://")
        return self

    @property
    def url(self):
        return self.ready["base_url"]

    @property
    def address(self):
        host, port = self.listen.rsplit(":", 1)
        return host, int(port)

    def exported(self):
        """The variables that the `export` lines of the last start set, as a shell reads them."""
        deadline = time.monotonic() + 10
        while True:
            said = self.log_path.read_bytes()[self.logged:].decode()
            # The line after them.
            if re.search(r"^ready file ", said, re.MULTILINE):
                break
            assert time.monotonic() < deadline, said
            time.sleep(0.005)
        lines = re.findall(r"^export (\w+)=(.*)$", said, re.MULTILINE)
        return {name: shlex.split(value)[0] for name, value in lines}

    def log(self):
        return self.log_path.read_text(errors="replace")[-8000:] if self.log_path.exists() else ""

    def stop(self, how=signal.SIGTERM, patience=20):
        """Stops the process and returns its exit code."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            code = self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            code = None
        self.process = None
        return code

    def restart(self, how=signal.SIGTERM):
        """Stops it and starts it again, on the same data and the same port."""
        code = self.stop(how)
        self.start()
        return code

    def __enter__(self):
        return self.start()

    def __exit__(self, *error):
        self.stop()
        self.folder.cleanup()

    def run(self, *arguments, **options):
        """Runs another command of the program."""
        return subprocess.run(
            [program(), *map(str, arguments)], cwd=self.home, env=environment(), stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=60, **options,
        )

    def call(self, method, path, body=None, token=None, headers=None):
        """One plain call: status, headers, and the body, parsed if it is JSON."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers or {}, method=method)
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                status, names, text = answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as refusal:
            status, names, text = refusal.code, refusal.headers, refusal.read()
        with contextlib.suppress(ValueError):
            text = json.loads(text)
        return status, names, text

    def good(self, method, path, body=None, token=None):
        """A plain call that must succeed: its data."""
        status, _, answer = self.call(method, path, body, token)
        assert status == 200 and isinstance(answer, dict) and answer.get("code") == 0, (method, path, status, answer)
        return answer.get("data", answer)

    def tenant_token(self, app_id=None, app_secret=None):
        body = {"app_id": app_id or self.ready["app_id"], "app_secret": app_secret or self.ready["app_secret"]}
        answer = self.good("POST", "/open-apis/auth/v3/tenant_access_token/internal", body)
        return answer["tenant_access_token"]

    def metric(self, name, **labels):
        """A value of the metrics; 0 if it does not exist yet."""
        wanted = {f'{label}="{value}"' for label, value in labels.items()}
        for line in self.call("GET", "/larkspur/metrics")[2].decode().splitlines():
            head, _, number = line.rpartition(" ")
            found, _, rest = head.partition("{")
            if found == name and wanted <= set(rest.rstrip("}").split(",")):
                return int(number)
        return 0

    def control(self, method, path, body=None):
        """A call of the control API that must succeed: its data."""
        return self.good(method, f"/larkspur/v1{path}", body, self.ready["control_key"])


def as_shown(shown, printed):
    """Whether an output is as a page shows it: `…`, and in JSON every long word, stand for anything; blanks do not count."""
    if shown.lstrip().startswith(("{", "[")):
        shown = re.sub(r'"[^\s"…]{8,}"(?!\s*:)', '"…"', shown)
    parts = ["".join(part.split()) for part in shown.split("…")]
    return re.fullmatch(".*".join(map(re.escape, parts)), "".join(printed.split()), re.DOTALL) is not None


def png(width=2, height=2, red=40):
    """An image."""
    import struct
    import zlib

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    row = b"\0" + bytes([red, 90, 160]) * width
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(row * height)) + chunk(b"IEND", b"")


class Endpoint:
    """A server on loopback for events: `answer` gets path, headers and body of each POST, and returns status and content.

    Connections that it `keeps` are answered until they end, also after `close`.
    """

    def __init__(self, answer, keeps=True):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1" if keeps else "HTTP/1.0"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, content = answer(self.path, dict(self.headers), body)
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/events"

    def close(self):
        self.server.shutdown()
        self.server.server_close()
