"""Recorded calls, faults and assertions, with official SDKs and on the wire."""

import contextlib
import http.client
import json
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

from lark_oapi.core.utils import AESCipher
from websockets.sync.client import connect

import control
from harness import HERE, Endpoint, Server, environment
from long_connection import Listener, address, online, until
from wire import Connection

# How many calls must not make the process grow: all of them within so many seconds, or fewer on a slow machine.
MANY, PATIENCE = 100_000, 20
# The fewest that say anything, and the longest that they may take.
LEAST, LONGEST = 20_000, 180
MEMORY_MB = 8
CANARY = "k4n4ry-0a1b2c3d4e5f-62718293"
ENCRYPT_KEY, VERIFICATION_TOKEN = "k4n4ry-encrypt-4f1d7c", "k4n4ry-verify-9b3e60"
ENDPOINT = "/callback/ws/endpoint"
SIGN_IN = "/open-apis/auth/v3/tenant_access_token/internal"


def run(checks):
    with Server(LARKSPUR_RATE_LIMITS="off") as server:
        home = control.demo(server)
        canaries(checks, server, home)
        streams(checks, server, home)
        assertions(checks, server, home)
        exports(checks, server, home)
        tokens(checks, server, home)
        lost(checks, server, home)
        same_calls(checks, server, home)
        untold(checks, server, home)
        ledger(checks, server)
        stopping(checks, server, home)
    logged(checks)
    memory(checks)


