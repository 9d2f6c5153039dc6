"""Webhook receivers that are built with the official SDKs, unmodified: they verify their address, then handle events that are
encrypted and signed. What they answer decides whether an event is sent again."""

import contextlib
import json
import subprocess
import time
import urllib.parse

import control
from harness import HERE, Endpoint, Server, environment
from long_connection import Card

KEY, TOKEN = "a key of the tests", "a token of the tests"
KIND = "im.message.receive_v1"
MESSAGE = {"message": {"message_id": "om_1", "content": '{"text":"hello"}'}}
# Seconds of the world's clock after which an event is sent again.
LADDER = [15, 300, 3600, 6 * 3600]


def run(checks):
    with Server() as server:
        python(checks, server)
        node(checks, server)
        node_with_another_key(checks, server)
        cards(checks, server)
        ladder(checks, server)


class Receiver(Endpoint):
    """A webhook of the Python SDK's dispatcher."""

    def __init__(self, register=True, key=KEY):
        import lark_oapi as lark
        from lark_oapi.core.model import RawRequest

        self.events, self.statuses, self.bodies = [], [], []
        builder = lark.EventDispatcherHandler.builder(key, TOKEN, lark.LogLevel.CRITICAL)
        if register:
            builder.register_p2_im_message_receive_v1(lambda event: self.events.append(event))
            builder.register_p2_card_action_trigger(self.clicked)
        self.dispatcher, self.request = builder.build(), RawRequest
        super().__init__(self.answer)

    def answer(self, path, headers, body):
        request = self.request()
        request.uri, request.headers, request.body = path, headers, body
        self.bodies.append(body)
        answer = self.dispatcher.do(request)
        self.statuses.append(answer.status_code)
        return answer.status_code, answer.content

    def clicked(self, click):
        """Answers a click of a card."""
        from lark_oapi.event.callback.model.p2_card_action_trigger import P2CardActionTriggerResponse

        self.events.append(click)
        return P2CardActionTriggerResponse({"toast": {"type": "success", "content": "Done"}})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class App:
    """A new custom app of a new world, and its token."""

    def __init__(self, server):
        self.server, self.home = server, control.fresh(server)
        made = self.home.app()
        self.id, self.token = made["app_id"], server.tenant_token(made["app_id"], made["app_secret"])

    def subscribe(self, url, key=KEY):
        """Sets the address as a program would: the platform asks it meanwhile. Code of the answer."""
        body = {
            "event": {"subscription_type": "webhook", "request_url": url, "add_events": [KIND]},
            "event_and_callback_encrypt_strategy": {"encryption_key": key, "verification_token": TOKEN},
        }
        path = f"/open-apis/application/v7/applications/{self.id}/config"
        return self.server.call("PATCH", path, body, self.token)[2]["code"]

    def send(self):
        body = {"app_id": self.id, "type": KIND, "event": MESSAGE, "raw": True}
        return self.server.control("POST", f"{self.home.path}/events", body)["event_id"]

    def fate(self, event_id):
        found = self.server.control("GET", f"{self.home.path}/events?app_id={self.id}")["events"]
        return next(event for event in found if event["event_id"] == event_id)

    def tried(self, event_id, times):
        """What became of an event once it was tried so often."""
        return until(lambda: (fate := self.fate(event_id))["attempt_count"] >= times and fate)


def until(found, patience=10):
    deadline = time.monotonic() + patience
    while not (value := found()):
        assert time.monotonic() < deadline, "it takes too long"
        time.sleep(0.02)
    return value


def python(checks, server):
    app = App(server)
    with Receiver() as receiver:
        with checks("Python: the dispatcher verifies its address and handles an event"):
            assert app.subscribe(receiver.url) == 0
            event_id = app.send()
            assert app.tried(event_id, 1)["state"] == "delivered"
            event, = receiver.events
            assert event.header.event_id == event_id and event.header.token == TOKEN
            assert event.event.message.content == '{"text":"hello"}', event.event.message.content
            assert receiver.statuses == [200, 200]
            assert all(list(json.loads(body)) == ["encrypt"] for body in receiver.bodies)
    with Receiver(key="another key") as receiver, checks("Python: a receiver with another key is not subscribed"):
        assert app.subscribe(receiver.url) == 210042


@contextlib.contextmanager
def node_receiver(key=KEY, port=0, auto_challenge=True):
    """A webhook of the Node SDK: its address, a function that gives its next line, and its process."""
    answers = "yes" if auto_challenge else "no"
    surroundings = environment(ENCRYPT_KEY=key, VERIFICATION_TOKEN=TOKEN, PORT=port, AUTO_CHALLENGE=answers)
    process = subprocess.Popen(
        ["node", str(HERE / "node/webhook.mjs")], env=surroundings, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True)
    try:
        # Lines of the SDK's logger stand between those of the program.
        def line():
            for text in process.stdout:
                if text.startswith("{"):
                    return json.loads(text)
            raise AssertionError(f"node ended with {process.wait()}")

        yield f"http://127.0.0.1:{line()['port']}/events", line, process
    finally:
        process.kill()
        process.wait()


