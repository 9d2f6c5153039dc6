"""Every action of the console's registry by button, by key, by curl and by command: the same entry in the traffic, ids aside.

The registry is `ACTIONS` of console/lib/api.js, and the page's types allow no other action. An action that is not in
the table fails; a way that does not exist stands in it with the reason.
"""

import json
import urllib.request
from dataclasses import dataclass, field
from typing import Callable

from websockets.sync.client import connect

import control
from console_bot import until
from console_hands import DETAIL, SIDE, four_ways
from console_page import Console
from webhooks import KEY, TOKEN, Receiver

ALT, SHIFT = 1, 8


@dataclass
class Act:
    """An action: what must be there, where it stands, and how it is done with the mouse and with the keyboard."""

    id: str
    screen: str
    # What the button is called, and within what it stands.
    button: str
    # A key with those that are held, or none: then Enter on the button that has the focus.
    key: tuple | str = ""
    within: str = "document.querySelector('main')"
    # Makes by the control API what must be there: ids by their names. The same is made for each way.
    make: Callable = lambda home: {}
    # What the address says beside the world.
    params: Callable = lambda home, ids: {}
    # Leads the page to where the button stands.
    show: Callable = lambda console, home, ids: None
    # What a dialog asks then.
    after: Callable = lambda console, hand: None
    # Why there is no such way.
    missing: dict = field(default_factory=dict)


# What dialogs ask.


def ask(console, hand):
    """Confirms what destroys: Cancel has the focus, the next stop does it."""
    console.until("document.querySelector('dialog[open] button.danger') !== null")
    assert console.value("!document.activeElement.classList.contains('danger')"), "what destroys has the focus"
    if hand.mouse:
        console.page.click("dialog[open] button.danger")
    else:
        console.press("Tab")
        console.press("Enter")
    console.until("document.querySelector('dialog[open] button.danger') === null")


def submit(console, hand, **values):
    """Fills a form in and sends it."""
    console.until("document.querySelector('dialog[open] form') !== null")
    for name, value in values.items():
        found = f"document.querySelector('dialog[open] [name={name}]')"
        if value is True:
            console.value(f"void ({found}.checked = true)")
        elif console.value(f"{found}.tagName") == "SELECT":
            console.value(f"void ({found}.value = {json.dumps(value)})")
        else:
            console.value(f"{found}.focus(), {found}.select()")
            console.page.write(value)
    console.value("window.form = document.querySelector('dialog[open] form'), 0")
    if hand.mouse:
        console.page.click("dialog[open] button[type=submit]")
    else:
        console.value("document.querySelector('dialog[open] button[type=submit]').focus()")
        console.press("Enter")
    console.until("!window.form.isConnected || !window.form.closest('dialog').open")


def filled(**values):
    return lambda console, hand: submit(console, hand, **values)


def once(console, hand):
    """After a secret was shown."""
    submit(console, hand)
    console.until("document.querySelector('dialog[open] pre') !== null")


def choose(console, hand):
    """The first reaction that is offered."""
    console.until("document.querySelector('dialog[open] .emoji button') !== null")
    if hand.mouse:
        console.page.click("dialog[open] .emoji button")
    else:
        console.press("Enter")


# What must be there.


def ada(home):
    return home.facts["users"][0]["user_id"]


def ben(home):
    return home.facts["users"][1]["user_id"]


def post(home, path, body, method="POST"):
    return home.server.control(method, f"{home.path}{path}", body)


def group(home, **more):
    """A chat of Ada's with the bot."""
    body = {"name": "Ways", "owner": ada(home), "members": [home.facts["app_id"]], **more}
    return {"chat_id": post(home, "/chats", body)["chat_id"]}


def with_ben(home):
    return group(home, members=[home.facts["app_id"], ben(home)])


def with_tabs(home):
    ids = group(home)
    for name in ("first", "second"):
        tabs = post(home, f"/chats/{ids['chat_id']}/tabs", {"as": ada(home), "tab_name": name, "target": "https://example.com"})["tabs"]
        ids[f"tab_{name}"] = tabs[-1]["tab_id"]
    return ids | {"tab_message": tabs[0]["tab_id"]}