class Stream:
    """The server-sent events of a world, read in a thread."""

    def __init__(self, server, home, topics="traffic", last=None):
        headers = {"Authorization": f"Bearer {server.ready['control_key']}"}
        if last is not None:
            headers["Last-Event-ID"] = str(last)
        self.connection = http.client.HTTPConnection(*server.address, timeout=30)
        self.connection.request("GET", f"/larkspur/v1{home.path}/stream?topics={topics}", headers=headers)
        self.socket = self.connection.sock
        self.answer = self.connection.getresponse()
        assert self.answer.status == 200, self.answer.read()
        self.events = []
        self.ended = threading.Event()
        threading.Thread(target=self.read, daemon=True).start()
        self.wait(lambda: self.named("hello"))

    def read(self):
        event = {}
        with contextlib.suppress(OSError, http.client.HTTPException, ValueError, AttributeError):
            for line in self.answer:
                name, _, value = line.decode().rstrip("\n").partition(": ")
                if name in ("event", "id", "data"):
                    event[name] = value
                elif event:
                    self.events.append(event)
                    event = {}
        self.ended.set()

    def named(self, name):
        return [json.loads(event["data"]) for event in list(self.events) if event.get("event") == name]

    def rows(self):
        return [row for rows in self.named("rows") for row in rows]

    def last(self):
        return [event["id"] for event in list(self.events) if "id" in event][-1]

    def wait(self, holds, seconds=15):
        deadline = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, self.events[-5:]
            time.sleep(0.02)

    def cut(self):
        """Ends the connection without a word."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.ended.wait(5)


def calls(server, home, number):
    """Calls of the platform, one after the other on one connection."""
    token = server.tenant_token(home.facts.get("app_id"), home.facts.get("app_secret"))
    one = f"GET /open-apis/bot/v3/info HTTP/1.1\r\nHost: {server.listen}\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    with Connection(server) as connection:
        done = 0
        while done < number:
            piece = min(100, number - done)
            connection.send(one * piece)
            for _ in range(piece):
                answer = connection.answer()
            done += piece
        assert answer.status == 200, answer.body


def canaries(checks, server, home):
    with checks("no secret is in an entry, an export, the stream or the log"):
        stream = Stream(server, home, "traffic,events,faults,clock")
        server.call("POST", SIGN_IN, {"app_id": server.ready["app_id"], "app_secret": CANARY})
        server.call("POST", f"/open-apis/bot/v2/hook/{CANARY}", {"sign": CANARY})
        server.call("GET", f"/open-apis/im/v1/chats?access_token={CANARY}", token=CANARY)
        server.call("GET", f"/ws/v2?ticket={CANARY}")
        form = f"client_id={server.ready['app_id']}&client_secret={CANARY}&code={CANARY}".encode()
        request = urllib.request.Request(f"{server.url}/open-apis/authen/v2/oauth/token", form, {"Cookie": f"session={CANARY}"})
        with contextlib.suppress(urllib.error.HTTPError):
            urllib.request.urlopen(request, timeout=10)
        stream.wait(stream.rows)
        time.sleep(0.3)
        listed = server.control("GET", "/traffic?limit=1000")["entries"]
        assert len(listed) >= 4, listed
        shown = [json.dumps(server.control("GET", f"/traffic/{row['log_id']}")) for row in listed]
        own = [row["log_id"] for row in server.control("GET", f"{home.path}/traffic")["entries"]]
        kinds = ("curl", "pytest", "har", "html")
        exports = [json.dumps(server.control("POST", f"{home.path}/traffic/export", {"log_ids": own, "as": kind})) for kind in kinds]
        for text in [*shown, *exports, json.dumps(stream.events), server.log_path.read_text(errors="replace")]:
            assert CANARY not in text, text
        stream.cut()


class Failing(Endpoint):
    """A webhook that returns the challenge, and answers everything else with 500 and what it was sent."""

    def __init__(self):
        self.events = []
        super().__init__(self.answer, keeps=False)

    def answer(self, _path, _headers, body):
        said = json.loads(body)
        if "encrypt" in said:
            said = json.loads(AESCipher(ENCRYPT_KEY).decrypt_str(said["encrypt"]))
        if said.get("type") == "url_verification":
            return 200, json.dumps({"challenge": said["challenge"]}).encode()
        self.events.append(said)
        return 500, json.dumps(said).encode()

    def heard(self, kind):
        return [event for event in self.events if kind in (event.get("header", {}).get("event_type"), event.get("event", {}).get("type"))]


def logged(checks):
    """Secrets of apps, of which each is used, on a server that logs every call."""
    with (
        Server(LARKSPUR_RATE_LIMITS="off", LARKSPUR_LOGS_LEVEL="debug") as server,
        checks("no key, token, ticket or secret of an app with failing webhooks is in the log"),
    ):
        home, failing = control.demo(server), Failing()
        custom, shop = home.app(), home.app(kind="isv", name="shop")
        secrets = {"encrypt key": ENCRYPT_KEY, "verification token": VERIFICATION_TOKEN}
        settings = {"mode": "webhook", "request_url": failing.url, "encrypt_key": ENCRYPT_KEY, "verification_token": VERIFICATION_TOKEN}
        for app in (custom, shop):
            home.events(app["app_id"], **settings)
            until("it is verified", lambda app=app: home.events(app["app_id"])["verified"])
            secrets[f"secret of {app['app_id']}"] = app["app_secret"]
        # A ticket that is pushed, and one that is pushed to no server.
        credentials = {"app_id": shop["app_id"], "app_secret": shop["app_secret"]}
        event = {"app_id": custom["app_id"], "type": "im.message.receive_v1", "event": {}, "raw": True}
        for turn in ("answered with 500", "without a server"):
            server.good("POST", "/open-apis/auth/v3/app_ticket/resend", credentials)
            secrets[f"ticket {turn}"] = home.ticket(shop["app_id"])
            sent = server.control("POST", f"{home.path}/events", event)["event_id"]
            until("all have failed", lambda sent=sent: failed(server, home, custom, sent) and failed(server, home, shop))
            if turn == "answered with 500":
                ticket, = failing.heard("app_ticket")
                assert ticket["event"]["app_ticket"] == secrets[f"ticket {turn}"], ticket
                assert ticket["token"] == VERIFICATION_TOKEN and failing.heard("im.message.receive_v1"), failing.events
                failing.close()
        assert len(set(secrets.values())) == 6, secrets
        # The ticket is used, and a wrong one.
        for ticket in (secrets["ticket without a server"], CANARY):
            server.call("POST", "/open-apis/auth/v3/app_access_token", credentials | {"app_ticket": ticket})
        # The app sets its own key and token, with an address that does not answer.
        config = {
            "event": {"subscription_type": "webhook", "request_url": failing.url},
            "event_and_callback_encrypt_strategy": {"encryption_key": ENCRYPT_KEY, "verification_token": VERIFICATION_TOKEN},
        }
        token = server.tenant_token(custom["app_id"], custom["app_secret"])
        answer = server.call("PATCH", f"/open-apis/application/v7/applications/{custom['app_id']}/config", config, token)[2]
        assert answer["code"] == 210042, answer
        # Addresses of long connections: given, refused, and used.
        home.events(custom["app_id"], mode="websocket")
        for app, secret in ((custom, custom["app_secret"]), (custom, CANARY), (shop, shop["app_secret"])):
            server.call("POST", ENDPOINT, {"AppID": app["app_id"], "AppSecret": secret})
        url = address(server, custom)
        secrets |= {"ticket of a connection": url.rpartition("ticket=")[2], "canary": CANARY, "token": token}
        connect(url, proxy=None).close()
        server.call("GET", "/open-apis/bot/v3/info", token=token)
        assert server.stop() == 0
        log = server.log_path.read_text(errors="replace")
        # Calls of operations, failed deliveries and connections are logged.
        for said in ("auth.v3.app_ticket.resend", "an event was not delivered", "a long connection was opened"):
            assert said in log, (said, log[-4000:])
        found = [name for name, secret in secrets.items() if secret in log]
        lines = [line for line in log.splitlines() if any(secret in line for secret in secrets.values())]
        assert not found, (found, lines[:5])


def failed(server, home, app, event_id=None):
    """Whether the events of an app, or one of them, have failed."""
    events = server.control("GET", f"{home.path}/events?app_id={app['app_id']}")["events"]
    events = [event for event in events if event_id in (None, event["event_id"])]
    return events and all(event["attempt_count"] for event in events)


def streams(checks, server, home):
    with checks("a stream that is cut: with Last-Event-ID, every call arrives once"):
        stream = Stream(server, home)
        calls(server, home, 1)
        stream.wait(stream.rows)
        place = stream.last()
        seen = int(place.rpartition("-")[2])
        stream.cut()
        calls(server, home, 500)
        again = Stream(server, home, last=place)
        newest = server.control("GET", f"{home.path}/traffic?limit=1")["newest"]
        assert newest >= seen + 500, (newest, seen)
        again.wait(lambda: again.rows() and again.rows()[-1]["seq"] >= newest)
        numbers = [row["seq"] for row in again.rows() if row["seq"] <= newest]
        assert numbers == list(range(seen + 1, newest + 1)), numbers
        again.cut()
    with checks("a number that is too old: gap"):
        calls(server, home, 2100)
        old = Stream(server, home, last=1)
        old.wait(lambda: old.named("gap") and old.rows())
        first = old.rows()[0]["seq"]
        assert old.named("gap")[0]["missed"] == first - 2, (old.named("gap"), first)
        old.cut()


def stopping(checks, server, home):
    with checks("SIGTERM with three open streams: the process ends in a second"):
        opened = [Stream(server, home, topics) for topics in ("traffic", "events,clock", "traffic,faults")]
        began = time.monotonic()
        assert server.stop(signal.SIGTERM) == 0
        assert time.monotonic() - began < 1, time.monotonic() - began
        assert all(stream.ended.wait(2) and stream.named("bye") for stream in opened)
    server.start()


def assertions(checks, server, home):
    with checks("an assertion waits, names a near miss, and fails with HTTP 412"):
        wanted = {"match": {"operation": "im.v1.chat.update", "body": {"name": "late"}}, "wait_ms": 10_000}
        path = f"/larkspur/v1{home.path}/traffic/check"
        token, chat = server.tenant_token(), server.ready["chat_id"]

        def rename(name):
            server.good("PUT", f"/open-apis/im/v1/chats/{chat}", {"name": name}, token)

        rename("early")
        timer = threading.Timer(0.3, rename, ["late"])
        timer.start()
        assert server.good("POST", path, wanted, server.ready["control_key"])["passed"]
        timer.join()
        missed = server.good("POST", path, {"match": wanted["match"] | {"body": {"name": "Late"}}}, server.ready["control_key"])
        assert not missed["passed"] and missed["near"][0]["differs"][0]["path"] == "body.name", missed
        status, _, failed = server.call(
            "POST", f"{path}?fail=status", {"never": {"operation": "im.v1.chat.update"}}, server.ready["control_key"])
        assert (status, failed["code"]) == (412, 5275412), failed


def exports(checks, server, home):
    token = server.tenant_token()
    made = server.good("POST", "/open-apis/im/v1/chats", {"name": "exported"}, token)["chat_id"]
    server.good("GET", f"/open-apis/im/v1/chats/{made}", token=token)
    server.good("PUT", f"/open-apis/im/v1/chats/{made}", {"name": "renamed"}, token)
    body = {"receive_id": made, "msg_type": "text", "content": json.dumps({"text": "hi"})}
    server.good("POST", "/open-apis/im/v1/messages?receive_id_type=chat_id", body, token)
    server.call("GET", "/open-apis/im/v1/chats/oc_1", token=token)
    rows = server.control("GET", f"{home.path}/traffic?limit=5")["entries"]
    ids = [row["log_id"] for row in reversed(rows)]
    for kind, name, command in (
        ("pytest", "test_exported.py", [sys.executable, "-m", "pytest", "--quiet", "-p", "no:cacheprovider"]),
        ("vitest", "exported.test.mjs", ["node", "node_modules/vitest/vitest.mjs", "run", "--no-color", "--cache=false"]),
    ):
        with checks(f"five calls exported as {kind} pass in a fresh world, with the official SDK"), tempfile.TemporaryDirectory() as folder:
            text = server.control("POST", f"{home.path}/traffic/export", {"log_ids": ids, "as": kind})["text"]
            assert made not in text, text
            (Path(folder) / name).write_text(text)
            if kind == "vitest":
                (Path(folder) / "node_modules").symlink_to(HERE / "node/node_modules")
            world = control.fresh(server)
            app = world.facts if "app_secret" in world.facts else world.app()
            # Vitest sets BASE_URL itself.
            facts = {"BASE_URL": server.url, "LARKSPUR_URL": server.url, "APP_ID": app["app_id"], "APP_SECRET": app["app_secret"]}
            done = subprocess.run(command, cwd=folder, env=environment() | facts, capture_output=True, text=True, timeout=120)
            assert done.returncode == 0 and "passed" in done.stdout, f"{text}\n{done.stdout[-3000:]}{done.stderr[-2000:]}"
            world.delete()


def tokens(checks, server, home):
    import lark_oapi as lark
    from lark_oapi.core.exception import ObtainAccessTokenException
    from lark_oapi.core.token.manager import TokenManager

    from sdk import client, raw

    def wire(answer):
        """What the client sees, with the values of headers, without what differs from call to call."""
        body = json.loads(json.dumps(answer[2]))
        for name in ("log_id", "troubleshooter"):
            body.get("error", {}).pop(name, None)
        left = {"date", "x-tt-logid", "x-request-id"}
        return answer[0], [pair for pair in answer[1].items() if pair[0].lower() not in left], body

    def fault(**rule):
        server.control("POST", f"{home.path}/faults", rule)

    def forget():
        """Drops the SDK's token, as bots do after 99991663: the SDK keeps it until it expires."""
        TokenManager.cache.set(f"self_tenant_token:{server.ready['app_id']}", "", 0)

    with checks("a token refused by a rule: the bytes are the platform's, and the SDK succeeds with another token"):
        api = client(server, server.ready)
        request = raw(lark.HttpMethod.GET, "/open-apis/bot/v3/info")
        forget()
        assert api.request(request).code == 0
        before = len(signed_in(server, home))
        fault(match={"operation": "bot.v3.info"}, effect={"refuse": {"code": 99991663}}, times=2)
        planned = server.call("GET", "/open-apis/bot/v3/info", token=server.tenant_token())
        real = server.call("GET", "/open-apis/bot/v3/info", token="t-nothing")
        assert wire(planned) == wire(real), (wire(planned), wire(real))
        assert api.request(request).code == 99991663
        forget()
        assert api.request(request).code == 0
        assert len(signed_in(server, home)) == before + 2, "the plain call and the SDK asked for tokens"
        server.control("DELETE", f"{home.path}/faults")

    with checks("a sign-in and the address of long connections refused by rules: HTTP 200, and clients say the code"):
        fault(match={"operation": "auth.v3.tenant_access_token.internal"}, effect={"refuse": {"code": 10014, "text": "app secret invalid"}}, times=2)
        status, _, body = server.call("POST", SIGN_IN, {"app_id": server.ready["app_id"], "app_secret": server.ready["app_secret"]})
        assert (status, body["code"]) == (200, 10014), body
        forget()
        try:
            client(server, server.ready).request(raw(lark.HttpMethod.GET, "/open-apis/bot/v3/info"))
            raise AssertionError("it got a token")
        except ObtainAccessTokenException as error:
            assert error.code == 10014, error
        server.control("DELETE", f"{home.path}/faults")
        fault(preset="ws-busy", times=1)
        body = {"AppID": server.ready["app_id"], "AppSecret": server.ready["app_secret"]}
        status, _, busy = server.call("POST", ENDPOINT, body)
        assert (status, busy["code"], busy["data"]) == (200, 1000040343, {"URL": ""}), busy
        assert server.call("POST", ENDPOINT, body)[2]["code"] == 0
        server.control("DELETE", f"{home.path}/faults")


