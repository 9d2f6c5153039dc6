"""The long connection, with unmodified official clients: each is a process that prints what it hears."""

import contextlib
import http.client
import json
import signal
import subprocess
import sys
import threading
import time
import urllib.request

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

import control
from harness import HERE, Server, environment
from reversing import Reversing

SETTINGS = {
    # The tests ask more often who is connected than an app may.
    "LARKSPUR_RATE_LIMITS": "off",
    "LARKSPUR_EVENTS_PING_INTERVAL_SECONDS": 1,
    "LARKSPUR_EVENTS_RECONNECT_NONCE_SECONDS": 0,
    "LARKSPUR_EVENTS_RECONNECT_INTERVAL_SECONDS": 1,
    "LARKSPUR_EVENTS_SPLIT_BYTES": 512,
}
# How long a client may take to connect again after the server has started, in seconds: what the settings say, and its own work.
RECONNECTED = SETTINGS["LARKSPUR_EVENTS_RECONNECT_NONCE_SECONDS"] + SETTINGS["LARKSPUR_EVENTS_RECONNECT_INTERVAL_SECONDS"] + 4
# How long a handler takes whose event is unacknowledged when the server stops, in seconds.
HANDLER = 2
KINDS = {"python": [sys.executable, str(HERE / "python/listen.py")], "node": ["node", str(HERE / "node/listen.mjs")]}
CONNECTION = "/open-apis/event/v1/connection"


