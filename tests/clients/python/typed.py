"""Every typed method of the Python SDK for what the server serves: with and without await, as an app and as a user."""

import json

import control
import covered
import typed_chats
import typed_messages
import typed_sign_in
import typed_things
import typed_widgets
from sdk import Caller, as_user, client, good, typed_methods


class Stage:
    """A world of its own, its bot and its people as callers."""

    def __init__(self, server, awaited):
        self.server, self.awaited, self.calls = server, awaited, []
        self.home = control.fresh(server)
        self.facts = self.home.facts
        self.people = self.facts["users"]
        self.own = client(server, self.facts)
        # If the SDK managed its own tokens, it would ignore the given one.
        self.given = client(server, self.facts, given_tokens=True)
        self.bot = self.app(self.own)
        self.users = [self.user(self.home.user_token(self.facts["app_id"], one)) for one in self.people]
        # The app and a user, who may do the same in their own groups.
        self.both = (("as the app", self.bot), ("as a user", self.users[0]))

    def app(self, api, option=None):
        return Caller(api, self.calls, self.awaited, option=option)

    def user(self, token, api=None):
        return Caller(api or self.given, self.calls, self.awaited, user=token)

    def person(self, number):
        return self.people[number]["open_id"]

    def group(self, who, **more):
        """A group of the first two people and the bot, which belongs to the caller."""
        body = {"name": "typed", "user_id_list": [self.person(0), self.person(1)], **more}
        if who is not self.bot:
            body["owner_id"] = self.person(0)
        return good(self.bot.im.v1.chat.create(user_id_type="open_id", body=body)).chat_id


def run(checks, server):
    part, calls = checks.part, []
    for kind, awaited in (("", False), (", awaited", True)):
        checks.part = f"{part}, typed{kind}"
        stage = Stage(server, awaited)
        for journey in (typed_chats, typed_widgets, typed_things, typed_messages, typed_sign_in):
            journey.run(checks, stage)
        calls += stage.calls
    checks.part = f"{part}, typed"
    operations = json.loads(server.run("operations", "--json").stdout)
    covered.check(checks, operations, list(typed_methods(stage.own)), calls)
    checks.part = part