def signed_in(server, home):
    path = f"{home.path}/traffic?operation=auth.v3.tenant_access_token.internal&limit=1000"
    return server.control("GET", path)["entries"]


def lost(checks, server, home):
    ear = home.app()
    with (
        checks("an answer that is lost: the retry with the same uuid gets the first message, and a bot hears it once"),
        Listener("python", server, ear) as client,
    ):
        until("it is connected", lambda: online(server, ear) == 1)
        server.control("PUT", f"{home.path}/chats/{server.ready['chat_id']}/members/{ear['app_id']}", {})
        server.control("POST", f"{home.path}/faults", {"preset": "answer-lost"})
        token, chat = home.user_token(server.ready["app_id"], server.ready["users"][0]), server.ready["chat_id"]
        body = {"receive_id": chat, "msg_type": "text", "content": json.dumps({"text": "once"}), "uuid": "lost-1"}
        path = "/open-apis/im/v1/messages?receive_id_type=chat_id"
        try:
            server.call("POST", path, body, token)
            raise AssertionError("it was answered")
        except (http.client.HTTPException, OSError):
            pass
        again = server.good("POST", path, body, token)
        once = server.good("GET", f"/open-apis/im/v1/messages/{again['message_id']}", token=token)["items"]
        assert len(once) == 1
        told = server.control("GET", f"{home.path}/traffic?operation=im.v1.message.create&limit=2")["entries"]
        entries = [server.control("GET", f"{home.path}/traffic/{row['log_id']}") for row in told]
        assert [entry.get("uuid") for entry in entries] == ["recalled", "new"], entries
        assert [entry["outcome"] for entry in entries] == ["ok", "cut"], entries
        until("it is heard", lambda: client.said("event"))
        wanted = {"type": "im.message.receive_v1", "app_id": ear["app_id"], "body": {"message.message_id": again["message_id"]}}
        checked = server.control("POST", f"{home.path}/events/check", {"match": wanted, "count": {"exactly": 1}, "wait_ms": 1000})
        assert checked["passed"], checked
        heard = [event["event"]["message"]["message_id"] for event in client.said("event")]
        assert heard == [again["message_id"]], client.lines
        server.control("DELETE", f"{home.path}/faults")


