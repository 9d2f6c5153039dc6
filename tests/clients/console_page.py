"""The console in a tab, as a person and a screen reader use it."""

import json
import os
import time
from urllib.parse import urlencode, urlsplit

from harness import HERE, ROOT, Server

SCREENS = ("chat", "traffic", "events", "apps", "faults", "worlds", "login", "coverage")
# To work on the page without a new program: CONSOLE_DIR=console.
FLAGS = ["--console-dir", os.environ["CONSOLE_DIR"]] if os.environ.get("CONSOLE_DIR") else []
AXE = HERE / "node/node_modules/axe-core/axe.min.js"
WATCH = "window.violations = []; addEventListener('securitypolicyviolation', e => violations.push(e.violatedDirective + ' ' + e.blockedURI))"


def server(*flags, **settings):
    return Server(*FLAGS, *flags, **settings)


def link(server):
    """A link that works once."""
    return server.control("POST", "/console/links")["url"]


class Console:
    """A tab with the console, signed in, in the demo world or another one."""

    def __init__(self, server, browser, width=1280, height=800, language="en", theme="light", world=None, address=None, signed_in=True):
        self.server, self.browser = server, browser
        self.world = world or server.ready["tenant_key"]
        # How long nothing must have changed, in seconds.
        self.quiet = 0.3
        self.page = browser.page(width, height, width < 600)
        self.send, self.value, self.until, self.press = self.page.send, self.page.value, self.page.until, self.page.press
        self.send("Log.enable")
        self.send("Page.addScriptToEvaluateOnNewDocument", source=WATCH)
        self.theme(theme)
        if signed_in:
            self.open(address or link(server), language)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.page.socket.close()

    def open(self, address, language="en"):
        """Opens an address; the language is part of it, so that a test does not depend on the machine."""
        parts = urlsplit(address)
        self.page.open(parts._replace(query=f"lang={language}").geturl())
        self.until("document.querySelector('main h1') !== null")

    def theme(self, theme):
        self.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme}])

    def go(self, screen, **params):
        """Shows a screen of the world, and waits until it is still."""
        more = f"?{urlencode(params)}" if params else ""
        wanted = f"#/w/{self.world}/{screen}{more}"
        self.value("document.querySelectorAll('dialog[open]').forEach(dialog => dialog.close())")
        self.value(f"void (location.hash = {json.dumps(wanted)})")
        shown = "document.querySelector('main h1')?.textContent === document.querySelector('nav a[aria-current] span')?.textContent"
        self.until(f"document.querySelector('nav a[aria-current]')?.hash.includes('/{screen}') && {shown}")
        self.still()

    def still(self, quiet=None, patience=8):
        """Waits until the page has not changed for a moment."""
        quiet = quiet or self.quiet
        self.value(
            "window.changes ??= (o => { o.n = 0; new MutationObserver(all => { o.n += all.filter(m => !m.target.closest?.('.clock, .stream')"
            " && !m.target.parentElement?.closest('.clock, .stream')).length })"
            ".observe(document.body, {subtree: true, childList: true, characterData: true}); return o })({}), 0"
        )
        deadline, seen, since = time.monotonic() + patience, -1, time.monotonic()
        while time.monotonic() - since < quiet:
            now = self.value("changes.n")
            if now != seen:
                seen, since = now, time.monotonic()
            assert time.monotonic() < deadline, "the page is never still"
            time.sleep(0.05)

    def text(self, selector="main"):
        return self.value(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''")

    def reads(self, words, selector="main", patience=10):
        """Waits until the page shows words."""
        self.until(f"(document.querySelector({json.dumps(selector)})?.innerText ?? '').includes({json.dumps(words)})", patience)

    def push(self, name, within="document"):
        """Presses a button, a tab or a link by what it is called: its label, or its words without the key."""
        self.page.click("[data-pushed]", lambda: self.mark(name, within))

    def focus_on(self, name, within="document"):
        """Puts the focus on what [`push`] would press."""
        # It may be drawn anew in between.
        for _ in range(50):
            missing = self.mark(name, within)
            if not missing and self.value("(e => e !== null && (e.focus(), true))(document.querySelector('[data-pushed]'))"):
                return
            time.sleep(0.05)
        raise AssertionError((name, missing))

    def mark(self, name, within):
        """Marks what is called so. Returns what there is if there is no such thing; else nothing."""
        mark = json.dumps(name)
        return self.value(
            "(() => { const all = [..." + within + ".querySelectorAll('button, a, [role=tab], [role=option], summary')].filter(e => e.getClientRects().length);"
            " const words = e => { const copy = e.cloneNode(true); copy.querySelectorAll('kbd, [aria-hidden=true]').forEach(k => k.remove()); return copy.textContent.trim() };"
            f" const one = all.find(e => e.getAttribute('aria-label') === {mark} || words(e) === {mark}) ?? all.find(e => (e.getAttribute('aria-label') ?? words(e)).startsWith({mark}));"
            " if (!one) return 'only: ' + all.map(words).join(' | '); document.querySelectorAll('[data-pushed]').forEach(e => delete e.dataset.pushed);"
            " one.dataset.pushed = ''; return '' })()"
        )

    def fill(self, name, text):
        """Writes into a field by its label."""
        found = self.value(
            f"(() => {{ const name = {json.dumps(name)}; const label = [...document.querySelectorAll('label')].find(e => e.textContent.startsWith(name));"
            " const field = label ? document.getElementById(label.htmlFor) : document.querySelector(`[aria-label=\"${name}\"]`);"
            " if (!field) return false; field.focus(); field.select?.(); return true })()"
        )
        assert found, (name, self.value("[...document.querySelectorAll('label')].map(e => e.textContent).join(' | ')"))
        self.page.write(text)

    def chord(self, keys):
        """Keys one after another, such as `g a`."""
        for key in keys.split():
            self.press(key)

    def complaints(self):
        """What the browser complained about: errors, violations of the policy, and requests that left this machine."""
        told = []
        for event in self.page.history:
            kind, params = event["method"], event["params"]
            if kind == "Runtime.exceptionThrown":
                told.append(params["exceptionDetails"].get("exception", {}).get("description", params["exceptionDetails"]["text"]))
            elif kind == "Runtime.consoleAPICalled" and params["type"] in ("error", "assert"):
                told.append([argument.get("value", argument.get("description")) for argument in params["args"]])
            elif kind == "Log.entryAdded" and params["entry"]["level"] == "error":
                told.append((params["entry"]["text"], params["entry"].get("url")))
            elif kind == "Page.javascriptDialogOpening":
                told.append(("a dialog of a script", params["message"]))
            elif kind == "Network.requestWillBeSent":
                host = urlsplit(params["request"]["url"]).hostname
                if host not in (None, "", "127.0.0.1"):
                    told.append(("a request left this machine", params["request"]["url"]))
        return told + self.value("window.violations ?? []")

    def axe(self):
        return axe(self.page)

    def nameless(self):
        """Controls that a screen reader cannot name."""
        roles = {"button", "link", "textbox", "combobox", "checkbox", "radio", "tab", "searchbox", "spinbutton", "listbox", "grid", "meter", "switch", "slider"}
        return [role for role, name in self.page.sees() if role in roles and not name.strip()]

    def sideways(self):
        """How far the page scrolls sideways, in pixels."""
        return self.value("document.scrollingElement.scrollWidth - window.innerWidth")

    def picture(self, name):
        folder = ROOT / "target/console"
        folder.mkdir(parents=True, exist_ok=True)
        self.page.picture(name, folder)


def expected(complaint):
    """Whether the browser only tells of an answer that is no success."""
    return isinstance(complaint, (list, tuple)) and "Failed to load resource" in str(complaint[0])


def axe(page):
    """What axe finds against WCAG 2.2 A and AA."""
    if not page.value("typeof axe !== 'undefined'"):
        page.value(AXE.read_text(encoding="utf-8") + ";0")
    return page.value(
        "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'], resultTypes: ['violations']})"
        ".then(r => r.violations.map(v => [v.id, v.nodes.slice(0, 4).map(n => n.html.slice(0, 200) + ' ' + (n.any[0]?.message ?? n.all[0]?.message ?? ''))]))",
        wait=True,
    )
