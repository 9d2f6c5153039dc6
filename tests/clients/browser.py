"""The authorize page in a real browser: pick a user, deny, and everything that must not lead back to the app."""

import base64
import hashlib
import html
import http.server
import json
import threading
from urllib.parse import parse_qs, urlencode, urlsplit

import control
from console_page import axe
from devtools import Browser
from harness import Server

AUTHORIZE = "/open-apis/authen/v1/authorize"
TOKEN = "/open-apis/authen/v2/oauth/token"
# Characters that a query, HTML or a header could corrupt.
STATE = "a b+c&d=e;%2F%zz#\"'<b>\\ \u00e9\u6f22\U0001f600 end"


class Callback(threading.Thread):
    """The app's redirect address: it records visits."""

    def __init__(self):
        super().__init__(daemon=True)
        visits = self.visits = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                if self.path.startswith("/cb"):
                    visits.append(self.path)
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(b"<!doctype html><title>app</title>signed in")

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}/cb"

    def run(self):
        self.server.serve_forever()

    def last(self):
        """The parameters of the latest visit."""
        assert self.visits, "no redirect came back"
        return parse_qs(urlsplit(self.visits.pop()).query, strict_parsing=True)


class Journey:
    """A browser on the page of the demo world's app."""

    def __init__(self, server, page, back):
        self.server, self.page, self.back, self.ready = server, page, back, server.ready
        self.world = control.demo(server)

    def open(self, **more):
        asked = {"client_id": self.ready["app_id"], "response_type": "code", "redirect_uri": self.back.address}
        asked |= {"lang": "en", **more}
        self.page.open(f"{self.server.url}{AUTHORIZE}?{urlencode({name: value for name, value in asked.items() if value})}")

    def allow(self, user=0, **more):
        """Signs in with the mouse: the code."""
        self.open(**more)
        self.page.click(self.choice(user))
        self.page.loaded(lambda: self.page.click("button[value=allow]"))
        return self.back.last()["code"][0]

    def choice(self, user):
        return f"input[value$='/{self.ready['users'][user]['user_id']}']"

    def exchange(self, code, **more):
        secret = {name.replace("app", "client"): self.ready[name] for name in ("app_id", "app_secret")}
        body = {"grant_type": "authorization_code", "code": code, **secret, **more}
        return self.server.call("POST", TOKEN, body, headers={"Content-Type": "application/json"})[2]

    def whose(self, token):
        return self.server.good("GET", "/open-apis/authen/v1/user_info", token=token)["open_id"]

    def stays(self, code, why):
        """The page refuses, says so, and redirects nowhere."""
        page = self.page
        assert page.address.startswith(self.server.url), page.address
        assert page.status == 400, page.status
        text = page.value("document.body.innerText")
        assert f"Error code: {code}." in text, text
        assert any(role == "alert" for role, _ in page.sees()), why
        assert page.value("document.querySelectorAll('form, a:not([hreflang])').length") == 0, "there is a way on"
        assert not self.back.visits, self.back.visits


def run(checks):
    back = Callback()
    back.start()
    with Server("--rate-limits", "off") as server, Browser() as browser:
        with browser.page() as page:
            journey = Journey(server, page, back)
            people(checks, journey)
            languages(checks, journey)
            refusals(checks, journey)
            codes(checks, journey)
        widths(checks, server, browser, back)
        barriers(checks, server, browser, back)
    back.server.shutdown()


