"""Two Larkspur nodes on the cluster, and a caller that switches to the other one when one does not answer."""

import http.client
import json
import secrets
import threading
import time
from typing import NamedTuple

from processes import Failure, Process, ports, until

# Longer than a server waits for the database.
PATIENCE = 15


class World(NamedTuple):
    """A tenant: its app, and a token of that."""

    app_id: str
    secret: str
    token: str


class Servers:
    """The Larkspur nodes."""

    def __init__(self, folder, program, url):
        self.key = secrets.token_hex(16)
        self.ports = ports(2)
        self.all = [
            Process(folder / f"larkspur{index + 1}", [
                program, "serve", "--listen", f"127.0.0.1:{port}", "--rate-limits", "off",
                "--ready-file", folder / f"larkspur{index + 1}" / "ready.json",
            ], variables={"LARKSPUR_STORE": url, "LARKSPUR_CONTROL_KEY": self.key, "LARKSPUR_DEMO": "never",
                          "LARKSPUR_LOGS_LEVEL": "warn"})
            for index, port in enumerate(self.ports)
        ]

    def start(self):
        for index in range(2):
            self.begin(index)

    def begin(self, index):
        """Starts a node and waits until it is ready."""
        process = self.all[index]
        process.start()

        def ready():
            if not process.alive():
                raise Failure(f"larkspur{index + 1} ended:\n{process.tail()}")
            return self.is_ready(index)

        until(f"larkspur{index + 1} is ready", 60, ready)

    def is_ready(self, index):
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[index], timeout=10)
        try:
            connection.request("GET", "/larkspur/health/ready")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def world(self, events=None):
        """A new tenant with an app; `events`: how it is told of them, by long connection if nothing is said."""
        caller = Caller(self.ports)
        body = {"name": "drill"} | ({"events": events} if events else {})
        world = caller.good("POST", "/larkspur/v1/worlds", body, self.key)
        path = f"/larkspur/v1/worlds/{world['tenant_key']}/apps/{world['app_id']}/tokens"
        token = caller.good("POST", path, {"expires_in": 86400}, self.key)["access_token"]
        return World(world["app_id"], world["app_secret"], token)


class Caller:
    """Connections of one thread to the nodes. It stays with a node until that does not answer."""

    def __init__(self, ports, first=0):
        self.ports = ports
        self.at = first % len(ports)
        self.connections = [None] * len(ports)
        # The outcome of the last call, from its answer: "none", "unknown", or nothing.
        self.outcome = None

    def call(self, method, path, body=None, token=None, only=None):
        """One call: the HTTP status and the answer. Status 0 if it was not accepted, -1 if no answer came."""
        for _ in range(len(self.ports)):
            at = self.at if only is None else only
            status, answer = self.ask(at, method, path, body, token)
            if status > 0 and status < 500:
                return status, answer
            if only is None:
                self.at = (self.at + 1) % len(self.ports)
            if status != 0:
                return status, answer
        return 0, "no node takes connections"

    def ask(self, at, method, path, body, token):
        data = None if body is None else json.dumps(body).encode()
        self.outcome = None
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        for fresh in (False, True):
            connection = None if fresh else self.connections[at]
            if connection is None:
                connection = http.client.HTTPConnection("127.0.0.1", self.ports[at], timeout=PATIENCE)
                fresh = True
                try:
                    connection.connect()
                except OSError as error:
                    self.connections[at] = None
                    return 0, repr(error)
                self.connections[at] = connection
            try:
                connection.request(method, path, data, headers)
                answer = connection.getresponse()
                text = answer.read()
                self.outcome = answer.getheader("X-Larkspur-Outcome")
                return answer.status, json.loads(text)
            except (OSError, http.client.HTTPException, ValueError) as error:
                connection.close()
                self.connections[at] = None
                # A write may have been accepted: it is not repeated.
                if fresh or method != "GET":
                    return -1, repr(error)
        return -1, ""

    def good(self, method, path, body=None, token=None, only=None, patience=60):
        """The data of a call that must succeed; it is retried while the store is unavailable."""
        deadline = time.monotonic() + patience
        while True:
            status, answer = self.call(method, path, body, token, only)
            if status == 200 and answer["code"] == 0:
                return answer["data"]
            if status in (400, 401, 403, 404, 500) or time.monotonic() > deadline:
                raise Failure(f"{method} {path}: {status} {answer}")
            time.sleep(0.2)


class Ledger:
    """The requested and the acknowledged writes, in memory and, line by line, in a file."""

    def __init__(self, path):
        self.file = open(path, "a", encoding="utf-8")
        self.lock = threading.Lock()
        self.times = []
        self.acknowledged = []
        self.unknown = []
        self.wrong = []

    def acknowledge(self, write):
        with self.lock:
            self.file.write(json.dumps(write) + "\n")
            self.file.flush()
            self.times.append(time.monotonic())
            self.acknowledged.append(write)

    def doubt(self, write):
        with self.lock:
            self.unknown.append(write)

    def refuse(self, text):
        with self.lock:
            self.wrong.append(text)

    def count(self):
        return len(self.acknowledged)

    def outage(self, began, ended):
        """The longest time without an acknowledgment, in seconds."""
        times = [began, *sorted(self.times), ended]
        return max(later - earlier for earlier, later in zip(times, times[1:]))
