"""How an action of the console is done by button, by key, by curl and by command, and which call each of them makes."""

import json
import re
import subprocess
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from console_bot import until
from harness import environment, program

# Ids and times differ between calls that are the same.
ID = re.compile(r"\b(o[cmu]_[0-9a-z]+|cli_[0-9a-f]{16}|f_\d+|20\d{22,}[0-9A-F]*|[0-9a-f]{32}|\d{19}|at-\d+)\b")
# What the recorder keeps of a secret.
TAIL = re.compile(r"…[\w.-]{4}")
# Calls on what is recorded are not recorded, nor are worlds made and deleted: of these, what the browser, curl and the
# program send is compared.
UNRECORDED = {
    "traffic.replay": ("POST", r"/traffic/\w+/replay"), "traffic.export": ("POST", "/traffic/export"), "traffic.diff": ("GET", "/traffic/diff"),
    "traffic.clear": ("DELETE", "/traffic"), "world.create": ("POST", "/worlds"), "world.delete": ("DELETE", r"/worlds/\w+"),
}
# Where details stand.
SIDE = "document.querySelector('.chat-side')"
DETAIL = "document.querySelector('.detail')"


class Hand:
    """The mouse, or the keyboard."""

    def __init__(self, console, mouse, ids):
        self.console, self.mouse, self.ids = console, mouse, ids

    def push(self, name, within="document"):
        if self.mouse:
            return self.console.push(name, within)
        self.console.focus_on(name, within)
        return self.console.press("Enter")

    def do(self, act):
        if self.mouse or not act.key:
            return self.push(act.button, act.within)
        key, held = act.key if isinstance(act.key, tuple) else (act.key, 0)
        return self.console.press(key, held=held)


def four_ways(console, home, act):
    made = {}
    for way, mouse in (("button", True), ("key", False)):
        ids = begun(console, home, act)
        if way in act.missing:
            continue
        hand = Hand(console, mouse, ids)
        console.still()
        mark = marked(console, home, act)
        try:
            hand.do(act)
            act.after(console, hand)
            made[way] = same(until(lambda: sent(console, act, mark), 10) if act.id in UNRECORDED else call_after(home, act.id, mark), ids)
        except AssertionError as error:
            raise AssertionError(f"by {way}: {error}") from error
        # What the answer opens is closed before the next way.
        console.still()
    for way, line in zip(("curl", "command"), lines_of(console, act, bool(made))):
        fresh = act.make(home)
        for name, value in ids.items():
            line = line.replace(value, fresh[name])
        if act.id in UNRECORDED:
            with Mirror(home.server) as mirror:
                run_line(home, line.replace(home.server.url, mirror.url), fresh, mirror)
                made[way] = same(mirror.calls[-1], fresh)
            continue
        mark = marked(console, home, act)
        run_line(home, line, fresh)
        made[way] = same(call_after(home, act.id, mark, line), fresh)
    first = next(iter(made.values()))
    assert all(call == first for call in made.values()), made


def begun(console, home, act):
    """Makes what must be there, and leads the page to it."""
    console.world = home.facts["tenant_key"]
    ids = act.make(home)
    console.go(act.screen, **act.params(home, ids))
    act.show(console, home, ids)
    return ids


def marked(console, home, act):
    """Where the calls that come next begin."""
    if act.id in UNRECORDED:
        return len(console.page.history)
    calls = home.server.control("GET", f"/traffic?kind=control&operation=larkspur.v1.{act.id}&limit=1")["entries"]
    return calls[0]["seq"] if calls else 0


def call_after(home, operation, mark, by=None):
    """The first call of an operation after another one: of the page, or of a line."""
    path = f"/traffic?kind=control&operation=larkspur.v1.{operation}&limit=20"

    def found():
        later = [call for call in home.server.control("GET", path)["entries"] if call["seq"] > mark]
        for call in reversed(later):
            entry = home.server.control("GET", f"/traffic/{call['log_id']}")
            agent = {name.lower(): value for name, value in entry["request"]["headers"]}.get("user-agent", "")
            if ("Mozilla" in agent) == (by is None):
                return entry
        return None

    entry = until(found, 10)
    request = entry["request"]
    return {"method": entry["method"], "path": entry["path"], "query": request.get("query", ""), "body": request.get("body"), "code": entry.get("code")}


def sent(console, act, mark):
    """The call that the browser has sent since."""
    console.value("0")
    asked = [event["params"]["request"] for event in console.page.history[mark:] if event["method"] == "Network.requestWillBeSent"]
    verb, path = UNRECORDED[act.id]
    for one in asked:
        address = urlsplit(one["url"])
        if one["method"] == verb and re.search(f"{path}$", address.path):
            return told_of(verb, address, one.get("postData"))
    return None


def told_of(method, address, body):
    return {"method": method, "path": address.path, "query": address.query, "body": json.loads(body) if body else None}


class Mirror:
    """Stands before the server, and notes what is asked of it."""

    def __init__(self, server):
        mirror, self.calls = self, []

        class Handler(BaseHTTPRequestHandler):
            def pass_on(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if "/worlds" in self.path:
                    mirror.calls.append(told_of(self.command, urlsplit(self.path), body))
                kept = {name: value for name, value in self.headers.items() if name.title() in ("Authorization", "Content-Type")}
                asked = urllib.request.Request(server.url + self.path, body or None, kept, method=self.command)
                with urllib.request.urlopen(asked, timeout=30) as answer:
                    data = answer.read()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_DELETE = pass_on

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.ready_path = server.home / "mirror.json"
        self.ready_path.write_text(json.dumps(server.ready | {"base_url": self.url}))

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.server.shutdown()
        self.server.server_close()


def same(call, ids):
    """A call without what differs from one time to the next."""
    call = call | {"query": "&".join(sorted(call["query"].split("&")))}
    text = json.dumps(call, sort_keys=True, ensure_ascii=False)
    for name, value in ids.items():
        text = text.replace(value, f"<{name}>")
    return json.loads(TAIL.sub("…", ID.sub("ID", text)))


def lines_of(console, act, pressed):
    """What the page prints for what was done last, or for what it shows: a curl line and a command."""
    if pressed:
        done = "import('/larkspur/console/lib/api.js').then(api => [api.lastDone().id, api.curl(api.lastDone()), api.cli(api.lastDone())])"
        done_id, *lines = console.value(done, wait=True)
        assert done_id == act.id, (done_id, "was done last")
        return lines
    lines = []
    for form in ("curl", "CLI"):
        within = SIDE if act.screen == "chat" else DETAIL
        if act.screen != "chat":
            console.push("As code", within)
        console.push(form, within)
        lines.append(console.value(f"[...{within}.querySelectorAll('.as-code pre')].at(-1).innerText"))
    return lines


def run_line(home, line, values=None, place=None):
    """Runs a line in a shell that has the program, its ready file, the control key, and secrets by their names."""
    server = home.server
    secrets = {name.upper(): value for name, value in (values or {}).items()}
    variables = environment(**secrets, CONTROL_KEY=server.ready["control_key"]) | {"LARKSPUR_READY_FILE": str((place or server).ready_path)}
    script = f'larkspur() {{ "{program()}" "$@"; }}\n{line}'
    result = subprocess.run(["bash", "-c", script], cwd=server.home, env=variables, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, (line, result.stdout, result.stderr)
    return result.stdout