def said(home, user=ada):
    chat = home.facts["chat_id"]
    return {"chat_id": chat, "message_id": post(home, f"/chats/{chat}/messages", {"as": user(home), "text": "hello"})["message_id"]}


def reacted(home):
    ids = said(home)
    return ids | {"reaction_id": post(home, f"/messages/{ids['message_id']}/reactions", {"as": ada(home), "emoji_type": "THUMBSUP"})["reaction_id"]}


def pinned(home):
    ids = said(home)
    post(home, f"/messages/{ids['message_id']}/pin", {"as": ada(home)}, "PUT")
    return ids


def unread(home):
    """A chat in which Ada has one thing to read."""
    ids = with_ben(home)
    return ids | {"message_id": post(home, f"/chats/{ids['chat_id']}/messages", {"as": ben(home), "text": "read this"})["message_id"]}


def card(home):
    ids, facts = group(home), home.facts
    button = {"tag": "button", "element_id": "approve", "text": {"tag": "plain_text", "content": "Approve"}, "behaviors": [{"type": "callback", "value": {"ok": True}}]}
    body = {"receive_id": ids["chat_id"], "msg_type": "interactive", "content": json.dumps({"schema": "2.0", "body": {"elements": [button]}})}
    token = home.server.tenant_token(facts["app_id"], facts["app_secret"])
    return ids | {"message_id": home.server.good("POST", "/open-apis/im/v1/messages?receive_id_type=chat_id", body, token)["message_id"]}


def event(home):
    body = {"chat_id": "oc_0", "after_change": {"name": "new"}, "before_change": {"name": "old"}}
    return {"event_id": post(home, "/events", {"app_id": home.facts["app_id"], "type": "im.chat.updated_v1", "event": body, "raw": True})["event_id"]}


def named(home, word):
    """A name that is new each time."""
    home.turn = getattr(home, "turn", 0) + 1
    return f"{word} {home.turn:03}"


def unused(home):
    return {"name": named(home, "way").replace(" ", "-")}


def hooked(home):
    """An app that is told by webhook."""
    events = {"mode": "webhook", "request_url": home.hook.url, "encrypt_key": KEY, "verification_token": TOKEN}
    name = named(home, "Hooked")
    return {"app_id": home.app(name=name, events=events)["app_id"], "app_name": name}


def connected(home):
    """An app with a long connection."""
    name = named(home, "Connected")
    made = home.app(name=name)
    keys = {"AppID": made["app_id"], "AppSecret": made["app_secret"]}
    status, _, answer = home.server.call("POST", "/callback/ws/endpoint", keys)
    assert status == 200 and answer["code"] == 0, answer
    home.sockets.append(connect(answer["data"]["URL"], proxy=None))
    return {"app_id": made["app_id"], "app_name": name}


def app(home):
    return {"app_id": home.app(name="Way", scopes=["im:chat"])["app_id"]}


def rule(home):
    name = named(home, "rule")
    post(home, "/faults", {"faults": [{"preset": "edge-502", "name": name}]}, "PUT")
    return {"rule_name": name, "fault_id": home.server.control("GET", f"{home.path}/faults")["faults"][0]["id"]}


def rules(home):
    name = named(home, "rule")
    post(home, "/faults", {"faults": [{"preset": "edge-502", "name": name}, {"preset": "slow-3s", "name": "other"}]}, "PUT")
    first, second = home.server.control("GET", f"{home.path}/faults")["faults"]
    return {"rule_name": name, "fault_first": first["id"], "fault_second": second["id"]}


def snapshot(home):
    for name in ("only", "loaded"):
        home.server.call("DELETE", f"/larkspur/v1{home.path}/snapshots/{name}", None, home.server.ready["control_key"])
    post(home, "/snapshots", {"name": "only"})
    return {}


def saved(home):
    """A snapshot as a file."""
    snapshot(home)
    address = f"{home.server.url}/larkspur/v1{home.path}/snapshots/only/file"
    asked = urllib.request.Request(address, headers={"Authorization": f"Bearer {home.server.ready['control_key']}"})
    with urllib.request.urlopen(asked, timeout=30) as answer:
        (home.server.home / "loaded.ndjson").write_bytes(answer.read())
    return {}