class Listener:
    """A client, and the lines that it printed."""

    def __init__(self, kind, server, app, **more):
        facts = {"base_url": server.url, "app_id": app["app_id"], "app_secret": app["app_secret"], **more}
        self.lines = []
        self.process = subprocess.Popen(
            KINDS[kind], env=environment(FACTS=json.dumps(facts)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True,
        )
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            with contextlib.suppress(ValueError):
                self.lines.append(json.loads(line))

    def said(self, name):
        return [line[name] for line in list(self.lines) if name in line]

    def ids(self):
        return [event["header"]["event_id"] for event in self.said("event")]

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.kill()
        self.process.wait()


def until(what, is_so, patience=60):
    deadline = time.monotonic() + patience
    while not is_so():
        assert time.monotonic() < deadline, f"{what}: never"
        time.sleep(0.02)


class Events:
    """Events that are made up, and what happened to them."""

    def __init__(self, server, home):
        self.server = server
        self.path = f"{home.path}/events"

    def emit(self, app, count=1, name="Release 7"):
        """Their ids."""
        event = {"after_change": {"name": name}, "before_change": {"name": "Release 6"}, "chat_id": "oc_0"}
        body = {"app_id": app["app_id"], "type": "im.chat.updated_v1", "event": event, "raw": True}
        return [self.server.control("POST", self.path, body)["event_id"] for _ in range(count)]

    def fate(self, event_id):
        """State, number of attempts, status and failure of an event."""
        shown = self.server.control("GET", f"{self.path}?limit=200")["events"]
        event = next(event for event in shown if event["event_id"] == event_id)
        return event["state"], event["attempt_count"], event.get("status"), event.get("failure")


def address(server, app):
    body = json.dumps({"AppID": app["app_id"], "AppSecret": app["app_secret"]}).encode()
    with urllib.request.urlopen(server.url + "/callback/ws/endpoint", body, timeout=10) as answer:
        return json.load(answer)["data"]["URL"]


def plain(server, app):
    """A connection of a client that knows nothing of frames; its WebSocket pings keep it open."""
    return connect(address(server, app), proxy=None, ping_interval=1)


def run(checks):
    with Server(**SETTINGS) as server:
        home = control.demo(server)
        events = Events(server, home)
        alone, shared, slow, crowded = [home.app() for _ in range(4)]
        for kind in KINDS:
            one_client(checks, server, events, kind, alone)
            reversed_frames(checks, server, events, kind, alone)
            wrong_secret(checks, server, home, kind, alone)
            busy(checks, server, home, events, kind)
            card(checks, server, home, kind)
        new_secret(checks, server, home)
        chat_events(checks, server, home)
        all_events(checks, server, home)
        two_clients(checks, server, events, shared)
        late(checks, server, home, events, slow)
        too_many(checks, server, events, crowded)
        farewell(checks, server, alone)
        for kind in KINDS:
            unacknowledged(checks, server, home, events, kind, alone)
            killed(checks, server, events, kind, alone)
            restart(checks, server, events, kind, alone)
        killed_at_work(checks, server)
    # Its ping interval is two minutes.
    with Server() as server:
        for kind in KINDS:
            first_ping(checks, server, kind, control.demo(server).app())


def online(server, app):
    token = server.tenant_token(app["app_id"], app["app_secret"])
    return server.good("GET", CONNECTION, token=token)["online_instance_cnt"]


def one_client(checks, server, events, kind, app):
    with Listener(kind, server, app) as client:
        with checks(f"{kind}: it connects, is counted, and its pings are answered"):
            until("it is counted", lambda: online(server, app) == 1)
            time.sleep(3.2)
            assert not client.said("logged") and not client.said("error"), client.lines
            assert online(server, app) == 1
        with checks(f"{kind}: an event that is split comes once and whole, without a token"):
            name = "名" * 1500
            ids = events.emit(app, name=name)
            until("it is heard", client.ids)
            until("it is acknowledged", lambda: events.fate(ids[0])[0] != "waiting")
            assert events.fate(ids[0]) == ("delivered", 1, 200, None), events.fate(ids[0])
            heard = client.said("event")
            assert client.ids() == ids and not heard[0]["header"]["token"], heard
            assert heard[0]["event"]["after_change"]["name"] == name
    until("it is gone", lambda: online(server, app) == 0)


def reversed_frames(checks, server, events, kind, app):
    with (
        checks(f"{kind}: an event whose frames come in reverse order is whole, with one acknowledgment"),
        Reversing(server) as proxy, Listener(kind, server, app, base_url=proxy.url) as client,
    ):
        until("it is connected", lambda: online(server, app) == 1)
        name = "".join(chr(0x4E00 + number) for number in range(1500))
        ids = events.emit(app, name=name)
        until("it is heard", client.ids)
        until("it is acknowledged", lambda: events.fate(ids[0])[0] != "waiting")
        assert events.fate(ids[0]) == ("delivered", 1, 200, None), events.fate(ids[0])
        assert client.ids() == ids and client.said("event")[0]["event"]["after_change"]["name"] == name
        assert len(proxy.sums) == 1 and proxy.sums[0] > 2 and proxy.acks == 1, (proxy.sums, proxy.acks)
    until("it is gone", lambda: online(server, app) == 0)


def card(checks, server, home, kind):
    app = home.app()
    shown = Card(server, home, app)
    with Listener(kind, server, app) as client:
        until("it is connected", lambda: online(server, app) == 1)
        with checks(f"{kind}: it answers a click of a card with a toast"):
            seen = shown.click("approve")
            assert seen["toast"] == {"type": "success", "content": "Done"} and seen["way"] == "websocket", seen
            until("its line is read", lambda: client.said("clicked"))
            clicked, = client.said("clicked")
            assert clicked["header"]["event_id"] == seen["event_id"], (clicked, seen)
            assert clicked["event"]["action"]["value"] == {"op": "approve"}, clicked
        with checks(f"{kind}: a click whose handler fails is told once"):
            seen = shown.click("fail")
            assert seen["code"] == 200671 and "toast" not in seen, seen
            server.control("PUT", f"{home.path}/clock", {"advance_seconds": 15})
            until("its line is read", lambda: len(client.said("clicked")) == 2)
            time.sleep(0.5)
            assert len(client.said("clicked")) == 2, client.lines
    until("it is gone", lambda: online(server, app) == 0)
    with checks(f"{kind}: without a connection the click says so"):
        seen = shown.click("approve")
        assert (seen["code"], seen["failure"]) == (200342, "app not online"), seen


class Card:
    """A message with a card in a chat of an app's bot and a user, and the user's clicks."""

    def __init__(self, server, home, app):
        self.server, self.home, self.user = server, home, home.facts["users"][0]["user_id"]
        members = {"name": "cards", "owner": self.user, "members": [app["app_id"], self.user]}
        chat = server.control("POST", f"{home.path}/chats", members)["chat_id"]
        button = [
            {"tag": "button", "element_id": op, "text": {"tag": "plain_text", "content": op},
             "behaviors": [{"type": "callback", "value": {"op": op} | ({"fail": True} if op == "fail" else {})}]}
            for op in ("approve", "fail")
        ]
        content = json.dumps({"schema": "2.0", "body": {"elements": button}})
        body = {"receive_id": chat, "msg_type": "interactive", "content": content}
        token = server.tenant_token(app["app_id"], app["app_secret"])
        sent = server.good("POST", "/open-apis/im/v1/messages?receive_id_type=chat_id", body, token)
        self.id = sent["message_id"]

    def click(self, element):
        """What the user sees."""
        path = f"{self.home.path}/messages/{self.id}/clicks"
        return self.server.control("POST", path, {"as": self.user, "element": element})


def chat_events(checks, server, home):
    """A bot on each SDK is in a chat, and a third one is not."""
    apps = {name: home.app() for name in ("python", "node", "outside")}
    owner, other = (user["user_id"] for user in home.facts["users"][:2])
    bots = [apps["python"]["app_id"], apps["node"]["app_id"]]
    made = {"name": "before", "owner": owner, "members": [*bots, owner, other]}
    chat = server.control("POST", f"{home.path}/chats", made)["chat_id"]
    with contextlib.ExitStack() as stack:
        ears = {
            name: stack.enter_context(Listener("node" if name == "node" else "python", server, app))
            for name, app in apps.items()
        }
        for app in apps.values():
            until("it is connected", lambda app=app: online(server, app) == 1)

        def heard(name, kind):
            return [event for event in ears[name].said("event") if event["header"]["event_type"] == kind]

        with checks("both SDKs hear that the Python client renamed their chat, and only what changed"):
            rename(server, apps["python"], chat, "after")
            for name in ("python", "node"):
                until(f"{name} hears it", lambda name=name: heard(name, "im.chat.updated_v1"))
                told, = heard(name, "im.chat.updated_v1")
                assert not told["header"]["token"], told
                for key, value in (("before_change", "before"), ("after_change", "after")):
                    kept = {field: said for field, said in told["event"][key].items() if said is not None}
                    assert kept == {"name": value}, told
        with checks("every bot of the chat hears that a user was removed"):
            server.control("DELETE", f"{home.path}/chats/{chat}/members/{other}?as={owner}")
            for name in ("python", "node"):
                until(f"{name} hears it", lambda name=name: heard(name, "im.chat.member.user.deleted_v1"))
        with checks("only the removed bot hears that it was removed, and an app outside hears nothing"):
            server.control("DELETE", f"{home.path}/chats/{chat}/members/{apps['node']['app_id']}?as={owner}")
            until("node hears it", lambda: heard("node", "im.chat.member.bot.deleted_v1"))
            time.sleep(1)
            assert not heard("python", "im.chat.member.bot.deleted_v1"), ears["python"].lines
            assert not ears["outside"].said("event"), ears["outside"].lines


def rename(server, app, chat, name):
    import lark_oapi as lark
    from lark_oapi.api.im.v1 import UpdateChatRequest, UpdateChatRequestBody

    client = lark.Client.builder().app_id(app["app_id"]).app_secret(app["app_secret"]).domain(server.url).build()
    body = UpdateChatRequestBody.builder().name(name).build()
    answer = client.im.v1.chat.update(UpdateChatRequest.builder().chat_id(chat).request_body(body).build())
    assert answer.success(), (answer.code, answer.msg)


def new_secret(checks, server, home):
    with checks("a ticket that was given for an earlier secret is refused"):
        app = home.app()
        url = address(server, app)
        server.control("POST", f"{home.path}/apps/{app['app_id']}/secret")
        try:
            connect(url, proxy=None).close()
            raise AssertionError("it is connected")
        except InvalidStatus as refused:
            assert refused.response.status_code == 400, refused
            assert refused.response.headers["Handshake-Status"] == "514", refused.response.headers


class Asked:
    """Counts the requests for the address of long connections, and refuses the first ones as a rule says."""

    def __init__(self, server, home, effect=None, **rule):
        self.server, self.path = server, f"{home.path}/faults"
        # A rule that leaves the first thousand alone counts them.
        rule = rule if effect else {"skip": 1000}
        effect = effect or {"refuse": {"code": 1000040343}}
        rule = {"match": {"operation": "callback.ws.endpoint"}, "effect": effect, **rule}
        self.id = server.control("POST", self.path, rule)["id"]

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.server.control("DELETE", f"{self.path}/{self.id}")

    def times(self):
        return next(rule["seen"] for rule in self.server.control("GET", self.path)["faults"] if rule["id"] == self.id)


def wrong_secret(checks, server, home, kind, app):
    with (
        checks(f"{kind}: a wrong secret is fatal, after one request"),
        Asked(server, home) as asked, Listener(kind, server, app | {"app_secret": "wrong"}) as client,
    ):
        until("it gives up", lambda: client.said("error"))
        if kind == "python":
            assert client.process.wait(60) == 0
            assert client.lines == [{"error": "ClientException", "code": 1000040345}], client.lines
        time.sleep(2.5)
        assert len(client.said("error")) == 1, client.lines
        assert asked.times() == 1, asked.times()


def busy(checks, server, home, events, kind):
    """A client that has connected before knows how long to wait."""
    app = home.app()
    with Listener(kind, server, app) as client:
        until("it is connected", lambda: online(server, app) == 1)
        cut = f"{home.path}/apps/{app['app_id']}/connections"
        with (
            checks(f"{kind}: the address is refused once with 1000040343: it asks again, and is connected in the end"),
            Asked(server, home, {"refuse": {"code": 1000040343}}, times=1) as asked,
        ):
            server.control("DELETE", cut)
            until("it asks again", lambda: asked.times() == 2)
            ids = events.emit(app)
            until("it hears", lambda: client.ids() == ids)
            assert not client.said("error"), client.lines
        name = "it asks again" if kind == "python" else "it gives up, and asks no more"
        with (
            checks(f"{kind}: the address is refused once with 1: {name}"),
            Asked(server, home, {"refuse": {"code": 1, "text": "system busy"}}, times=1) as asked,
        ):
            server.control("DELETE", cut)
            if kind == "python":
                until("it asks again", lambda: asked.times() == 2)
                ids += events.emit(app)
                until("it hears", lambda: client.ids() == ids)
            else:
                until("it gives up", lambda: client.said("error"))
                time.sleep(2.5)
                assert asked.times() == 1 and online(server, app) == 0, (asked.times(), client.lines)
    until("it is gone", lambda: online(server, app) == 0)


# What each type of event says, by a path of fields.
SAID = {
    "im.chat.updated_v1": "chat_id",
    "im.chat.disbanded_v1": "chat_id",
    "im.chat.member.bot.added_v1": "operator_id.open_id",
    "im.chat.member.bot.deleted_v1": "operator_id.open_id",
    "im.chat.member.user.added_v1": "users.0.user_id.open_id",
    "im.chat.member.user.deleted_v1": "users.0.user_id.open_id",
    "im.chat.member.user.withdrawn_v1": "users.0.user_id.open_id",
    "im.message.receive_v1": "message.content",
    "im.message.recalled_v1": "recall_type",
    "im.message.message_read_v1": "message_id_list.0",
    "im.message.reaction.created_v1": "reaction_type.emoji_type",
    "im.message.reaction.deleted_v1": "reaction_type.emoji_type",
    "im.chat.access_event.bot_p2p_chat_entered_v1": "operator_id.open_id",
    "p2p_chat_create": "user.open_id",
    "application.bot.menu_v6": "operator.operator_id.open_id",
}


def all_events(checks, server, home):
    apps = {kind: home.app() for kind in KINDS}
    with contextlib.ExitStack() as stack:
        ears = {kind: stack.enter_context(Listener(kind, server, app)) for kind, app in apps.items()}
        for app in apps.values():
            until("it is connected", lambda app=app: online(server, app) == 1)
        with checks("both SDKs read events of every type, and acknowledge each at once"):
            provoke(server, home, [app["app_id"] for app in apps.values()])
            for kind, ear in ears.items():
                missing = lambda ear=ear: set(SAID) - {event["header"]["event_type"] for event in ear.said("event")}
                try:
                    until(f"{kind} hears all", lambda missing=missing: not missing(), 15)
                except AssertionError as error:
                    raise AssertionError(f"{kind} lacks {missing()}") from error
                for event in ear.said("event"):
                    path = SAID[event["header"]["event_type"]]
                    assert found(event["event"], path), (kind, path, event)
            of_apps = {app["app_id"] for app in apps.values()}

            def told():
                shown = server.control("GET", f"{home.path}/events?limit=200")["events"]
                return [event for event in shown if event["app_id"] in of_apps]

            until("all are acknowledged", lambda: all(event["state"] != "waiting" or event["attempt_count"] for event in told()))
            failed = [event for event in told() if (event["state"], event["attempt_count"]) != ("delivered", 1)]
            assert not failed and {event["event_type"] for event in told()} == set(SAID), failed


def found(value, path):
    for name in path.split("."):
        value = value[int(name)] if name.isdigit() else (value or {}).get(name)
    return value


def provoke(server, home, bots):
    """Everything that apps are told of, in chats of these bots and two users."""
    owner, other = (user["user_id"] for user in home.facts["users"][:2])

    def do(method, path, body=None):
        return server.control(method, home.path + path, body)

    chat = do("POST", "/chats", {"name": "all", "owner": owner, "members": [*bots, owner]})["chat_id"]
    room, by = f"/chats/{chat}", {"as": owner}
    do("PATCH", room, by | {"name": "renamed"})
    do("PUT", f"{room}/members/{other}", by)
    do("DELETE", f"{room}/members/{other}?as={owner}")
    do("PATCH", room, {"settings": {"membership_approval": "approval_required"}})
    do("PUT", f"{room}/members/{home.facts['users'][2]['user_id']}", {})
    inviter = home.user_token(server.ready["app_id"], home.facts["users"][2])
    invited = {"id_list": [other]}
    server.good("POST", f"/open-apis/im/v1/chats/{chat}/members?member_id_type=user_id", invited, inviter)
    do("DELETE", f"{room}/pending/{other}?as={home.facts['users'][2]['user_id']}")
    added = home.app()["app_id"]
    do("PUT", f"{room}/members/{added}", by)
    said = do("POST", f"{room}/messages", by | {"text": "hello"})["message_id"]
    reaction = do("POST", f"/messages/{said}/reactions", by | {"emoji_type": "SMILE"})["reaction_id"]
    do("DELETE", f"/messages/{said}/reactions/{reaction}?as={owner}")
    do("DELETE", f"/messages/{said}?as={owner}")
    for bot in bots:
        p2p = do("POST", "/p2p", by | {"app_id": bot})["chat_id"]
        do("POST", f"/apps/{bot}/menu_clicks", by | {"event_key": "help"})
        token = do("POST", f"/apps/{bot}/tokens")["access_token"]
        body = {"receive_id": p2p, "msg_type": "text", "content": json.dumps({"text": "hi"})}
        sent = server.good("POST", "/open-apis/im/v1/messages?receive_id_type=chat_id", body, token)["message_id"]
        do("PUT", f"/messages/{sent}/read", by)
    left = do("POST", "/chats", {"name": "left", "owner": owner, "members": [*bots, owner]})["chat_id"]
    for bot in bots:
        do("DELETE", f"/chats/{left}/members/{bot}?as={owner}")
    do("POST", f"{room}/dissolve", by)


def two_clients(checks, server, events, app):
    with (
        checks("python: two connections share 200 events, each hears its part of them once"),
        Listener("python", server, app) as one, Listener("python", server, app) as two,
    ):
        until("both are connected", lambda: online(server, app) == 2)
        ids = events.emit(app, 200)
        until("all are heard", lambda: len(one.ids()) + len(two.ids()) >= len(ids))
        assert sorted(one.ids() + two.ids()) == sorted(ids)
        assert 60 <= len(one.ids()) <= 140, (len(one.ids()), len(two.ids()))


def late(checks, server, home, events, app):
    with (
        checks("python: a handler that takes 4 seconds has failed, and the event comes again after 15 seconds"),
        Listener("python", server, app, delay=4) as client,
    ):
        until("it is connected", lambda: online(server, app) == 1)
        ids = events.emit(app)
        until("it has failed", lambda: events.fate(ids[0])[1] == 1)
        assert events.fate(ids[0]) == ("waiting", 1, None, "no acknowledgment in time"), events.fate(ids[0])
        server.control("PUT", f"{home.path}/clock", {"advance_seconds": 15})
        until("it is heard again", lambda: len(client.ids()) == 2)
        assert client.ids() == ids * 2


def too_many(checks, server, events, app):
    with contextlib.ExitStack() as stack:
        live = [stack.enter_context(plain(server, app)) for _ in range(50)]
        for kind in KINDS:
            with checks(f"{kind}: the 51st connection is refused for good"), Listener(kind, server, app) as client:
                until("it gives up", lambda: client.said("error"))
                if kind == "python":
                    assert client.said("code") == [1000040350], client.lines
                else:
                    time.sleep(2.5)
                    told = client.said("logged") + client.said("error")
                    assert any("1000040350" in line for line in told), client.lines
                    assert len(client.said("error")) == 1, "it does not try again"
        with checks("the 50 others still receive"):
            events.emit(app)
            heard = []

            def look():
                for one in live:
                    with contextlib.suppress(TimeoutError):
                        heard.append(one.recv(timeout=0))
                return heard

            until("one of them hears it", look)


def farewell(checks, server, app):
    with plain(server, app) as client, checks("at shutdown connections are closed with 1000"):
        until("it is connected", lambda: online(server, app) == 1)
        assert server.stop(signal.SIGTERM) == 0
        try:
            client.recv(timeout=5)
            raise AssertionError("it is open")
        except ConnectionClosed as closed:
            assert closed.rcvd and closed.rcvd.code == 1000, closed
    server.start()


def unacknowledged(checks, server, home, events, kind, app):
    with (
        checks(f"{kind}: an event that waits unacknowledged when the server stops comes again after the restart"),
        Listener(kind, server, app, delay=HANDLER) as client,
    ):
        until("it is connected", lambda: online(server, app) == 1)
        ids = events.emit(app)
        until("it hears", lambda: client.ids() == ids)
        assert server.stop(signal.SIGTERM) == 0
        server.start()
        fate = events.fate(ids[0])
        assert fate == ("waiting", 1, None, "the long connection closed before the acknowledgment"), fate
        server.control("PUT", f"{home.path}/clock", {"advance_seconds": 15})
        # The first handler may have to end before the client sees that its connection is closed.
        until("it hears again", lambda: client.ids() == ids * 2, RECONNECTED + HANDLER)
        until("it is acknowledged", lambda: events.fate(ids[0])[0] == "delivered", HANDLER + 4)
    until("it is gone", lambda: online(server, app) == 0)


def killed(checks, server, events, kind, app):
    with (
        checks(f"{kind}: an event that waits unacknowledged when the server is killed comes again at once"),
        Listener(kind, server, app, delay=HANDLER) as client,
    ):
        until("it is connected", lambda: online(server, app) == 1)
        ids = events.emit(app)
        until("it hears", lambda: client.ids() == ids)
        server.restart(signal.SIGKILL)
        # The claim of the killed process would last for 30 s.
        until("it hears again", lambda: client.ids().count(ids[0]) >= 2, 20)
        until("it is acknowledged", lambda: events.fate(ids[0])[0] == "delivered", HANDLER + 4)
    until("it is gone", lambda: online(server, app) == 0)


def killed_at_work(checks, server):
    with checks("python: of a server that is killed at work, every acknowledged change is heard, each chat's in its order"):
        app = control.fresh(server).app()
        with Listener("python", server, app) as client:
            named = []
            for _ in range(3):
                until("it is connected", lambda: online(server, app) == 1)
                token, stop = server.tenant_token(app["app_id"], app["app_secret"]), threading.Event()
                writers = [Renaming(server, token, stop) for _ in range(4)]
                until("many are written", lambda: sum(len(one.named) for one in writers) >= 100)
                server.restart(signal.SIGKILL)
                stop.set()
                for one in writers:
                    one.join()
                    named.append(one.named)
            heard = lambda: [event["event"]["after_change"]["name"] for event in client.said("event") if event["header"]["event_type"] == "im.chat.updated_v1"]
            # Less than a claim of a killed process lasts.
            until("all is heard", lambda: all(set(one) <= set(heard()) for one in named), 25)
            first = list(dict.fromkeys(heard()))
            for one in named:
                assert [name for name in first if name in set(one)] == one, "out of order"


class Renaming(threading.Thread):
    """Renames a chat again and again: `named` are the names that were acknowledged."""

    def __init__(self, server, token, stop):
        super().__init__(daemon=True)
        self.address, self.token, self.stop, self.named = server.listen, token, stop, []
        self.start()

    def run(self):
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        connection = http.client.HTTPConnection(self.address, timeout=10)

        def call(method, path, name):
            connection.request(method, "/open-apis/im/v1/chats" + path, json.dumps({"name": name}), headers)
            answer = json.load(connection.getresponse())
            assert answer["code"] == 0, answer
            return answer["data"]

        # The server is killed meanwhile.
        with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
            chat = call("POST", "", "at work")["chat_id"]
            while not self.stop.is_set():
                name = f"{chat} {len(self.named)}"
                call("PUT", f"/{chat}", name)
                self.named.append(name)


def restart(checks, server, events, kind, app):
    with (
        checks(f"{kind}: after a restart it connects again in time and hears what has happened"),
        Listener(kind, server, app) as client,
    ):
        until("it is connected", lambda: online(server, app) == 1)
        server.restart()
        # It has no connection yet.
        ids = events.emit(app)
        until("it hears", lambda: client.ids() == ids, RECONNECTED)
        until("it is acknowledged", lambda: events.fate(ids[0])[0] == "delivered")
    until("it is gone", lambda: online(server, app) == 0)


def first_ping(checks, server, kind, app):
    with (
        checks(f"{kind}: its first ping comes within a second, and the pong has its settings"),
        Reversing(server) as proxy, Listener(kind, server, app, base_url=proxy.url),
    ):
        until("a pong comes", lambda: proxy.pongs)
        assert proxy.pings[0] - proxy.opened < 1, (proxy.pings, proxy.opened)
        settings = json.loads(proxy.pongs[0])
        assert settings == {"PingInterval": 120, "ReconnectCount": -1, "ReconnectInterval": 120, "ReconnectNonce": 30}, settings
