"""Three etcd, three Patroni with PostgreSQL, on loopback."""

import http.client
import json
import os
import secrets
import shutil
import subprocess
from pathlib import Path

from processes import Failure, Process, inside, ports, server_user, until

SETTINGS = Path(__file__).resolve().parents[2] / "deploy/patroni.yml"


def shipped():
    """Patroni's settings of leases and replication from the deployment guide: the drill tests these."""
    lines = SETTINGS.read_text(encoding="utf-8").partition("\n  dcs:\n")[2].partition("\n    postgresql:\n")[0].splitlines()
    pairs = [line.strip().split(": ") for line in lines if not line.lstrip().startswith("#")]
    words = {"true": True, "false": False}
    found = {name: int(value) if value.isdigit() else words.get(value, value) for name, value in pairs}
    missing = {"ttl", "loop_wait", "retry_timeout", "synchronous_mode", "synchronous_mode_strict"} - set(found)
    if missing:
        raise Failure(f"{SETTINGS} does not say {', '.join(sorted(missing))}")
    return found


ASYNCHRONOUS = {"synchronous_mode": "off", "synchronous_mode_strict": False}


def programs():
    """Where PostgreSQL's programs are: Debian keeps them out of the path."""
    places = [Path(place) for place in os.environ.get("PATH", "").split(":") if place]
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda place: -float(place.parent.name))
    for place in places + versions:
        # A link in the path to one of them has no neighbors.
        if all(os.path.isfile(place / name) for name in ("initdb", "postgres", "pg_rewind", "pg_basebackup", "psql")):
            return place
    raise Failure("there is no PostgreSQL server (Debian: postgresql): cargo xtask setup")


def request(port, method, path, body=None, timeout=5):
    """A call of an HTTP API on loopback: status and JSON; status 0 without an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(method, path, None if body is None else json.dumps(body),
                           {"Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
    except (OSError, http.client.HTTPException) as error:
        return 0, str(error)
    finally:
        connection.close()
    try:
        return answer.status, json.loads(text)
    except ValueError:
        return answer.status, text.decode(errors="replace")


class Node:
    """Patroni and its PostgreSQL."""

    def __init__(self, name, folder, port, rest, process):
        self.name, self.folder, self.port, self.rest, self.process = name, folder, port, rest, process

    def patroni(self):
        """Patroni's own process."""
        return self.process.running.pid

    def postgres(self):
        """The processes of its PostgreSQL, by their process titles."""
        found = {}
        for pid in inside(self.folder / "data"):
            try:
                found[pid] = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
        return found