def world(home):
    made = home.server.control("POST", "/worlds", {"name": "Way"})
    return {"tenant_key": made["tenant_key"]}


def token(home):
    return {"token": home.user_token(home.facts["app_id"], home.facts["users"][0])}


def calls(home):
    """Two recorded calls, the latest first."""
    mine = home.server.tenant_token(home.facts["app_id"], home.facts["app_secret"])
    path = f"/open-apis/im/v1/chats/{home.facts['chat_id']}"
    a, b = [home.server.call("GET", path, None, mine)[1]["X-Tt-Logid"] for _ in range(2)]
    return {"log_a": a, "log_b": b}


# Where it stands.


def in_chat(home, ids):
    return {"chat": ids.get("chat_id", home.facts["chat_id"]), "as": ada(home)}


def at_message(console, home, ids):
    found = f"document.getElementById('m-{ids['message_id']}')"
    console.until(f"{found} !== null")
    console.still()
    console.value(f"document.querySelectorAll('[data-here]').forEach(e => delete e.dataset.here), {found}.dataset.here = '', {found}.focus(), 0")


def at_card(console, home, ids):
    at_message(console, home, ids)
    console.until("document.querySelector('[data-here] .card button') !== null")
    console.value("document.querySelector('[data-here] .card button').focus()")


def written(console, home, ids):
    console.until("document.querySelector('.say textarea') !== null")
    console.value("document.querySelector('.say textarea').focus()")
    console.page.write("it's here")


def details(console, home, ids):
    """What belongs to the chat is at its side."""
    console.until("document.querySelector('.chat-side .panel') !== null")


def anew(console, home, ids, **params):
    """As one finds it who has just opened the page: it knows what was made since."""
    console.page.loaded(lambda: console.send("Page.reload"))
    console.until("document.querySelector('main h1') !== null")
    console.still()


def at_app(console, home, ids):
    anew(console, home, ids)
    console.reads(ids.get("app_id", home.facts["app_id"]))


def at_event(console, home, ids):
    console.until("document.querySelectorAll('lk-list .lk-row:not([hidden])').length > 0")
    console.reads(ids["event_id"])
    console.value("document.querySelector('lk-list').focus()")


def at_receiver(console, home, ids):
    anew(console, home, ids)
    console.reads(ids["app_name"])
    console.value(f"[...document.querySelectorAll('.receiver')].forEach(e => {{ e.open = e.innerText.includes({json.dumps(ids['app_name'])}) }})")
    console.until("document.querySelector('.receiver[open] button') !== null")


def steered(action):
    return lambda console, hand: submit(console, hand, action=action)


def at_rules(console, home, ids):
    console.reads(ids["rule_name"], ".lk-body")


def tab_of(name):
    return lambda console, home, ids: (anew(console, home, ids), console.push(name, "document.querySelector('main')"))


SEED = "larkspur: 1\nusers:\n  cleo: {name: Cleo}\n"


def seeded(console, home, ids):
    anew(console, home, ids)
    console.push("Seed", "document.querySelector('main')")
    (home.server.home / "seed.yaml").write_text(SEED)
    console.value(f"(e => {{ e.value = {json.dumps(SEED)}; e.dispatchEvent(new Event('input')) }})(document.querySelector('main textarea'))")


def at_world(console, home, ids):
    console.page.loaded(lambda: console.send("Page.reload"))
    console.world = ids.get("tenant_key", home.facts["tenant_key"])
    console.go("worlds")


def pick_file(console, hand):
    """The file that the browser's own dialog asks for."""
    def opened():
        console.value("0")
        return [one for one in console.page.events if one["method"] == "Page.fileChooserOpened"]
    node = until(opened, 10)[-1]["params"]["backendNodeId"]
    console.send("DOM.setFileInputFiles", files=[str(console.server.home / "loaded.ndjson")], backendNodeId=node)
    console.page.events.clear()


def loads(console, home, ids):
    anew(console, home, ids)
    console.page.events.clear()
    console.send("Page.setInterceptFileChooserDialog", enabled=True)


