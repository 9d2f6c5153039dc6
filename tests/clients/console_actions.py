"""Every action by button, by key, by curl and by command: the same call each time, ids aside."""

import json
import re
import subprocess
from dataclasses import dataclass, field
from typing import Callable

import control
from console_bot import until
from console_page import Console
from harness import environment, program

SHIFT = 8
# Ids and times differ between calls that are the same.
ID = re.compile(r"\b(o[cmu]_[0-9a-z]+|cli_[0-9a-f]{16}|f_\d+|20\d{22,}[0-9A-F]*|[0-9a-f]{32}|at-\d+)\b")


@dataclass
class Act:
    """An action: what it calls, where it stands, and how it is done with the mouse and with a key."""

    name: str
    operation: str
    screen: str
    button: str
    keys: str
    before: Callable = lambda console, home: None
    after: Callable = lambda console: None
    held: int = 0
    params: dict = field(default_factory=dict)


def ask(console):
    """Confirms what destroys: Cancel has the focus, the next stop does it."""
    console.until("document.querySelector('dialog[open] button.danger') !== null")
    console.press("Tab")
    console.press("Enter")


def submit(console):
    console.until("document.querySelector('dialog[open] form') !== null")
    console.page.click("dialog[open] button[type=submit]")
    console.until("document.querySelector('dialog[open]') === null")


def restored(console):
    """Of several snapshots, the key asks which; the newest is proposed."""
    console.until("document.querySelector('dialog[open]') !== null")
    if console.value("document.querySelector('dialog[open] form') !== null"):
        console.page.click("dialog[open] button[type=submit]")
    ask(console)


def one_rule(console, home):
    """One rule, which the page shows; its name is new each time."""
    home.rules = getattr(home, "rules", 0) + 1
    name = f"rule {home.rules}"
    home.server.control("PUT", f"{home.path}/faults", {"faults": [{"preset": "edge-502", "name": name}]})
    console.until(f"document.querySelector('.lk-body')?.innerText.includes({json.dumps(name)})")


def no_rule(console, home):
    home.server.control("DELETE", f"{home.path}/faults")


def marked_scope(console, home):
    """The app holds im:chat, and it is marked in the ledger."""
    app = home.facts["app_id"]
    home.server.control("PUT", f"{home.path}/apps/{app}", {"scopes": ["im:chat", "im:message"], "bot": True})
    console.page.loaded(lambda: console.send("Page.reload"))
    console.go("apps", sel=app)
    console.until("document.querySelectorAll('.panel lk-list .lk-row:not([hidden])').length > 1")
    console.still()
    console.value("document.querySelector('.panel lk-list').focus()")
    console.press("Home")
    for _ in range(20):
        if console.value("document.querySelector('.panel .lk-row[aria-selected=true]')?.innerText.startsWith('im:chat\\n')"):
            break
        console.press("ArrowDown")


def has_snapshot(console, home):
    home.server.call("DELETE", f"/larkspur/v1{home.path}/snapshots/only", None, home.server.ready["control_key"])
    home.server.control("POST", f"{home.path}/snapshots", {"name": "only"})
    console.page.loaded(lambda: console.send("Page.reload"))
    console.go("worlds")
    console.reads("only")


def advance(console):
    console.until("document.querySelector('dialog[open] input') !== null")
    console.value("document.activeElement.select()")
    console.page.write("15s")
    console.press("Enter")
    console.until("document.querySelector('dialog[open]') === null")


def written(console, home):
    console.until("document.querySelector('.say textarea') !== null")
    console.value("document.querySelector('.say textarea').focus()")
    console.page.write("hello")


def card_there(console, home):
    """A card with a button is in the chat, and the button has the focus."""
    server, facts = home.server, home.facts
    button = {"tag": "button", "element_id": "approve", "text": {"tag": "plain_text", "content": "Approve"}, "behaviors": [{"type": "callback", "value": {"ok": True}}]}
    body = {"receive_id": facts["chat_id"], "msg_type": "interactive", "content": json.dumps({"schema": "2.0", "body": {"elements": [button]}})}
    token = server.tenant_token(facts["app_id"], facts["app_secret"])
    sent = server.good("POST", "/open-apis/im/v1/messages?receive_id_type=chat_id", body, token)["message_id"]
    found = f"document.getElementById('m-{sent}')?.querySelector('.card button')"
    console.until(f"{found} != null")
    # The button of the mouse's click is told from those of older cards.
    console.value(f"document.querySelectorAll('.card button').forEach(e => e.setAttribute('aria-label', 'old')), {found}.removeAttribute('aria-label'), {found}.focus()")


def opened_event(console, home):
    app = home.facts["app_id"]
    event = {"chat_id": "oc_0", "after_change": {"name": "new"}, "before_change": {"name": "old"}}
    home.server.control("POST", f"{home.path}/events", {"app_id": app, "type": "im.chat.updated_v1", "event": event, "raw": True})
    console.until("document.querySelectorAll('lk-list .lk-row:not([hidden])').length > 0")
    console.value("document.querySelector('lk-list').focus()")
    console.press("Home")
    console.press("Enter")
    console.until("document.querySelector('.detail .actions') !== null")


