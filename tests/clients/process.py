"""The program as a process: start, refused starts, stop, and copies of its data while it writes."""

import json
import os
import signal
import stat
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from harness import Server, environment, program
from wire import BOT, TAGS, Connection, request


def run(checks):
    with Server() as server:
        start(checks, server)
        refusals(checks, server)
        copies(checks, server)
        end(checks, server)
    settings(checks)


def private(folder):
    """Checks that only the owner can read a folder and its files."""
    for path in [folder, *folder.iterdir()]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, (path, oct(path.stat().st_mode))


def start(checks, server):
    with checks("the ready file: whole, exact, and readable by its owner only"):
        ready = json.loads(server.ready_path.read_text())
        assert list(ready) == [
            "base_url", "control_key", "tenant_key", "app_id", "app_secret", "chat_id", "document_url", "users"
        ], list(ready)
        assert [list(user) for user in ready["users"]] == [["open_id", "user_id", "union_id", "name"]] * 3
        assert ready["base_url"].startswith("http://127.0.0.1:") and not ready["base_url"].endswith("/")
        assert ready["app_id"].startswith("cli_") and len(ready["app_id"]) == 20
        for path in (server.ready_path, server.data / "ready.json"):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
        assert json.loads((server.data / "ready.json").read_text()) == ready
        left = [path.name for path in server.home.iterdir() if path.name not in ("data", "ready.json", "server.log")]
        assert not left, left

    with checks("no other user can read the data"):
        private(server.data)

    with checks("health, metrics, the OpenAPI document"):
        assert server.call("GET", "/larkspur/health/live")[::2] == (200, b"live\n")
        assert server.call("GET", "/larkspur/health/ready")[::2] == (200, b"ready\n")
        status, headers, text = server.call("GET", "/larkspur/metrics")
        assert status == 200 and headers["Content-Type"].startswith("text/plain; version=0.0.4"), headers
        assert b"# TYPE larkspur_requests_total counter" in text
        assert server.call("GET", "/larkspur/openapi.json")[2]["openapi"].startswith("3.1")

    with checks("larkspur call, with the ready file of the running server"):
        done = server.run("call", "bot.v3.info", "--data", server.data)
        assert done.returncode == 0 and json.loads(done.stdout)["code"] == 0, done
        done = server.run("call", "im.v2.tag.list", "--query", "x=1", "--data", server.data)
        assert done.returncode == 1 and json.loads(done.stdout)["code"] == 230001, done
        assert done.stderr.count("\n") == 1, done.stderr