def pasted(console, home, ids):
    console.value("(e => { e.focus(); e.select() })(document.querySelector('.login-grid textarea, .login-grid input'))")
    console.page.write(ids["token"])


def chosen(console, home, ids):
    console.reads(ids["log_b"], ".detail")
    console.still()


def two_marked(console, home, ids):
    console.go("traffic", operation="im.v1.chat.get")
    console.still()
    console.value("document.querySelector('lk-list').focus()")
    console.press("Home")
    console.chord("x j x")


def exported(console, hand):
    console.until("document.querySelector('dialog[open] pre') !== null")


MESSAGE = "document.querySelector('[data-here]')"
SHOWN_ONLY = {"button": "the screen reads it when it is shown", "key": "the screen reads it when it is shown"}


def people():
    """What people do in chats."""
    return [
        Act("chat.say", "chat", "Send", "Enter", show=written, params=in_chat),
        Act("message.click", "chat", "Approve", within=MESSAGE, make=card, show=at_card, params=in_chat),
        Act("message.react", "chat", "React", "e", MESSAGE, said, in_chat, at_message, choose),
        Act("message.unreact", "chat", "THUMBSUP", "", MESSAGE, reacted, in_chat, at_message),
        Act("message.pin", "chat", "Pin", "p", MESSAGE, said, in_chat, at_message),
        Act("message.unpin", "chat", "Unpin", "p", MESSAGE, pinned, in_chat, at_message),
        Act("message.recall", "chat", "Recall", "x", MESSAGE, said, in_chat, at_message, ask),
        Act("message.read", "chat", "Mark as read", "u", MESSAGE, unread, in_chat, at_message),
        Act("message.edit", "chat", "Edit", "w", MESSAGE, said, in_chat, at_message, filled(text="better")),
        Act("chat.create", "chat", "New chat", "n", params=in_chat, after=filled(name="Made")),
        Act("chat.member_put", "chat", "Add member", "a", SIDE, group, in_chat, details, submit),
        Act("chat.member_delete", "chat", "Remove Ben", "", SIDE, with_ben, in_chat, details, ask),
        Act("chat.tab_add", "chat", "Add tab", "+", SIDE, group, in_chat, details, filled(tab_name="Wiki", target="https://example.com/wiki")),
        Act("chat.tab_order", "chat", "Move second left", "", SIDE, with_tabs, in_chat, details),
        Act("chat.tab_delete", "chat", "Delete tab first", "", SIDE, with_tabs, in_chat, details, ask),
        Act("chat.messages", "chat", "", missing=SHOWN_ONLY, make=group, params=in_chat, show=details),
        Act("p2p.open", "chat", "Open p2p chat", "o", params=in_chat, after=submit),
        Act("app.menu_click", "chat", "Click bot menu", "b", SIDE, group, in_chat, details, filled(event_key="help")),
    ]


def told():
    """What is done with calls and events."""
    there = lambda home, ids: {"sel": ids.get("event_id") or ids["log_b"]}  # noqa: E731
    return [
        Act("traffic.replay", "traffic", "Replay", "r", DETAIL, calls, there, chosen),
        Act("traffic.export", "traffic", "As test", "t", DETAIL, calls, there, chosen, exported),
        Act("traffic.diff", "traffic", "Difference", "d", make=calls, show=two_marked),
        Act("traffic.clear", "traffic", "Clear", ("C", SHIFT), make=calls, after=ask),
        Act("event.list", "events", "", missing=SHOWN_ONLY, make=event, params=there, show=at_event),
        Act("event.resend", "events", "Resend", "r", DETAIL, event, there, at_event, submit),
        Act("event.send", "events", "Inject", "i", make=event, params=there, show=at_event, after=filled(raw=True)),
        Act("app.deliveries.put", "events", "Hold, drop, repeat…", "h", DETAIL, event, there, at_event, steered("drop")),
        Act("app.deliveries.delete", "events", "Hold, drop, repeat…", "h", DETAIL, event, there, at_event, steered("usual")),
        Act("app.events.challenge", "events", "Test the challenge", make=hooked, show=at_receiver, within="document.querySelector('.receiver[open]')"),
        Act("app.connections.delete", "events", "Disconnect", make=connected, show=at_receiver, within="document.querySelector('.receiver[open]')"),
    ]