def people(checks, journey):
    page, ready = journey.page, journey.ready

    with checks("it shows the app, the scopes and the users, to a screen reader, too"):
        journey.open(scope="im:chat offline_access")
        assert page.status == 200
        seen = page.sees()
        assert any(role == "heading" and name.startswith("Sign in to") for role, name in seen), seen
        groups = [name for role, name in seen if role in ("group", "radiogroup")]
        assert "Who are you?" in groups, groups
        radios = [name for role, name in seen if role == "radio"]
        assert [any(user["name"] in name for name in radios) for user in ready["users"]] == [True] * 3, radios
        assert [name for role, name in seen if role == "button"] == ["Allow", "Deny"], seen
        text = page.value("document.body.innerText")
        assert all(word in text for word in (ready["app_id"], "im:chat", "offline_access", journey.back.address)), text
        page.picture("desktop")

    with checks("a user is picked with the mouse: back with code and state, and the token is that user's"):
        journey.open(state="s-1")
        page.click(journey.choice(1))
        page.loaded(lambda: page.click("button[value=allow]"))
        came = journey.back.last()
        assert sorted(came) == ["code", "state"] and came["state"] == ["s-1"], came
        answer = journey.exchange(came["code"][0], redirect_uri=journey.back.address)
        assert answer["code"] == 0 and "refresh_token" not in answer, answer
        assert journey.whose(answer["access_token"]) == ready["users"][1]["open_id"]

    with checks("the same with only the keyboard"):
        journey.open(state="s-2")
        for _ in range(20):
            if page.value("document.activeElement.type") == "radio":
                break
            page.press("Tab")
        first = page.value("document.activeElement.value")
        page.press("ArrowDown")
        picked = page.value("document.querySelector('input:checked').value")
        assert picked != first and page.value("document.activeElement.value") == picked, (first, picked)
        assert page.value("getComputedStyle(document.activeElement).outlineStyle") != "none", "one cannot see the focus"
        page.press("Tab")
        assert page.value("document.activeElement.value") == "allow", page.value("document.activeElement.outerHTML")
        page.loaded(lambda: page.press("Enter"))
        answer = journey.exchange(journey.back.last()["code"][0])
        chosen = next(user for user in ready["users"] if user["user_id"] == picked.split("/")[1])
        assert journey.whose(answer["access_token"]) == chosen["open_id"]

    with checks("deny: back with access_denied and state, without a code"):
        journey.open(state="s-3")
        page.loaded(lambda: page.click("button[value=deny]"))
        assert journey.back.last() == {"error": ["access_denied"], "state": ["s-3"]}

    with checks("state comes back byte for byte, whether allowed or denied; none comes back if none was sent"):
        for decision in ("allow", "deny"):
            journey.open(state=STATE)
            page.loaded(lambda: page.click(f"button[value={decision}]"))
            assert journey.back.last()["state"] == [STATE], decision
            journey.open()
            page.loaded(lambda: page.click(f"button[value={decision}]"))
            assert "state" not in journey.back.last(), decision

    with checks("offline_access gives a refresh token, which works once"):
        answer = journey.exchange(journey.allow(scope="offline_access"))
        again = {"grant_type": "refresh_token", "refresh_token": answer["refresh_token"]}
        renewed = journey.exchange("", **again)
        assert journey.whose(renewed["access_token"]) == ready["users"][0]["open_id"], renewed
        assert journey.exchange("", **again)["code"] == 20073


def languages(checks, journey):
    page = journey.page

    with checks("the switch leads to Chinese and back, and keeps the parameters"):
        journey.open(scope="im:chat", state=STATE)
        page.loaded(lambda: page.click("nav a"))
        seen = page.sees()
        assert page.value("document.documentElement.lang") == "zh-CN"
        assert any(role == "heading" and name.startswith("\u767b\u5f55 ") for role, name in seen), seen
        assert [name for role, name in seen if role == "button"] == ["\u6388\u6743", "\u62d2\u7edd"], seen
        page.picture("chinese")
        page.click(journey.choice(1))
        page.loaded(lambda: page.click("button[value=allow]"))
        came = journey.back.last()
        assert sorted(came) == ["code", "state"] and came["state"] == [STATE], came
        journey.open(lang="zh", state=STATE)
        page.loaded(lambda: page.click("nav a"))
        assert page.value("document.documentElement.lang") == "en"

    with checks("a refusal is in the page's language, and has the switch"):
        journey.open(lang="zh", redirect_uri="http://example.com/")
        text = page.value("document.body.innerText")
        assert "\u9519\u8bef\u7801\uff1a20029\u3002" in text, text
        page.picture("chinese-refused")
        page.loaded(lambda: page.click("nav a"))
        journey.stays(20029, "in English")