def refused(*arguments, **settings):
    """A start that must fail: its one line."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [program(), *map(str, arguments)], cwd=folder, env=environment(**settings), stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=30,
        )
    assert done.returncode not in (0, None), done
    assert done.stderr.startswith("larkspur: ") and done.stderr.count("\n") == 1, done.stderr
    assert "panic" not in done.stderr, done.stderr
    return done.stderr


def refusals(checks, server):
    with checks("a port in use: one line, and not 0"):
        assert server.listen in refused("serve", "--listen", server.listen, "--memory")

    with checks("data in use by another process: one line, and not 0"):
        line = refused("serve", "--listen", "127.0.0.1:0", "--data", server.data)
        assert str(server.data) in line, line
        assert server.call("GET", "/larkspur/health/ready")[0] == 200

    with checks("bad settings: one line that names them, and not 0"):
        assert "--rate-limits" in refused("serve", "--memory", "--rate-limits", "sometimes")
        assert "LARKSPUR_LIMITS_CONNECTIONS" in refused("serve", LARKSPUR_LIMITS_CONNECTIONS="many")
        assert "LARKSPUR_LISTEN" in refused("serve", LARKSPUR_LISTN="127.0.0.1:0")
        assert "nowhere" in refused("serve", "--memory", "--listen", "nowhere")
        assert "missing.toml" in refused("serve", "--config", "missing.toml")
        wrong = server.home / "wrong.toml"
        for text, name in (("rate_limit_status = 500\n", "rate_limit_status"), ("listn = 1\n", "listn"), ("= 1\n", "line 1")):
            wrong.write_text(text)
            assert name in refused("serve", "--config", wrong), text
        wrong.unlink()

    with checks("invalid data: one line, and not 0"):
        place = server.home / "other"
        place.mkdir()
        for file in server.data.iterdir():
            if file.name.endswith((".db", ".sqlite", ".sqlite3")):
                (place / file.name).write_bytes(b"this is no database" * 1000)
        assert list(place.iterdir()), list(server.data.iterdir())
        refused("serve", "--listen", "127.0.0.1:0", "--data", place)
        refused("check", "--data", place)

    with checks("copies from a missing source, and to an existing target: one line, and not 0"):
        refused("check", "--data", server.home / "nowhere")
        refused("backup", server.home / "copy", "--data", server.home / "nowhere")
        assert not (server.home / "nowhere").exists(), "looking for data made some"
        refused("restore", server.home / "nothing", "--data", server.home / "nowhere")
        refused("call", "no.such.operation")


class Writer(threading.Thread):
    """Creates chats until it is told to stop, and records acknowledged ones."""

    def __init__(self, server, token):
        super().__init__()
        self.server, self.token = server, token
        self.made, self.wrong, self.told = [], [], threading.Event()

    def run(self):
        while not self.told.is_set():
            status, _, answer = self.server.call("POST", "/open-apis/im/v1/chats", {"name": "copied"}, self.token)
            if status == 200 and answer["code"] == 0:
                self.made.append(answer["data"]["chat_id"])
            elif answer.get("code") != 99991400:
                self.wrong.append(answer)


def copies(checks, server):
    token = server.tenant_token()
    with checks("a backup during writes, restored elsewhere: sound, with everything acknowledged before it"):
        writers = [Writer(server, token) for _ in range(4)]
        for writer in writers:
            writer.start()
        try:
            while sum(len(writer.made) for writer in writers) < 20:
                time.sleep(0.01)
            before = [chat for writer in writers for chat in list(writer.made)]
            copy = server.home / "copy.larkspur"
            done = server.run("backup", copy, "--data", server.data)
            assert done.returncode == 0, done
            sound = server.run("check", "--data", server.data)
            assert sound.returncode == 0, sound
        finally:
            for writer in writers:
                writer.told.set()
            for writer in writers:
                writer.join()
        assert not any(writer.wrong for writer in writers), [writer.wrong for writer in writers]
        assert stat.S_IMODE(copy.stat().st_mode) == 0o600, "a backup holds secrets"
        place = server.home / "restored"
        done = server.run("restore", copy, "--data", place)
        assert done.returncode == 0, done
        assert server.run("check", "--data", place).returncode == 0
        private(place)
        again = server.run("restore", copy, "--data", place)
        assert again.returncode != 0 and again.stderr.count("\n") == 1, "it restored over data"
        with Server("--rate-limits", "off", data=place) as other:
            # Tokens are signed with keys from the data, so the same token works.
            for chat in before:
                other.good("GET", f"/open-apis/im/v1/chats/{chat}", token=token)
            other.good("POST", "/open-apis/auth/v3/tenant_access_token/internal",
                       {name: server.ready[name] for name in ("app_id", "app_secret")})


def end(checks, server):
    token = server.tenant_token()
    body = json.dumps({"create_tag": {"tag_type": "tenant", "name": "the last one"}}).encode()
    with checks("SIGTERM finishes a running request, accepts no new one, and exits with 0"):
        with Connection(server) as busy, Connection(server) as idle:
            idle.send(request("GET", BOT, token=token))
            idle.answer().good()
            busy.send(request("POST", TAGS, body, token)[:-10])
            time.sleep(0.2)
            server.process.send_signal(signal.SIGTERM)
            assert idle.ended(), "an idle connection stays open"
            try:
                Connection(server).socket.close()
            except ConnectionRefusedError:
                pass
            else:
                raise AssertionError("it takes connections while it ends")
            assert server.process.poll() is None, "it did not wait"
            busy.send(body[-10:])
            tag = busy.answer().good()["data"]["id"]
            assert busy.ended()
        assert server.process.wait(10) == 0, server.log()

    with checks("the last request's write exists after the next start"):
        before = dict(server.ready)
        server.start()
        assert server.good("GET", f"{TAGS}?ids={tag}", token=token)["tag_infos"][0]["name"] == "the last one"
        same = [name for name in before if name != "control_key"]
        assert {name: server.ready[name] for name in same} == {name: before[name] for name in same}

    with checks("SIGINT too; and after SIGKILL it starts again on the same data"):
        assert server.restart(signal.SIGINT) == 0
        assert server.restart(signal.SIGKILL) == -signal.SIGKILL
        assert server.good("GET", f"{TAGS}?ids={tag}", token=token)["tag_infos"], "it is gone"


def settings(checks):
    with checks("no arguments: it serves from the environment's settings and keeps its data in ./larkspur-data"):
        with tempfile.TemporaryDirectory() as folder:
            started = subprocess.Popen(
                [program()], cwd=folder, env=environment(LARKSPUR_LISTEN="127.0.0.1:0"), stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            )
            try:
                ready = Path(folder) / "larkspur-data/ready.json"
                deadline = time.monotonic() + 20
                while not ready.exists() and time.monotonic() < deadline:
                    time.sleep(0.01)
                facts = json.loads(ready.read_text())
                # The greeting follows the file.
                time.sleep(0.2)
            finally:
                started.send_signal(signal.SIGTERM)
                text, _ = started.communicate(timeout=20)
            assert started.returncode == 0, text
            for name in ("base_url", "app_id", "app_secret", "tenant_key", "chat_id", "document_url", "control_key"):
                assert facts[name] in text, (name, text)
            assert sorted(os.listdir(folder)) == ["larkspur-data"], os.listdir(folder)
