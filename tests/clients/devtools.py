"""A browser without a screen, driven over its DevTools protocol; a person's actions use mouse and keyboard."""

import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

from websockets.sync.client import connect

# Nothing but the pages under test is loaded.
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--no-default-browser-check",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-default-apps",
    "--disable-extensions", "--no-proxy-server", "--remote-debugging-port=0",
)
KEYS = {
    "Tab": 9, "Enter": 13, "Escape": 27, " ": 32, "End": 35, "Home": 36, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39,
    "ArrowDown": 40, "Delete": 46,
}
ALT, CONTROL, META, SHIFT = 1, 2, 4, 8


class Browser:
    """Chromium with a profile of its own."""

    def __enter__(self):
        program = shutil.which("chromium") or shutil.which("chromium-browser")
        if not program:
            raise SystemExit("there is no chromium: cargo xtask setup")
        self.folder = tempfile.TemporaryDirectory(prefix="larkspur-browser-", ignore_cleanup_errors=True)
        self.process = subprocess.Popen(
            [program, *FLAGS, f"--user-data-dir={self.folder.name}", "about:blank"], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )
        place = Path(self.folder.name) / "DevToolsActivePort"
        deadline = time.monotonic() + 60
        while not (place.exists() and place.read_text().count("\n")):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("chromium does not start")
            time.sleep(0.02)
        self.port = int(place.read_text().splitlines()[0])
        return self

    def __exit__(self, *error):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.folder.cleanup()

    def page(self, width=1280, height=800, phone=False):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/json/new?about:blank", method="PUT")
        with urllib.request.urlopen(request, timeout=30) as answer:
            return Page(json.load(answer)["webSocketDebuggerUrl"], width, height, phone)


class Page:
    """A tab of a given size."""

    def __init__(self, address, width, height, phone):
        self.socket = connect(address, max_size=None, open_timeout=30, proxy=None)
        self.last = 0
        # Since the last load, and of all time.
        self.events, self.history = [], []
        for domain in ("Page", "Network", "Runtime", "Accessibility"):
            self.send(f"{domain}.enable")
        self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=2 if phone else 1, mobile=phone
        )

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.socket.close()

    def read(self):
        told = json.loads(self.socket.recv(timeout=30))
        if "method" in told:
            self.events.append(told)
            self.history.append(told)
        return told

    def send(self, method, **params):
        self.last += 1
        self.socket.send(json.dumps({"id": self.last, "method": method, "params": params}))
        while (told := self.read()).get("id") != self.last:
            pass
        assert "error" not in told, (method, told["error"])
        return told["result"]

    def loaded(self, act):
        """Performs an action that loads another page, and waits for it."""
        self.events.clear()
        result = act()
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self.read()
        return result

    def open(self, address):
        self.loaded(lambda: self.send("Page.navigate", url=address))

    def value(self, expression, wait=False):
        """The value of an expression; with `wait`, of the promise that it is."""
        result = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=wait)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def until(self, expression, patience=10):
        """Waits until an expression is true: its value."""
        deadline = time.monotonic() + patience
        while not (found := self.value(expression)):
            assert time.monotonic() < deadline, (expression, self.value("document.body.innerText")[:3000])
            time.sleep(0.02)
        return found

    @property
    def address(self):
        return self.value("location.href")

    @property
    def status(self):
        """The HTTP status of the current document."""
        answers = [event["params"] for event in self.events if event["method"] == "Network.responseReceived"]
        return [answer["response"]["status"] for answer in answers if answer["type"] == "Document"][-1]

    def sees(self):
        """What a screen reader sees: (role, name) of everything that is not ignored."""
        nodes = self.send("Accessibility.getFullAXTree")["nodes"]
        shown = [node for node in nodes if not node["ignored"]]
        return [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in shown]

    def click(self, selector, find=lambda: None):
        """A click with the mouse on the middle of an element, when it no longer moves. `find` makes the selector find it, again if the
        page was drawn anew, and says what is there if it is not."""
        box = None
        for _ in range(100):
            missing = find()
            before, box = box, None if missing else self.middle(selector)
            if box is not None and box == before:
                break
            time.sleep(0.05)
        else:
            raise AssertionError((selector, missing or "not there, or never at rest"))
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], button="left", clickCount=1)

    def middle(self, selector):
        """The middle of an element that is in sight; none if there is no such element."""
        return self.value(
            f"(e => {{ if (!e) return null; e.scrollIntoView({{block: 'center'}}); const b = e.getBoundingClientRect();"
            f" return [b.x + b.width / 2, b.y + b.height / 2] }})(document.querySelector({json.dumps(selector)}))"
        )

    def press(self, key, held=0):
        """A key, pressed and released, with others held."""
        text = {"text": "\r"} if key == "Enter" else {"text": key} if len(key) == 1 and held in (0, SHIFT) else {}
        named = KEYS.get(key) or (ord(key.upper()) if key.isalnum() else 0)
        letter = f"Key{key.upper()}" if key.isalpha() and len(key) == 1 else f"Digit{key}" if key.isdigit() else key
        code = {"key": key, "code": "Space" if key == " " else letter, "windowsVirtualKeyCode": named, "modifiers": held}
        self.send("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", **code, **text)
        self.send("Input.dispatchKeyEvent", type="keyUp", **code)

    def write(self, text):
        """Text, as if it were typed or pasted where the focus is."""
        self.send("Input.insertText", text=text)

    def picture(self, name, folder=None):
        """Saves a screenshot in a folder, by default in the one that SCREENSHOTS names, if it is set."""
        if folder := folder or os.environ.get("SCREENSHOTS"):
            data = self.send("Page.captureScreenshot", captureBeyondViewport=True)["data"]
            (Path(folder) / f"{name}.png").write_bytes(base64.b64decode(data))
