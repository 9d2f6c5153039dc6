"""Actions of the console that are seen rather than called: the person as whom one looks, code that is copied, calls compared.

What each action calls, by button, by key, by curl and by command, is in console_ways.py.
"""

import json

import control
from console_bot import until
from console_hands import run_line
from console_page import Console


def ask(console):
    """Confirms what destroys: Cancel has the focus, the next stop does it."""
    console.until("document.querySelector('dialog[open] button.danger') !== null")
    console.press("Tab")
    console.press("Enter")


def submit(console):
    console.until("document.querySelector('dialog[open] form') !== null")
    console.page.click("dialog[open] button[type=submit]")
    console.until("document.querySelector('dialog[open]') === null")


def one_rule(console, home):
    """One rule, which the page shows; its name is new each time."""
    home.rules = getattr(home, "rules", 0) + 1
    name = f"rule {home.rules}"
    home.server.control("PUT", f"{home.path}/faults", {"faults": [{"preset": "edge-502", "name": name}]})
    console.until(f"document.querySelector('.lk-body')?.innerText.includes({json.dumps(name)})")


def run(checks, server, browser):
    home = control.fresh(server)
    with Console(server, browser, world=home.facts["tenant_key"]) as console:
        with checks("see as: v leads to the persons, and the arrow chooses the next one"):
            console.go("chat")
            before = console.value("location.hash")
            console.press("v")
            console.until("document.activeElement.tagName === 'SELECT'")
            console.press("ArrowUp" if console.value("document.activeElement.selectedIndex") else "ArrowDown")
            console.until("location.hash.includes('as=')")
            assert console.value("location.hash") != before
            assert console.value("document.activeElement.tagName") == "SELECT", "the focus is lost"
        shown(checks, console, home)
        exports(checks, console, home, server)
    home.delete()


def shown(checks, console, home):
    """The short commands that the screens print."""
    for screen, operation, before in (("faults", "fault.clear", one_rule), ("worlds", "world.clock", lambda *_: None)):
        with checks(f"{screen}: every command under As code runs"):
            console.go(screen)
            before(console, home)
            if screen == "worlds":
                console.push("As code", "document.querySelector('main')")
            console.push("CLI", "document.querySelector('main')")
            lines = console.value("[...document.querySelectorAll('.as-code pre')].map(e => e.innerText)")
            assert lines and all(line.startswith("larkspur ") for line in lines), lines
            for line in lines:
                run_line(home, line)


def exports(checks, console, home, server):
    """The acts on recorded calls, which are not recorded themselves."""
    token = server.tenant_token(home.facts["app_id"], home.facts["app_secret"])
    server.control("PUT", f"{home.path}/apps/{home.facts['app_id']}", {"scopes": ["im:chat", "im:message"], "bot": True})
    log_ids = [server.call("GET", f"/open-apis/im/v1/chats/{home.facts['chat_id']}", None, token)[1]["X-Tt-Logid"] for _ in range(2)]
    with checks("replay: button, key and command repeat the call"):
        for act in (lambda: console.push("Replay", "document.querySelector('.detail')"), lambda: console.press("r"), None):
            console.go("traffic", sel=log_ids[0])
            console.reads(log_ids[0], ".detail")
            before = platform_calls(home)
            act() if act else run_line(home, f"larkspur traffic replay {log_ids[0]} --tenant {home.facts['tenant_key']}")
            until(lambda: platform_calls(home) == before + 1, 10)
            if act:
                # The call is counted before the page has its answer.
                console.until("document.querySelector('dialog[open]') !== null")
                console.press("Escape")
                console.until("document.querySelector('dialog[open]') === null")
    with checks("copied as curl, a call runs"):
        console.send("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
        console.go("traffic", sel=log_ids[0])
        console.reads(log_ids[0], ".detail")
        console.press("y")
        console.until("document.querySelector('.toasts')?.innerText.includes('Copied')")
        line = console.value("navigator.clipboard.readText()", wait=True)
        assert "curl" in line and token not in line, line
    with checks("two marked calls are compared, and exported as a test"):
        console.go("traffic")
        console.value("document.querySelector('lk-list').focus()")
        console.press("Home")
        console.chord("x j x d")
        console.until("document.querySelector('dialog[open]') !== null")
        console.press("Escape")
        console.press("t")
        console.until("document.querySelector('dialog[open]') !== null")
        console.reads("pytest", "dialog[open]")
        console.press("Escape")


def platform_calls(home):
    return home.server.control("GET", f"{home.path}/traffic/summary")["calls"]