def same_calls(checks, server, home):
    with checks("a rule with a probability refuses the same calls before and after a restart"):
        rule = {"id": "f_01", "match": {"operation": "bot.v3.info"}, "effect": {"refuse": {"code": 2200}}, "probability": 0.3, "seed": 42}
        token = server.tenant_token()
        server.control("POST", f"{home.path}/faults", rule)
        refused = []
        for number in range(1, 41):
            if number == 21:
                server.restart()
            if server.call("GET", "/open-apis/bot/v3/info", token=token)[2]["code"] == 2200:
                refused.append(number)
        assert refused == [1, 14, 17, 25, 26, 30, 32, 34, 37], refused
        server.control("DELETE", f"{home.path}/faults")


def untold(checks, server, home):
    with checks("an event that two of three apps do not get: both reasons, and it is delivered after the fix"):
        world = control.fresh(server)
        owner = world.facts
        lacking, absent = world.app(scopes=["im:chat:update"]), world.app()
        for app in (owner, lacking, absent):
            world.events(app["app_id"], mode="websocket")
        chat = owner["chat_id"]
        for app in (owner, lacking):
            server.control("PUT", f"{world.path}/chats/{chat}/members/{app['app_id']}", {})
        token = server.tenant_token(owner["app_id"], owner["app_secret"])
        server.good("PUT", f"/open-apis/im/v1/chats/{chat}", {"name": "renamed"}, token)
        kind = "im.chat.updated_v1"
        listed = server.control("GET", f"{world.path}/events?type={kind}&chat_id={chat}")
        reasons = {one["app_id"]: one["reason"] for one in listed["not_sent"]}
        # Nothing is connected, so the app that got it would not receive the next one.
        expected = {lacking["app_id"]: "no_scope", absent["app_id"]: "bot_absent", owner["app_id"]: "no_connection"}
        assert reasons == expected, listed
        assert [event["app_id"] for event in listed["events"]] == [owner["app_id"]], listed
        needs = next(one["needs"] for one in listed["not_sent"] if one["app_id"] == lacking["app_id"])
        server.control("PUT", f"{world.path}/apps/{lacking['app_id']}", {"scopes": ["im:chat:update", needs[0]]})
        server.good("PUT", f"/open-apis/im/v1/chats/{chat}", {"name": "again"}, token)
        checked = server.control("POST", f"{world.path}/events/check", {
            "match": {"type": kind, "app_id": lacking["app_id"], "way": "connection"}, "count": {"exactly": 1}})
        assert checked["passed"], checked
        world.delete()


