"""A world in which bots and people write messages: bots by the official Python SDK, people by the control API."""

import json
import sys
import time

import control
from harness import HERE

sys.path.append(str(HERE / "python"))

from sdk import Caller, client, data_of, good  # noqa: E402

CARD = {"schema": "2.0", "config": {"update_multi": True}, "body": {"elements": [{"tag": "markdown", "content": "one"}]}}


class Room:
    """A new world: its demo app as `bot`, its people, and the group that both are in."""

    def __init__(self, server, **more):
        self.server, self.home = server, control.fresh(server)
        self.facts = self.home.facts
        self.people = self.facts["users"]
        self.chat = self.facts["chat_id"]
        self.bot = caller(server, self.facts)
        self.token = server.tenant_token(self.facts["app_id"], self.facts["app_secret"])

    def app(self, chat=None, **more):
        """Another app whose bot is in the chat: its facts and its caller."""
        made = self.home.app(**more)
        self.join(made["app_id"], chat)
        return made, caller(self.server, made)

    def join(self, member, chat=None):
        self.server.control("PUT", f"{self.home.path}/chats/{chat or self.chat}/members/{member}", {})

    def leave(self, member, chat=None):
        self.server.control("DELETE", f"{self.home.path}/chats/{chat or self.chat}/members/{member}")

    def group(self, *members, **more):
        """A new group of these members, as the control API makes it."""
        body = {"name": "room", "members": list(members), **more}
        return self.server.control("POST", f"{self.home.path}/chats", body)["chat_id"]

    def user(self, number=0, **more):
        """A caller with a token of a user for the demo app."""
        body = {"app_id": self.facts["app_id"], **more}
        path = f"{self.home.path}/users/{self.people[number]['user_id']}/tokens"
        token = self.server.control("POST", path, body)["access_token"]
        # If the SDK managed its own tokens, it would ignore the given one.
        return Caller(client(self.server, self.facts, given_tokens=True), [], user=token)

    def p2p(self, number=0):
        body = {"app_id": self.facts["app_id"], "as": self.people[number]["user_id"]}
        return self.server.control("POST", f"{self.home.path}/p2p", body)["chat_id"]

    def says(self, text, number=0, chat=None, **more):
        """A user says something: the message_id."""
        body = {"as": self.people[number]["user_id"], "text": text, **more}
        return self.server.control("POST", f"{self.home.path}/chats/{chat or self.chat}/messages", body)["message_id"]

    def clicks(self, message_id, number=0, **more):
        body = {"as": self.people[number]["user_id"], **more}
        return self.server.control("POST", f"{self.home.path}/messages/{message_id}/clicks", body)

    def stored(self, chat=None):
        path = f"{self.home.path}/chats/{chat or self.chat}/messages?limit=100"
        return self.server.control("GET", path)["messages"]

    def told(self, app_id, kind):
        """The events of a type for an app."""
        path = f"{self.home.path}/events?app_id={app_id}&type={kind}&limit=100"
        return self.server.control("GET", path)["events"]

    def advance(self, seconds):
        self.server.control("PUT", f"{self.home.path}/clock", {"advance_seconds": seconds})

    def refuse(self, operation, code):
        """The next call of an operation is refused."""
        self.server.control("PUT", f"{self.home.path}/refusals/{operation}", {"code": code})

    def http(self, method, path, body=None, token=None):
        """A plain call as the demo app: status and answer."""
        status, _, answer = self.server.call(method, f"/open-apis{path}", body, token or self.token)
        return status, answer

    def does(self, method, path, body=None):
        """A plain call as the demo app that must succeed: its data."""
        return self.server.good(method, f"/open-apis{path}", body, self.token)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.home.delete()


def caller(server, app):
    return Caller(client(server, app), [])


def burst(act, times):
    """The answers of calls within one second; on a machine that was too slow for it, of the next ones."""
    for _ in range(5):
        # A second without calls, for the limiter.
        time.sleep(1.1)
        began = time.monotonic()
        answers = [act(number) for number in range(times)]
        if time.monotonic() - began < 0.9:
            return answers
    raise AssertionError(f"{times} calls take more than a second")


def send(who, chat, msg_type="text", content=None, **more):
    """The answer to a message that is sent to a chat."""
    body = {"receive_id": chat, "msg_type": msg_type, "content": json.dumps(content or {"text": "hello"}), **more}
    return who.im.v1.message.create(receive_id_type="chat_id", body=body)


def sent(who, chat, *more, **named):
    """The message as the answer has it."""
    answer = send(who, chat, *more, **named)
    good(answer)
    return data_of(answer)["data"]


def reply(who, message_id, msg_type="text", content=None, **more):
    body = {"msg_type": msg_type, "content": json.dumps(content or {"text": "hello"}), **more}
    return who.im.v1.message.reply(message_id=message_id, body=body)


def shown(who, message_id, **query):
    """A message as `get` has it."""
    answer = who.im.v1.message.get(message_id=message_id, **query)
    good(answer)
    return data_of(answer)["data"]["items"][0]


def code(answer, number, part="", status=400):
    """Checks a refusal: code, status, and a part of its text."""
    assert (answer.code, answer.raw.status_code) == (number, status), (answer.code, answer.raw.status_code, answer.raw.content)
    assert part in answer.msg, (part, answer.msg)