def apps():
    own = lambda home, ids: {"sel": ids["app_id"]}  # noqa: E731
    return [
        Act("app.create", "apps", "New app", "n", after=filled(name="Made")),
        Act("app.update", "apps", "Switch the bot off", "b", make=app, params=own, show=at_app),
        Act("app.secret", "apps", "New secret", "s", make=app, params=own, show=at_app, after=ask),
        Act("app.token", "apps", "Make a token", "t", make=app, params=own, show=at_app, after=once),
        Act("app.sign_in.put", "apps", "Redirect URLs", "u", make=app, params=own, show=at_app, after=filled(redirect_uris="http://127.0.0.1:3000/back")),
        Act("app.ledger", "apps", "Export manifest", "m", make=app, params=own, show=at_app, after=exported),
        Act("user.token", "login", "Issue a token", "n", after=once),
        Act("token.inspect", "login", "Inspect", make=token, show=pasted),
        Act("token.revoke", "login", "Revoke: Ada", make=token, params=lambda home, ids: {"app": home.facts["app_id"]}, show=anew, after=ask),
    ]


def worlds():
    """What changes a world; what takes it away comes last."""
    return [
        Act("fault.add", "faults", "token-dropped", "1"),
        Act("fault.update", "faults", "Switch off", "t", make=rule, show=at_rules),
        Act("fault.order", "faults", "Move down", ("ArrowDown", ALT), make=rules, show=at_rules),
        Act("fault.delete", "faults", "Remove", "Delete", make=rule, show=at_rules),
        Act("fault.clear", "faults", "Clear all", ("X", SHIFT), make=rule, show=at_rules, after=ask),
        Act("world.settings.put", "worlds", "Change", show=tab_of("Settings"), after=filled(edit_ms="250")),
        Act("world.seed", "worlds", "Apply", show=seeded),
        Act("world.clock", "worlds", "Move the clock", "c", after=filled(advance="15s")),
        Act("world.snapshots.create", "worlds", "Snapshot", "s", make=unused, show=anew, after=lambda console, hand: submit(console, hand, name=hand.ids["name"])),
        Act("world.snapshots.diff", "worlds", "Compare", "d", make=snapshot, show=anew, after=submit),
        Act("world.snapshots.delete", "worlds", "Delete only", make=snapshot, show=anew, after=ask),
        Act("world.snapshots.upload", "worlds", "Load a file", make=saved, show=loads, after=pick_file),
        Act("world.snapshots.restore", "worlds", "Restore only", "o", make=snapshot, show=anew, after=lambda console, hand: restored(console, hand)),
        Act("world.reset", "worlds", "Reset", ("R", SHIFT), after=ask),
        Act("world.create", "worlds", "New world", "n", show=at_world, after=filled(name="Made")),
        Act("world.delete", "worlds", "Delete world", ("D", SHIFT), make=world, show=at_world, after=ask),
    ]


def restored(console, hand):
    """Of several snapshots the key asks which."""
    console.until("document.querySelector('dialog[open]') !== null")
    if console.value("document.querySelector('dialog[open] form') !== null"):
        submit(console, hand, name="only")
    ask(console, hand)


def run(checks, server, browser):
    home = control.fresh(server)
    home.sockets = []
    with Receiver() as home.hook, Console(server, browser, world=home.facts["tenant_key"]) as console:
        console.quiet = 0.15
        table = [*people(), *told(), *apps(), *worlds()]
        with checks("every action of the page's registry is in the table, and nothing else"):
            registry = console.value("import('/larkspur/console/lib/api.js').then(api => [...api.ACTIONS])", wait=True)
            assert sorted(act.id for act in table) == sorted(registry), set(registry) ^ {act.id for act in table}
            assert all(why for act in table for why in act.missing.values())
        for act in table:
            with checks(f"{act.id}: button, key, curl and command make the same call"):
                four_ways(console, home, act)
    for socket in home.sockets:
        socket.close()
    for one in server.control("GET", "/worlds")["worlds"]:
        if one["name"] in ("Way", "Made"):
            server.control("DELETE", f"/worlds/{one['tenant_key']}")
    home.delete()