def ledger(checks, server):
    with checks("a bot with its smallest set of scopes hears and calls the same; without any one of them it does not"):
        world = control.fresh(server)
        bot, chat, user = world.app(), world.facts["chat_id"], world.facts["users"][1]["user_id"]
        app, path = bot["app_id"], world.path
        world.events(app, mode="websocket")
        server.control("PUT", f"{path}/chats/{chat}/members/{app}", {})
        p2p = server.control("POST", f"{path}/p2p", {"as": user, "app_id": app})["chat_id"]
        token = server.tenant_token(app, bot["app_secret"])

        def play():
            said = ((p2p, "hi"), (chat, "hi"), (chat, f'<at user_id="{app}"></at> hi'))
            sent = [server.control("POST", f"{path}/chats/{to}/messages", {"as": user, "text": text})["message_id"] for to, text in said]
            called = server.call("GET", f"/open-apis/im/v1/chats/{chat}", token=token)[2]["code"] == 0
            events = server.control("GET", f"{path}/events?type=im.message.receive_v1&app_id={app}")["events"]
            heard = {event["payload"]["message"]["message_id"] for event in events}
            return [message in heard for message in sent] + [called]

        assert all(play())
        counted = server.control("GET", f"{path}/apps/{app}/ledger")
        minimal = counted["minimal"]["tenant"]
        assert "im.message.receive_v1" in counted["manifest"]["one_click"]["events"]["items"]["tenant"], counted
        for left_out in (None, *minimal):
            server.control("PUT", f"{path}/apps/{app}", {"scopes": [scope for scope in minimal if scope != left_out]})
            played = play()
            assert all(played) == (left_out is None), (left_out, minimal, played)
        world.delete()