def refusals(checks, journey):
    with checks("an unknown app: a page that says so, and no redirect"):
        journey.open(client_id="cli_0123456789abcdef", state="s")
        journey.stays(20048, "an unknown app")

    with checks("an address that is not the app's: a page that says so, and no redirect"):
        journey.open(redirect_uri="https://evil.example/cb", state="s")
        journey.stays(20029, "another machine")
        app = f"{journey.world.path}/apps/{journey.ready['app_id']}/sign_in"
        journey.server.control("PUT", app, {"redirect_uris": ["http://127.0.0.1:9/registered"]})
        journey.open(state="s")
        journey.stays(20029, "not registered")
        journey.server.control("PUT", app, {"redirect_uris": [journey.back.address]})
        journey.open(state="s", redirect_uri=journey.back.address + "/more")
        journey.stays(20029, "longer than the registered one")
        assert journey.allow(state="s")

    with checks("a page of another origin sends the whole form: refused, without a code"):
        page = journey.page
        journey.open(state="s")
        fields = page.value("Object.fromEntries(new FormData(document.querySelector('form[method=post]')))")
        fields |= {"decision": "allow"}
        page.open(journey.back.address.replace("/cb", "/elsewhere"))
        inputs = "".join(f'<input name="{name}" value="{html.escape(value)}">' for name, value in fields.items())
        form = f'<form method="post" action="{journey.server.url}{AUTHORIZE}">{inputs}</form>'
        page.value(f"void (document.body.innerHTML = {json.dumps(form)})")
        page.loaded(lambda: page.value("void document.querySelector('form').submit()"))
        assert page.status == 403, page.status
        text = page.value("document.body.innerText")
        assert "Error code: 5275419." in text and not journey.back.visits, text

    with checks("missing or invalid parameters: a page that says so"):
        journey.open(response_type="token")
        journey.stays(20063, "a response_type that there is not")
        journey.open(scope="im:chat im:chat")
        journey.stays(20067, "a scope twice")
        journey.open(scope="no:such:scope")
        journey.stays(20027, "a scope that the app has not")
        journey.page.picture("refused")


def codes(checks, journey):
    with checks("PKCE: only the right verifier works"):
        verifier = "v" * 43
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {"code_challenge": challenge, "code_challenge_method": "S256"}
        code = journey.allow(**asked)
        for wrong in ({}, {"code_verifier": "w" * 43}, {"code_verifier": challenge}):
            assert journey.exchange(code, **wrong)["code"] == 20049, wrong
        assert journey.exchange(code, code_verifier=verifier)["code"] == 0

    with checks("a code works once and for five minutes"):
        code = journey.allow()
        assert journey.exchange(code)["code"] == 0
        assert journey.exchange(code)["code"] == 20065
        code = journey.allow()
        journey.world.advance(minutes=6)
        assert journey.exchange(code)["code"] == 20004


def widths(checks, server, browser, back):
    for name, width, height, phone in (("desktop", 1280, 800, False), ("phone", 360, 740, True), ("small", 320, 568, True)):
        with checks(f"{name}, {width} wide: nothing sticks out, and everything is large enough to hit"), \
                browser.page(width, height, phone) as page:
            journey = Journey(server, page, back)
            journey.open(scope="im:chat offline_access contact:user.employee_id:readonly", state="s")
            assert page.value("document.scrollingElement.scrollWidth <= window.innerWidth"), "it scrolls sideways"
            assert page.value("window.innerWidth") == width, "it is not laid out for this width"
            low = page.value("[...document.querySelectorAll('label, button')].map(e => e.getBoundingClientRect().height)")
            assert len(low) == 5 and min(low) >= 32, low
            page.picture(name)
            page.loaded(lambda: page.click("button[value=deny]"))
            assert back.last()["error"] == ["access_denied"]


def barriers(checks, server, browser, back):
    """The page and the pages that refuse, as axe sees them, in both languages and themes, on a desktop and on a phone."""
    pages = {
        "page": {"scope": "im:chat offline_access contact:user.employee_id:readonly", "state": "s"},
        "unknown app": {"client_id": "cli_0123456789abcdef"},
        "foreign address": {"redirect_uri": "https://evil.example/cb"},
        "no such scope": {"scope": "no:such:scope"},
        "no such response_type": {"response_type": "token"},
    }
    for language in ("en", "zh"):
        for width, height, phone in ((1280, 800, False), (390, 844, True)):
            with checks(f"{language}, {width} wide: no barrier that axe finds, in both themes, refusals included"), \
                    browser.page(width, height, phone) as page:
                journey = Journey(server, page, back)
                for name, asked in pages.items():
                    journey.open(lang=language, **asked)
                    for theme in ("light", "dark"):
                        features = {"prefers-color-scheme": theme, "prefers-reduced-motion": "reduce"}
                        page.send("Emulation.setEmulatedMedia", features=[{"name": key, "value": value} for key, value in features.items()])
                        found = axe(page)
                        assert not found, (name, theme, found)
                        page.picture(f"barriers-{name.replace(' ', '-')}-{language}-{width}-{theme}")
