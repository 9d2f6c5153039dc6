"""What opens on the screens of the console, dialogs and details: axe in both languages and themes, names, and a small phone."""

import json
import re
import time

import control
from console_looks import LANGUAGES, THEMES, lost, small
from console_page import Console, axe
from webhooks import KEY, TOKEN, Receiver

SHIFT = 8
OPEN = "document.querySelector('dialog[open]') !== null"
# Dialogs that a key opens, by screen.
KEYED = {
    "chat": ("n", "o", "b", "a", "+", "?", "."),
    "traffic": ("r", "t", ("C", SHIFT)),
    "events": ("r", "i", "h"),
    "apps": ("n", "e", "t", "u", "m", "s"),
    "faults": ("n", "e", ("X", SHIFT)),
    "worlds": ("n", "c", "s", "d", ("R", SHIFT), ("D", SHIFT)),
    "login": ("n",),
}
# Of a message that has the focus.
ON_MESSAGE = ("e", "w", "d", "x")


def run(checks, server, browser):
    facts = server.ready
    with Receiver() as receiver:
        home = control.demo(server)
        home.app(name="Hook", events={"mode": "webhook", "request_url": receiver.url, "encrypt_key": KEY, "verification_token": TOKEN})
        calls = server.control("GET", f"{home.path}/traffic?operation=im.v1.message.create&outcome=refused&limit=1")["entries"]
        said = {"as": facts["users"][0]["user_id"], "text": "to be changed"}
        message = server.control("POST", f"{home.path}/chats/{facts['chat_id']}/messages", said)["message_id"]
        server.control("PUT", f"{home.path}/faults", {"faults": [{"match": {"operation": "im.v1.chat_tab.*"}, "effect": {"refuse": {"code": 232001}}}]})
        for language in LANGUAGES:
            for width, height in ((1280, 800), (390, 844)):
                with Console(server, browser, width, height, language) as console:
                    console.quiet = 0.15
                    depths(checks, console, home, calls[0]["log_id"], message)
        server.control("PUT", f"{home.path}/faults", {"faults": []})


def depths(checks, console, home, log_id, message):
    wide = console.value("innerWidth") > 900
    where = f"{console.value('document.documentElement.lang')}, {console.value('innerWidth')} px"
    app, chat = home.facts["app_id"], home.facts["chat_id"]
    params = {"traffic": {"sel": log_id}, "apps": {"sel": app}, "chat": {"chat": chat}}
    with checks(f"{where}: no barrier in dialogs, and nothing sticks out of them"):
        for screen, keys in KEYED.items():
            for key in keys:
                letter, held = key if isinstance(key, tuple) else (key, 0)
                console.go(screen, **params.get(screen, {}))
                if screen == "events":
                    listed(console)
                if screen == "traffic":
                    console.until("document.querySelector('.detail [role=tab]') !== null")
                pressed(console, letter, held)
                opened(console, f"{screen} {letter}")
        for letter in ON_MESSAGE:
            console.go("chat", chat=chat)
            console.until(f"document.getElementById('m-{message}') !== null")
            console.value(f"document.getElementById('m-{message}').focus()")
            pressed(console, letter, again=f"document.getElementById('m-{message}').focus()")
            opened(console, f"message {letter}")
    with checks(f"{where}: no barrier in the form of each kind of rule"):
        console.go("faults")
        pressed(console, "n")
        for kind in range(console.value("document.querySelectorAll('dialog[open] .choices button').length")):
            console.go("faults")
            pressed(console, "n")
            console.value(f"document.querySelectorAll('dialog[open] .choices button')[{kind}].click()")
            console.until("document.querySelector('dialog[open] form') !== null")
            opened(console, f"rule {kind}")
    with checks(f"{where}: no barrier in the tabs of details"):
        console.go("traffic", sel=log_id)
        console.until("document.querySelector('.detail [role=tab]') !== null")
        tabs(console, ".detail", "call")
        console.go("events")
        listed(console)
        tabs(console, ".detail", "event")
        console.go("worlds")
        tabs(console, "main", "world")
        console.go("coverage")
        tabs(console, "main", "coverage")
    if wide:
        with checks(f"{where}: no barrier in what a token says, nor in receivers"):
            token = home.user_token(app, home.facts["users"][0])
            console.go("login")
            console.press("/")
            console.page.write(token)
            console.press("Enter")
            console.until("document.querySelector('.login-grid .facts') !== null")
            barriers(console, "token")
            console.go("events")
            console.value("document.querySelectorAll('details').forEach(e => { e.open = true })")
            barriers(console, "receivers")
        with checks(f"{where}: no barrier for one who has no session"):
            with Console(console.server, console.browser, signed_in=False) as other:
                other.page.open(f"{console.server.url}/larkspur/console?lang={console.value('document.documentElement.lang').split('-')[0]}")
                other.send("Network.clearBrowserCookies")
                other.page.loaded(lambda: other.send("Page.reload"))
                other.until("document.querySelector('input') !== null")
                barriers(other, "gate")
                other.page.write("wrong")
                other.press("Enter")
                other.until("document.querySelector('[role=alert], .error')?.textContent.length > 0")
                barriers(other, "gate, refused")


def listed(console):
    """The first event is open, with its details."""
    console.until("document.querySelectorAll('lk-list .lk-row:not([hidden])').length > 0")
    console.value("document.querySelector('lk-list').focus()")
    console.press("Home")
    console.press("Enter")
    console.until("document.querySelector('.detail [role=tab]') !== null")


def pressed(console, letter, held=0, again="0"):
    """A key that opens a dialog, pressed again if the screen did not take it: it may be drawn anew at that moment. Some dialogs wait
    for an answer first."""
    for _ in range(2):
        console.press(letter, held=held)
        end = time.monotonic() + 10
        while time.monotonic() < end:
            if console.value(OPEN):
                return
            time.sleep(0.05)
        console.value(f"void ({again})")
    raise AssertionError(f"{letter} opens no dialog")


def opened(console, what):
    """A dialog, which is shut again."""
    console.until(OPEN)
    console.still()
    barriers(console, what)
    narrow = console.value("(e => e.scrollWidth - e.clientWidth)(document.querySelector('dialog[open]'))")
    assert narrow <= 1, (what, "sticks out by", narrow)
    # Some load what they show, and take the focus then.
    console.until("document.querySelector('dialog[open]').contains(document.activeElement)")
    for _ in range(3):
        console.press("Escape")
        if not console.value(OPEN):
            return
    raise AssertionError((what, "does not close"))


def tabs(console, within, what):
    """Each tab of a detail. Their names have counts, which change."""
    found = f"[...document.querySelectorAll({json.dumps(within + ' [role=tab]')})].filter(e => !e.closest('.as-code'))"
    names = console.value(f"{found}.map(e => e.textContent)")
    assert names, what
    for number, name in enumerate(names):
        console.value(f"{found}[{number}].click()")
        console.still()
        barriers(console, f"{what} {name}")


def barriers(console, what):
    """What axe finds in both themes, controls without names, and what is lost at the side or too small."""
    for theme in reversed(THEMES):
        # Without motion, colours are those of the theme at once.
        console.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme}, {"name": "prefers-reduced-motion", "value": "reduce"}])
        found = axe(console.page)
        assert not found, (what, theme, found)
    console.picture(f"depth-{'-'.join(re.findall('[a-zA-Z0-9]+', what))}-{console.value('innerWidth')}-{console.value('document.documentElement.lang')}")
    assert not console.nameless(), (what, console.nameless())
    assert console.sideways() <= 0, (what, console.sideways())
    assert not lost(console) and not small(console), (what, lost(console), small(console))