def node(checks, server):
    app = App(server)
    with node_receiver() as (url, line, _):
        with checks("Node: adaptDefault verifies its address and handles an event"):
            assert app.subscribe(url) == 0
            event_id = app.send()
            heard = line()
            assert heard["event_id"] == event_id and heard["message"] == MESSAGE["message"], heard
            assert app.tried(event_id, 1)["state"] == "delivered"
        with checks("Node: with another key the address is not verified"):
            path = f"{app.home.path}/apps/{app.id}/events"
            server.control("PUT", path, {"request_url": url, "encrypt_key": "another key", "verification_token": TOKEN})
            until(lambda: server.control("GET", path).get("reason"))
            assert server.control("GET", path)["verified"] is False


def cards(checks, server):
    home = control.demo(server)
    settings = {"mode": "websocket", "encrypt_key": KEY, "verification_token": TOKEN}

    def click(url):
        app = home.app()
        callbacks = {"mode": "webhook", "request_url": url}
        server.control("PUT", f"{home.path}/apps/{app['app_id']}/events", settings | {"callbacks": callbacks})
        return Card(server, home, app).click("approve")

    with Receiver() as receiver, checks("Python: the dispatcher answers a click of a card"):
        seen = click(receiver.url)
        assert seen["toast"] == {"type": "success", "content": "Done"} and seen["way"] == "webhook", seen
        clicked, = receiver.events
        assert clicked.header.event_id == seen["event_id"] and clicked.event.action.value == {"op": "approve"}
    with node_receiver() as (url, line, _), checks("Node: adaptDefault answers a click of a card"):
        seen = click(url)
        assert seen["toast"] == {"type": "success", "content": "Done"} and seen["way"] == "webhook", seen
        clicked = line()
        assert clicked["event_id"] == seen["event_id"] and clicked["action"]["value"] == {"op": "approve"}, clicked


def node_with_another_key(checks, server):
    """What becomes of events for a verified address whose program has another key since."""
    app = App(server)
    with node_receiver() as (url, _, _):
        assert app.subscribe(url) == 0
    port = urllib.parse.urlsplit(url).port
    with (
        checks("Node: with another key it answers 200 without handling the event"),
        node_receiver("another key", port, auto_challenge=False) as (_, line, process),
    ):
        fate = app.tried(app.send(), 1)
        assert (fate["state"], fate["status"]) == ("delivered", 200), fate
        time.sleep(0.3)
        process.kill()
        try:
            heard = line()
        except AssertionError:
            heard = None
        assert heard is None, heard
    with (
        checks("Node: with another key autoChallenge ends the program, and the event is sent again"),
        node_receiver("another key", port) as (_, _, process),
    ):
        event_id = app.send()
        fate = app.tried(event_id, 1)
        assert (fate["state"], fate.get("status")) == ("waiting", None), fate
        assert process.wait(10) != 0
    with (
        checks("Node: with the right key again it handles that event"),
        node_receiver(port=port) as (_, line, _),
    ):
        server.control("PUT", f"{app.home.path}/clock", {"advance_seconds": LADDER[0]})
        assert line()["event_id"] == event_id
        assert app.tried(event_id, 2)["state"] == "delivered"


def ladder(checks, server):
    app = App(server)
    with Receiver(register=False) as receiver, checks("Python: without a handler, 500 and four more tries, then none"):
        assert app.subscribe(receiver.url) == 0
        event_id = app.send()
        for number, seconds in enumerate(LADDER, 1):
            fate = app.tried(event_id, number)
            assert (fate["state"], fate["status"], fate["attempt_count"]) == ("waiting", 500, number), fate
            server.control("PUT", f"{app.home.path}/clock", {"advance_seconds": seconds})
        fate = app.tried(event_id, 5)
        assert (fate["state"], len(fate["attempts"])) == ("dropped", 5), fate
        server.control("PUT", f"{app.home.path}/clock", {"advance_seconds": 100 * 3600})
        time.sleep(0.3)
        assert receiver.statuses == [200] + [500] * 5, receiver.statuses
        # The first request is the challenge.
        assert [opened(body)["header"]["event_id"] for body in receiver.bodies[1:]] == [event_id] * 5


def opened(body):
    """What an encrypted request says."""
    from lark_oapi.core.utils import AESCipher

    return json.loads(AESCipher(KEY).decrypt_str(json.loads(body)["encrypt"]))
