"""Worlds in the console: what is saved, compared and put back; seeds with mistakes; settings; faults and rate limits."""

import json
import time

import control
from console_actions import ask, submit
from console_bot import until
from console_page import Console

MISTAKES = """larkspur: 1
users:
  ada: {nam: Ada}
  ben: {name: no}
apps:
  demo: {name: Demo, scopes: [im:nothing]}
tags:
  t: {nam: T}
chats:
  ops: {name: Ops, owner: cleo}
"""


def run(checks, server, browser):
    home = control.fresh(server)
    with Console(server, browser, world=home.facts["tenant_key"]) as console:
        saved(checks, server, console, home)
        seeds(checks, server, console, home)
        settings(checks, server, console, home)
        limits(checks, server, console, home)
        with checks("nothing went wrong in the browser"):
            # Refusals of the wrong seed and the wrong setting, and what was asked of the deleted world on its way out.
            wanted = (" 400 ", "/seed'"), (" 400 ", "/settings'"), (" 404 ", "/worlds/")
            bad = [one for one in console.complaints() if not any(all(part in str(one) for part in each) for each in wanted)]
            assert not bad, bad
    home.delete()


def names(server, home):
    return {user["name"] for user in server.control("GET", f"{home.path}/users")["users"]}


def saved(checks, server, console, home):
    with checks("a snapshot is taken, compared with now, and put back"):
        console.go("worlds")
        console.press("s")
        console.until("document.querySelector('dialog[open] input') !== null")
        console.value("document.activeElement.select()")
        console.page.write("before")
        submit(console)
        console.reads("before")
        server.control("POST", f"{home.path}/users", {"name": "Dora"})
        console.press("d")
        submit_keeps(console)
        console.reads("added", "dialog[open]")
        console.press("Escape")
        assert "Dora" in names(server, home)
        console.push("Restore before", "document.querySelector('main')")
        ask(console)
        until(lambda: "Dora" not in names(server, home), 10)
    with checks("the clock moves by a button, and the top bar shows it"):
        console.go("worlds")
        console.push("Clock +2 h", "document.querySelector('main')")
        console.until("document.querySelector('.clock').textContent.includes('+2 h')")
    with checks("a new world is made, shown, and deleted"):
        console.press("n")
        console.until("document.querySelector('dialog[open] input') !== null")
        console.page.write("brief world")
        submit_keeps(console)
        console.reads("APP_SECRET", "dialog[open]")
        console.press("Escape")
        console.until("document.title.includes('brief world')")
        console.still()
        console.press("D", held=8)
        ask(console)
        until(lambda: "brief world" not in [one["name"] for one in server.control("GET", "/worlds")["worlds"]], 10)


def submit_keeps(console):
    """Submits a form after which another dialog opens."""
    console.until("document.querySelector('dialog[open] form') !== null")
    console.page.click("dialog[open] button[type=submit]")
    console.until("document.querySelector('dialog[open] form') === null")


def seeds(checks, server, console, home):
    with checks("a seed with five mistakes lists all five, each leads to its line, and nothing is loaded"):
        # After the deletion of a world the page goes to another one.
        time.sleep(1)
        console.go("worlds")
        console.until(f"location.hash.includes({json.dumps(home.facts['tenant_key'])})")
        console.push("Seed", "document.querySelector('main')")
        console.value(f"void (document.querySelector('textarea').value = {json.dumps(MISTAKES)}, document.querySelector('textarea').dispatchEvent(new Event('input')))")
        before = names(server, home)
        console.push("Apply", "document.querySelector('main')")
        console.until("document.querySelectorAll('#seed-result li').length > 0")
        lines = console.value("[...document.querySelectorAll('#seed-result li')].map(e => e.innerText)")
        assert len(lines) == 5, lines
        assert console.value("document.querySelector('textarea').getAttribute('aria-invalid')") == "true"
        console.page.click("#seed-result li button")
        assert "ada" in console.value("(t => t.value.slice(t.selectionStart, t.selectionEnd))(document.querySelector('textarea'))")
        assert names(server, home) == before
    with checks("a right seed is loaded"):
        seed = "larkspur: 1\nusers:\n  cleo: {name: Cleo}\n"
        console.value(f"void (document.querySelector('textarea').value = {json.dumps(seed)}, document.querySelector('textarea').dispatchEvent(new Event('input')))")
        console.still()
        console.push("Apply", "document.querySelector('main')")
        until(lambda: "Cleo" in names(server, home), 10)


def settings(checks, server, console, home):
    with checks("a setting is changed in a form, and others stay"):
        path = f"{home.path}/settings"
        server.control("PUT", path, {"forbidden_words": ["secret"]})
        console.page.loaded(lambda: console.send("Page.reload"))
        console.go("worlds")
        console.push("Settings", "document.querySelector('main')")
        console.push("Change", "document.querySelector('main')")
        console.fill("edit_ms", "250")
        submit(console)
        found = server.control("GET", path)
        assert (found["edit_ms"], found["forbidden_words"]) == (250, ["secret"]), found
    with checks("a wrong value is said at its field, which has the focus"):
        console.push("Change", "document.querySelector('main')")
        console.fill("edit_ms", "-1")
        console.page.click("dialog[open] button[type=submit]")
        console.until("document.querySelector('dialog[open] [aria-invalid=true]') !== null")
        assert console.value("document.activeElement.name") == "edit_ms"
        described = console.value("document.activeElement.getAttribute('aria-describedby').split(' ').map(id => document.getElementById(id)?.textContent).join(' ')")
        assert described.strip(), described
        console.press("Escape")


def limits(checks, server, console, home):
    with checks("a rule is made in a form, decides a call, and is counted"):
        console.go("faults")
        console.press("n")
        console.push("Refuse", "document.querySelector('dialog[open]')")
        console.fill("Name", "no tags")
        console.fill("Code", "99991400")
        console.fill("Operation", "im.v2.tag.*")
        submit(console)
        console.reads("no tags", ".lk-body")
        token = server.tenant_token(home.facts["app_id"], home.facts["app_secret"])
        answer = server.call("POST", "/open-apis/im/v2/tags", {"create_tag": {"tag_type": "tenant", "name": "x"}}, token)[2]
        assert answer["code"] == 99991400, answer
        console.reads("1 of 1 matching calls changed")
        server.control("DELETE", f"{home.path}/faults")
    with checks("the limits show the peak of an operation, and a factor changes them"):
        for number in range(7):
            server.call("POST", "/open-apis/im/v2/tags", {"create_tag": {"tag_type": "tenant", "name": f"tag {number}"}}, token)
        console.reads("im.v2.tag.create")
        console.reads("over")
        console.value("(s => { s.value = 'off'; s.dispatchEvent(new Event('change')) })([...document.querySelectorAll('main select')].find(e => e.ariaLabel === 'Limits of this world'))")
        until(lambda: server.control("GET", f"{home.path}/settings").get("rate_limits") == "off", 10)