class Cluster:
    """The whole cluster, in one folder."""

    def __init__(self, folder, python):
        if not shutil.which("etcd"):
            raise Failure("there is no etcd (Debian: etcd-server): cargo xtask setup")
        self.folder = folder
        self.settings = shipped()
        self.bin = programs()
        self.user = server_user()
        self.python = self.readable(Path(python).absolute())
        self.password = secrets.token_hex(16)
        numbers = ports(12)
        self.etcd_ports, peers, sql, rest = numbers[:3], numbers[3:6], numbers[6:9], numbers[9:]
        self.etcd = [self.make_etcd(index, peers) for index in range(3)]
        self.nodes = [self.make_node(index, sql[index], rest[index]) for index in range(3)]

    def readable(self, python):
        """A Python that PostgreSQL's user can run: a copy, if the project is in a private folder."""
        for attempt in range(2):
            try:
                run = subprocess.run(
                    [python, "-c", "import patroni.__main__, patroni.dcs.etcd3, psycopg"], capture_output=True, text=True,
                    cwd="/", timeout=60,
                    **({"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []} if self.user else {}),
                )
                if run.returncode == 0:
                    return python
                why = run.stderr.strip().rpartition("\n")[2]
            except OSError as error:
                why = error
            if attempt == 0 and self.user and (python.parent.parent / "pyvenv.cfg").is_file():
                shutil.copytree(python.parent.parent, self.folder / "python", symlinks=True)
                python = self.folder / "python/bin/python"
            else:
                break
        who = f" as user {self.user.pw_name}" if self.user else ""
        raise Failure(f"{python} cannot run Patroni{who}: {why}")

    def make_etcd(self, index, peers):
        name = f"etcd{index + 1}"
        client, peer = (f"http://127.0.0.1:{port}" for port in (self.etcd_ports[index], peers[index]))
        everyone = ",".join(f"etcd{each + 1}=http://127.0.0.1:{port}" for each, port in enumerate(peers))
        return Process(self.folder / name, [
            shutil.which("etcd"), "--name", name, "--data-dir", "data", "--initial-cluster", everyone,
            "--initial-cluster-state", "new", "--initial-cluster-token", "drill", "--listen-peer-urls", peer,
            "--initial-advertise-peer-urls", peer, "--listen-client-urls", client, "--advertise-client-urls", client,
            # For a busy machine with a slow disk.
            "--heartbeat-interval", "200", "--election-timeout", "2000", "--logger", "zap", "--log-level", "warn",
        ], self.user)

    def make_node(self, index, port, rest):
        name = f"n{index + 1}"
        folder = self.folder / name
        process = Process(folder, [self.python, "-m", "patroni", folder / "patroni.json"], self.user)
        users = {"superuser": "postgres", "replication": "replicator", "rewind": "rewinder"}
        settings = {
            "scope": "drill", "name": name,
            "restapi": {"listen": f"127.0.0.1:{rest}", "connect_address": f"127.0.0.1:{rest}"},
            "etcd3": {"hosts": [f"127.0.0.1:{each}" for each in self.etcd_ports]},
            "bootstrap": {
                "dcs": {
                    **self.settings,
                    # The control run must fail over, whatever is missing.
                    "maximum_lag_on_failover": 1 << 40,
                    "postgresql": {"use_pg_rewind": True, "use_slots": True, "parameters": {
                        "shared_buffers": "32MB", "max_connections": 100, "fsync": "on", "wal_log_hints": "on",
                        "synchronous_commit": "on", "max_wal_size": "256MB", "password_encryption": "scram-sha-256",
                    }},
                },
                "initdb": [{"encoding": "UTF8"}, {"locale": "C.UTF-8"}, "data-checksums"],
            },
            "postgresql": {
                "listen": f"127.0.0.1:{port}", "connect_address": f"127.0.0.1:{port}", "bin_dir": str(self.bin),
                "data_dir": str(folder / "data"), "pgpass": str(folder / "pgpass"),
                "authentication": {part: {"username": user, "password": self.password} for part, user in users.items()},
                "parameters": {"unix_socket_directories": str(folder)},
                "pg_hba": ["host all all 127.0.0.1/32 scram-sha-256",
                           "host replication replicator 127.0.0.1/32 scram-sha-256"],
            },
            "watchdog": {"mode": "off"},
        }
        path = folder / "patroni.json"
        path.touch(mode=0o600)
        path.write_text(json.dumps(settings, indent=1))
        if self.user:
            os.chown(path, self.user.pw_uid, self.user.pw_gid)
        return Node(name, folder, port, rest, process)

    def start(self):
        for etcd in self.etcd:
            etcd.start()
        until("etcd answers", 60, lambda: all(self.etcd_is_well(port) for port in self.etcd_ports))
        for node in self.nodes:
            node.process.start()
        self.settle(180)
        leader = self.primary()
        self.sql(leader, f"CREATE ROLE larkspur LOGIN PASSWORD '{self.password}'")
        self.sql(leader, "CREATE DATABASE larkspur OWNER larkspur TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'")
        self.sql(leader, "CREATE TABLE drill_probe (mark TEXT NOT NULL)")

    def etcd_is_well(self, port):
        status, answer = request(port, "GET", "/health")
        return status == 200 and str(answer.get("health")) == "true"

    def members(self):
        """Patroni's members, by name; empty while it does not answer."""
        for node in self.nodes:
            if node.process.alive():
                status, answer = request(node.rest, "GET", "/cluster", timeout=2)
                if status == 200:
                    return {member["name"]: member for member in answer["members"]}
        return {}

    def leader(self):
        """The primary, according to Patroni, or None."""
        for name, member in self.members().items():
            if member["role"] == "leader":
                return next(node for node in self.nodes if node.name == name)
        return None

    def primary(self, besides=None, seconds=30):
        """The primary, once Patroni names one that is not `besides`."""
        def other():
            leader = self.leader()
            return leader if leader is not besides else None

        return until("Patroni names a primary" if besides is None else "another primary", seconds, other)

    def is_well(self, synchronous):
        """Whether there is a leader with two followers on its timeline and, if requested, a synchronous standby."""
        members = list(self.members().values())
        leaders = [member for member in members if member["role"] == "leader" and member["state"] == "running"]
        if len(members) != 3 or len(leaders) != 1:
            return False
        others = [member for member in members if member["role"] != "leader"]
        roles = {"quorum_standby"} if synchronous else {"replica"}
        return all(member["state"] == "streaming" and member.get("timeline") == leaders[0].get("timeline")
                   and member["role"] in roles for member in others)

    def settle(self, seconds, synchronous=True):
        """Waits until all three are well."""
        until("one primary and two standbys that follow it", seconds, lambda: self.is_well(synchronous), 0.3)

    def configure(self, settings):
        status, answer = request(self.primary().rest, "PATCH", "/config", settings)
        if status != 200:
            raise Failure(f"Patroni does not take {settings}: {answer}")

    def switch_over(self):
        leader = self.primary()
        status, answer = request(leader.rest, "POST", "/switchover", {"leader": leader.name}, timeout=60)
        if status != 200:
            raise Failure(f"Patroni does not switch over: {answer}")

    def sql(self, node, statement, database="postgres", seconds=20):
        """Runs a statement as superuser; raises a Failure if it is refused or takes too long."""
        command = [self.bin / "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(node.port),
                   "-U", "postgres", "-d", database]
        try:
            run = subprocess.run(command, capture_output=True, text=True, timeout=seconds, input=statement,
                                 env=os.environ | {"PGPASSWORD": self.password, "PGCONNECT_TIMEOUT": "5"})
        except subprocess.TimeoutExpired:
            raise Failure(f"{node.name} did not answer in {seconds} s: {statement}") from None
        if run.returncode != 0:
            raise Failure(f"{node.name}: {run.stderr.strip()}")
        return run.stdout.strip()

    def writable(self):
        """The nodes that take a write, and the nodes that are not standbys."""
        taken, primaries = [], []
        for node in self.nodes:
            try:
                if self.sql(node, "SELECT pg_is_in_recovery()", seconds=5) == "f":
                    primaries.append(node.name)
                self.sql(node, f"INSERT INTO drill_probe VALUES ('{secrets.token_hex(8)}')", seconds=5)
                taken.append(node.name)
            except Failure:
                continue
        return taken, primaries

    def url(self):
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)
        return f"postgres://larkspur:{self.password}@{hosts}/larkspur"

