"""A bot seen live in the console, by keyboard alone: what one says, its card, a click; who was told of an event, and who was not."""

import json
import time

import control
from bots import EXAMPLES, Talk
from console_page import Console
from long_connection import Listener
from webhooks import KEY, TOKEN, Receiver

# From the call that sends a card until a person sees it.
SEEN_MS = 500
# On a machine that does other things, too.
SLACK = 4
NOTE_CARDS = (
    "window.seen = {}; new MutationObserver(() => document.querySelectorAll('.msg').forEach(e => { if (e.querySelector('.card button'))"
    " seen[e.dataset.id] ??= Date.now() })).observe(document.body, {subtree: true, childList: true})"
)


def run(checks, server, browser):
    with Talk(server, EXAMPLES["python"]) as talk:
        conversation(checks, server, browser, talk)
    told(checks, server, browser)


def conversation(checks, server, browser, talk):
    group, name = talk.home.facts["chat_id"], "Larkspur demo"
    with Console(server, browser, world=talk.home.facts["tenant_key"]) as console:
        page = console.page
        with checks("by keyboard: a person mentions the bot, and its card comes within half a second"):
            console.go("chat", chat=group)
            console.value(f"void ({NOTE_CARDS.replace('window.seen = {};', 'window.seen = {},')})")
            console.press("i")
            console.until("document.activeElement.tagName === 'TEXTAREA'")
            page.write(f"@{name} card")
            console.press("Enter")
            console.until("Object.keys(window.seen).length > 0", 20)
            message_id, seen_ms = next(iter(console.value("window.seen").items()))
            sent = next(message for message in talk.shown(group) if message["message_id"] == message_id)
            assert seen_ms - int(sent["create_time"]) <= SEEN_MS * SLACK, seen_ms - int(sent["create_time"])
        with checks("under what was said stands how each bot was told"):
            console.reads("ack", ".msgs")
        with checks("by keyboard: Approve is pressed; its toast and the new card are shown"):
            leave_field(console)
            console.press("j")
            for _ in range(5):
                if console.value(f"document.activeElement.dataset.id === {json.dumps(message_id)}"):
                    break
                console.press("k")
            console.press("Enter")
            console.until("document.activeElement.textContent.includes('Approve')")
            console.press("Enter")
            console.reads("Approved")
            console.reads("Release 7 is approved", ".msgs")
            assert "Deploy release 7?" not in console.text(".msgs")
        with checks("what was done is shown as code"):
            assert "larkspur" in console.value("document.body.textContent") and "clicks" in console.value("document.body.textContent")
        with checks("an answer that is streamed grows before one's eyes"):
            console.press("i")
            page.write(f"@{name} stream")
            console.press("Enter")
            console.reads("This answer came bit by bit", ".msgs", 20)
        with checks("nothing went wrong in the browser"):
            assert not console.complaints(), console.complaints()


def leave_field(console):
    """Leaves a field with the keyboard."""
    console.press("Escape")
    for _ in range(10):
        if console.value("!/^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName)"):
            return
        console.press("Tab")
    raise AssertionError("Tab does not leave the field")


def told(checks, server, browser):
    """One event and four apps: by webhook, by long connection, not in the chat, without the scope."""
    home = control.fresh(server)
    facts = home.facts
    chat, ada = facts["chat_id"], facts["users"][0]["user_id"]
    poor = ["im:chat"]
    with Receiver() as receiver:
        hook = home.app(name="Hook", events={"mode": "webhook", "request_url": receiver.url, "encrypt_key": KEY, "verification_token": TOKEN})
        audit, stats = home.app(name="Audit"), home.app(name="Stats", scopes=poor)
        for app in (hook, stats):
            server.control("PUT", f"{home.path}/chats/{chat}/members/{app['app_id']}", {})
        with Listener("python", server, facts) as listener:
            until(lambda: server.control("GET", f"{home.path}/apps/{facts['app_id']}/connections")["connections"])
            server.control("POST", f"{home.path}/chats/{chat}/messages", {"as": ada, "text": "hello everyone"})
            until(lambda: receiver.events and listener.ids())
            shown(checks, server, browser, home, audit, stats)
    home.delete()


def shown(checks, server, browser, home, audit, stats):
    with Console(server, browser, world=home.facts["tenant_key"]) as console:
        with checks("webhook and long connection stand side by side for one event"):
            console.go("events")
            console.value("document.querySelector('lk-list').focus()")
            console.press("Home")
            console.press("Enter")
            console.reads("Hook", ".two")
            columns = console.value("[...document.querySelectorAll('.two > section')].map(e => e.innerText)")
            assert len(columns) == 2 and "Hook" in columns[0] and "Larkspur demo" in columns[1], columns
            assert "Hook" not in columns[1] and "200" in columns[0], columns
        with checks("who got nothing is listed, each with the reason"):
            lines = console.value("[...document.querySelectorAll('.not-sent > li')].map(e => e.innerText)")
            assert len(lines) == 2, lines
            assert any("Audit" in line for line in lines) and any("Stats" in line and "im:message.group_msg" in line for line in lines), lines
        with checks("the fix is pressed, and the event sent again is delivered"):
            console.push("Grant", "[...document.querySelectorAll('.not-sent > li')].find(e => e.innerText.includes('Stats'))")
            console.until("document.querySelector('.toasts')?.innerText.length > 0")
            console.press("r")
            console.until("document.querySelector('dialog[open] select') !== null")
            options = console.value("[...document.querySelector('dialog[open] select').options].map(e => e.value)")
            assert stats["app_id"] in options, options
            console.value(f"void (document.querySelector('dialog[open] select').value = {json.dumps(stats['app_id'])})")
            console.page.click("dialog[open] button[type=submit]")
            console.until("document.querySelector('dialog[open]') === null")
            with Listener("python", server, stats) as listener:
                until(listener.ids)
            console.reads("Stats", ".two")
            assert "Stats" not in console.text(".not-sent"), console.text(".not-sent")
        with checks("nothing went wrong in the browser"):
            assert not console.complaints(), console.complaints()


def until(is_so, patience=60):
    deadline = time.monotonic() + patience
    while not (found := is_so()):
        assert time.monotonic() < deadline, is_so
        time.sleep(0.05)
    return found
