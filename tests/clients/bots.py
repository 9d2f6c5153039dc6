"""The example bots, started as their README says, and the bot of the project's README. People talk to them by the control API."""

import contextlib
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import control
from harness import HERE, ROOT, Server, environment

EXAMPLES = {
    "python": [sys.executable, str(ROOT / "examples/python/bot.py")],
    "node": ["node", "bot.mjs"],
}
README = re.compile(r"^```python bot\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CONNECTION = "/open-apis/event/v1/connection"


def run(checks):
    with Server() as server:
        for kind in EXAMPLES:
            with Talk(server, EXAMPLES[kind]) as talk:
                example(checks, kind, talk)
        for page in ("README.md", "README.zh-CN.md"):
            text = README.search((ROOT / page).read_text(encoding="utf-8")).group(1)
            with Talk(server, [sys.executable, "-c", text]) as talk, checks(f"{page}: its bot answers"):
                talk.say("hello")
                talk.until(lambda: talk.answers() == ["hello"])


class Talk:
    """A bot as a process, in a world of its own or another one, and a user who talks to it."""

    def __init__(self, server, command, home=None):
        self.server, self.home = server, home or control.fresh(server)
        self.ada, self.ben = self.home.facts["users"][:2]
        facts = self.home.facts
        self.stack = contextlib.ExitStack()
        folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory(prefix="larkspur-bots-")))
        # Node looks for packages beside the program.
        (folder / "node_modules").symlink_to(HERE / "node/node_modules")
        (folder / "bot.mjs").write_text((ROOT / "examples/node/bot.mjs").read_text(encoding="utf-8"))
        self.log = folder / "log"
        names = {"BASE_URL": server.url, "APP_ID": facts["app_id"], "APP_SECRET": facts["app_secret"]}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, cwd=folder, env=environment(**names), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        opened = server.control("POST", f"{self.home.path}/p2p", {"app_id": facts["app_id"], "as": self.ada["user_id"]})
        self.chat = opened["chat_id"]

    def __enter__(self):
        token = self.server.tenant_token(self.home.facts["app_id"], self.home.facts["app_secret"])
        self.until(lambda: self.server.good("GET", CONNECTION, token=token)["online_instance_cnt"] == 1, 60)
        return self

    def __exit__(self, *error):
        self.process.kill()
        self.process.wait()
        self.stack.close()
        self.home.delete()

    def until(self, is_so, patience=20):
        deadline = time.monotonic() + patience
        while not (found := is_so()):
            assert time.monotonic() < deadline, (self.shown(), self.log.read_text(errors="replace")[-4000:])
            time.sleep(0.05)
        return found

    def say(self, text, chat=None, who=None):
        body = {"as": (who or self.ada)["user_id"], "text": text}
        return self.server.control("POST", f"{self.home.path}/chats/{chat or self.chat}/messages", body)["message_id"]

    def shown(self, chat=None):
        """The messages of a chat, as they are stored."""
        return self.server.control("GET", f"{self.home.path}/chats/{chat or self.chat}/messages?limit=50&render=1")["messages"]

    def of_bot(self, chat=None):
        return [message for message in self.shown(chat) if message["sender"]["sender_type"] == "app"]

    def answers(self, chat=None):
        """What the bot said in text."""
        texts = [message for message in self.of_bot(chat) if message["msg_type"] == "text"]
        return [json.loads(message["body"]["content"])["text"] for message in texts]

    def click(self, message_id, element):
        body = {"as": self.ada["user_id"], "element": element}
        return self.server.control("POST", f"{self.home.path}/messages/{message_id}/clicks", body)

    def card(self, chat=None):
        """The latest card of the bot: its message_id and its content."""
        cards = [message for message in self.of_bot(chat) if message["msg_type"] == "interactive"]
        return cards and (cards[-1]["message_id"], cards[-1]["body"]["content"])


def example(checks, kind, talk):
    with checks(f"{kind}: it repeats what it is told, as a reply"):
        said = talk.say("hello")
        talk.until(lambda: talk.answers() == ["hello"])
        answer, = talk.of_bot()
        assert (answer["parent_id"], answer["root_id"]) == (said, said), answer
    with checks(f"{kind}: in a group it hears who mentions it, and leaves the mention out"):
        group = talk.home.facts["chat_id"]
        talk.say(f'<at user_id="{talk.home.facts["app_id"]}"></at> who is there', group)
        talk.until(lambda: talk.answers(group) == ["who is there"])
    with checks(f"{kind}: a click changes the card"):
        talk.say("card")
        message_id, before = talk.until(talk.card)
        assert "Deploy release 7?" in before, before
        seen = talk.click(message_id, "approve")
        assert "code" not in seen and seen["toast"]["content"] == "Approved", seen
        after = talk.card()
        assert after[0] == message_id and "Release 7 is approved" in after[1], after
        assert "Deploy release 7?" not in after[1], after
    with checks(f"{kind}: an answer that is streamed grows, and is closed at its end"):
        first = talk.card()[0]
        talk.say("stream")
        whole = "This answer came bit by bit"
        talk.until(lambda: talk.card()[0] != first and whole in talk.card()[1])
        talk.until(lambda: closed(talk))


def closed(talk):
    """Whether the card that the bot sent last takes no more text."""
    content = json.loads(talk.card()[1])
    return content["config"]["streaming_mode"] is False