def resident(process):
    """The resident memory of a process, in bytes."""
    for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmRSS")


def memory(checks, tries=3):
    """What the allocator keeps back differs by some MiB from run to run, so the growth is the least of a few tries."""
    with checks(f"{MANY} calls: the process grows by {MEMORY_MB} MiB at most, and other worlds keep their calls"):
        grown = []
        while len(grown) < tries and min(grown, default=MEMORY_MB + 1) > MEMORY_MB:
            grown.append(growth() / (1 << 20))
        print(f"        grown by {', '.join(f'{one:.1f}' for one in grown)} MiB", flush=True)
        assert min(grown) <= MEMORY_MB, grown


def growth():
    """By how much a server grows while calls are recorded, in bytes."""
    settings = {"LARKSPUR_RATE_LIMITS": "off", "LARKSPUR_TRAFFIC_MEMORY_MB": MEMORY_MB, "LARKSPUR_TRAFFIC_ENTRIES": 1_000_000}
    with Server(memory=True, **settings) as server:
        home, other = control.demo(server), control.fresh(server)
        for _ in range(5):
            server.good("GET", "/open-apis/bot/v3/info", token=server.tenant_token(other.facts["app_id"], other.facts["app_secret"]))
        kept = server.control("GET", f"{other.path}/traffic")["entries"]
        calls(server, home, 1000)
        before, began, done = resident(server.process), time.monotonic(), 0
        while (took := time.monotonic() - began) < LONGEST and done < (MANY if took < PATIENCE else LEAST):
            calls(server, home, 2000)
            done += 2000
        assert done >= LEAST, f"{done} calls in {took:.0f} s"
        grown = resident(server.process) - before
        listed = server.control("GET", f"{home.path}/traffic?limit=1")
        assert listed["dropped"] > 0 and listed["newest"] >= done, listed
        assert server.control("GET", f"{other.path}/traffic")["entries"] == kept
        return grown
