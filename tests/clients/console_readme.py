"""The two pictures of the README: made by this test, and still what the page shows.

Beside each picture, docs/images has the words of the screen. They are compared with what the page shows now, without
ids and numbers; pixels are not, since fonts differ. `cargo xtask pictures` makes pictures and words anew.
"""

import hashlib
import os
import re
import time
from collections import Counter

import control
from bots import EXAMPLES, Talk
from console_page import Console, server
from devtools import Browser
from harness import ROOT

FOLDER = ROOT / "docs/images"
# Whether the pictures are made anew.
WRITE = os.environ.get("PICTURES") == "write"
# What is read of a screen. Rows of the list of calls are left out: which of two calls at one time is first may differ.
PARTS = {
    "chat": ("header", "nav", ".chat-list", ".chat-room", ".chat-side"),
    "traffic": ("header", "nav", ".lk-head", ".detail"),
}
ID = re.compile(r"\b(o[cmu]_[0-9a-z]+|cli_[0-9a-f]+|20\d{12,}[0-9A-F]+|[0-9a-f]{16,})\b")
RATE = re.compile(r" \d+/s$", re.MULTILINE)
# The line above the first message of a day; there is another one if midnight comes in between.
DAY = re.compile(r"^\s*\d{1,2} [A-Z][a-z]{2,3} \d{4}\s*$", re.MULTILINE)
NUMBER = re.compile(r"\d+([.,:]\d+)*")


def run(checks):
    with server() as own, Browser() as browser:
        home = control.demo(own)
        with Talk(own, EXAMPLES["python"], home) as talk, Console(own, browser) as console:
            # Without the calls by which the test waited for the bot.
            own.control("DELETE", f"{home.path}/traffic")
            talk.say("<at user_id=\"%s\"></at> card" % home.facts["app_id"], home.facts["chat_id"])
            # A card that comes while the page is open is announced, for those who do not see it.
            talk.until(lambda: talk.of_bot(home.facts["chat_id"]))
            with checks("the README's picture of a chat shows what the page shows"):
                console.go("chat", chat=home.facts["chat_id"])
                console.reads("ack", ".msgs", 20)
                console.until("document.querySelector('.msgs .card button') !== null", 20)
                compared(console, "chat")
            with checks("the README's picture of a refused call shows what the page shows"):
                console.go("traffic", sel=refused(own, home))
                console.until("document.querySelector('.fixes button') !== null")
                compared(console, "traffic")


def refused(own, home):
    """A call that is refused because of a setting of the chat: its log id."""
    chat = home.facts["chat_id"]
    own.control("PATCH", f"{home.path}/chats/{chat}", {"manage_widgets": "only_owner"})
    tab = {"chat_tabs": [{"tab_name": "Wiki", "tab_type": "url", "tab_content": {"url": "https://example.com"}}]}
    token = own.tenant_token()
    for name in ("release", "on-call"):
        own.call("POST", "/open-apis/im/v2/tags", {"create_tag": {"tag_type": "tenant", "name": name}}, token)
    own.call("GET", f"/open-apis/im/v1/chats/{chat}", None, token)
    own.call("GET", f"/open-apis/im/v1/chats/{chat}/members", None, token)
    _, headers, answer = own.call("POST", f"/open-apis/im/v1/chats/{chat}/chat_tabs", tab, token)
    assert answer["code"] == 232055, answer
    return headers["X-Tt-Logid"]


def compared(console, name):
    """Compares the words of the screen with those beside the committed picture; or commits both."""
    console.still()
    console.picture(f"readme-{name}")
    words = outline(console, name)
    picture, beside = FOLDER / f"console-{name}.png", FOLDER / f"console-{name}.txt"
    if WRITE:
        data = (ROOT / f"target/console/readme-{name}.png").read_bytes()
        picture.write_bytes(data)
        beside.write_text(f"{hashlib.sha256(data).hexdigest()}\n{words}", encoding="utf-8")
        return
    digest, kept = beside.read_text(encoding="utf-8").split("\n", 1)
    assert digest == hashlib.sha256(picture.read_bytes()).hexdigest(), f"{picture.name} is not the picture of {beside.name}: cargo xtask pictures"
    # People stand in the order of their ids, which is another one each time.
    theirs, ours = Counter(kept.splitlines()), Counter(words.splitlines())
    end = time.monotonic() + 20
    # What is still on its way is shown a moment later.
    while theirs != ours and time.monotonic() < end:
        time.sleep(0.2)
        ours = Counter(outline(console, name).splitlines())
    assert theirs == ours, ("the page shows something else: cargo xtask pictures", theirs - ours, ours - theirs)


def outline(console, name):
    """The words of a screen, one line for each, without what is other each time."""
    lines, users = [], [user["user_id"] for user in console.server.ready["users"]]
    for part in PARTS[name]:
        text = console.text(part)
        for user in users:
            text = text.replace(user, "ID")
        lines.append(f"[{part}]")
        lines += [NUMBER.sub("0", ID.sub("ID", line.strip())) for line in DAY.sub("", RATE.sub("", text)).splitlines() if line.strip()]
    return "\n".join(lines) + "\n"