def acts(home):
    chat = {"chat": home.facts["chat_id"]}
    return [
        Act("say", "chat.say", "chat", "Send", "Enter", before=written, params=chat),
        Act("click a card", "message.click", "chat", "Approve", "Enter", before=card_there, params=chat),
        Act("resend an event", "event.resend", "events", "Resend", "r", before=opened_event, after=submit),
        Act("inject an event", "event.send", "events", "Inject", "i", before=opened_event, after=submit),
        Act("switch a bot off", "app.update", "apps", "Switch the bot off", "b", before=marked_scope),
        Act("revoke a scope", "app.update", "apps", "Revoke im:chat", "-", before=marked_scope),
        Act("export a manifest", "app.ledger", "apps", "Export manifest", "m", after=lambda console: console.press("Escape")),
        Act("add a preset", "fault.add", "faults", "token-dropped", "1", before=no_rule),
        Act("switch a rule off", "fault.update", "faults", "Switch off", "t", before=one_rule),
        Act("remove a rule", "fault.delete", "faults", "Remove", "Delete", before=one_rule),
        Act("clear the rules", "fault.clear", "faults", "Clear all", "X", before=one_rule, after=ask, held=SHIFT),
        Act("move the clock", "world.clock", "worlds", "Move the clock", "c", after=advance),
        Act("take a snapshot", "world.snapshots.create", "worlds", "Snapshot", "s", after=submit),
        Act("restore a snapshot", "world.snapshots.restore", "worlds", "Restore only", "o", before=has_snapshot, after=restored),
        Act("reset the world", "world.reset", "worlds", "Reset", "R", after=ask, held=SHIFT),
    ]


def run(checks, server, browser):
    home = control.fresh(server)
    with Console(server, browser, world=home.facts["tenant_key"]) as console:
        for act in acts(home):
            with checks(f"{act.name}: button, key, curl and command make the same call"):
                pressed = done(console, home, act, lambda: console.push(act.button, "document.querySelector('main')"))
                keyed = done(console, home, act, lambda: console.press(act.keys, held=act.held))
                assert pressed == keyed, (pressed, keyed)
                for form in ("curl", "cli"):
                    console.go(act.screen, **act.params)
                    act.before(console, home)
                    assert printed(console, home, act, form) == pressed, form
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


def done(console, home, act, do):
    """Does it, and waits for its call."""
    console.go(act.screen, **act.params)
    act.before(console, home)
    console.still()
    mark = newest(home, act.operation)
    do()
    act.after(console)
    return call_after(home, act.operation, mark)


def newest(home, operation):
    calls = home.server.control("GET", f"{home.path}/traffic?kind=control&operation=larkspur.v1.{operation}&limit=1")["entries"]
    return calls[0]["seq"] if calls else 0


def call_after(home, operation, mark):
    """The first call of an operation after another one, without its ids."""
    path = f"{home.path}/traffic?kind=control&operation=larkspur.v1.{operation}&limit=10"

    def found():
        later = [call for call in home.server.control("GET", path)["entries"] if call["seq"] > mark]
        return later and later[-1]

    entry = home.server.control("GET", f"{home.path}/traffic/{until(found, 10)['log_id']}")
    request = entry["request"]
    same = {"method": entry["method"], "path": entry["path"], "query": request.get("query", ""), "body": request.get("body"), "code": entry.get("code")}
    home.raw = entry
    return json.loads(ID.sub("ID", json.dumps(same, sort_keys=True)))


def printed(console, home, act, form):
    """Runs what the page prints for the call that was made last, with this form: the call that it makes."""
    request = home.raw["request"]
    query = dict(pair.split("=", 1) for pair in request.get("query", "").split("&") if pair)
    action = {"id": home.raw["operation"], "method": home.raw["method"], "path": fresh(console, home, act, home.raw["path"]), "query": query, "text": "app.copy"}
    if request.get("body") not in (None, ""):
        action["body"] = fresh(console, home, act, request["body"])
    line = console.value(f"import('/larkspur/console/lib/api.js').then(api => api.{form}({json.dumps(action)}))", wait=True)
    mark = newest(home, act.operation)
    run_line(home, line)
    return call_after(home, act.operation, mark)


def fresh(console, home, act, value):
    """The same with the id of the rule that is there now, and with another name for another snapshot."""
    rules = home.server.control("GET", f"{home.path}/faults")["faults"]
    text = json.dumps(value)
    if rules:
        text = re.sub(r"f_\d+", rules[0]["id"], text)
    if act.operation == "world.snapshots.create":
        home.turn = getattr(home, "turn", 0) + 1
        text = re.sub(r"at-\d+", f"at-{home.turn:06}", text)
    return json.loads(text)


def run_line(home, line):
    """Runs a line in a shell that has the program, its ready file and the control key."""
    server = home.server
    variables = environment(CONTROL_KEY=server.ready["control_key"]) | {"LARKSPUR_READY_FILE": str(server.ready_path)}
    script = f'larkspur() {{ "{program()}" "$@"; }}\n{line}'
    result = subprocess.run(["bash", "-c", script], cwd=server.home, env=variables, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, (line, result.stdout, result.stderr)
    return result.stdout


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
