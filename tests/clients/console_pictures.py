"""Pictures and files of messages in the console, those that would do harm included; and sign-ins that end otherwise."""

import json
import time
import urllib.request

import control
from console_bot import until
from console_page import Console, expected
from harness import png

SPEAK = "/open-apis/im/v1/messages?receive_id_type=chat_id"
# A picture that is a page to a browser which guesses.
GIF_AND_PAGE = b"GIF89a\x01\0\x01\0\0\0\0" + b"<html><script>document.title = 'run'</script></html>"
PAGE = b"<script>document.title = 'run'</script>"
# Whether the latest message of the chat can be seen.
AT_THE_END = "(e => e.scrollHeight - e.scrollTop - e.clientHeight < 60)(document.querySelector('.msgs'))"


def run(checks, server, browser):
    home = control.fresh(server)
    facts = home.facts
    token = server.tenant_token(facts["app_id"], facts["app_secret"])
    with Console(server, browser, world=facts["tenant_key"]) as console:
        keys, send = said(server, token, facts["chat_id"])
        shown(checks, console, facts, keys, send)
        harmless(checks, console, home, keys)
        gone(checks, server, console, home, keys)
        sign_in(checks, server, console, home)
        waiting(checks, console)
        # These open other tabs, which hide this one.
        alone(checks, console, home, keys)
        narrow(checks, server, browser, facts)
        with checks("nothing went wrong in the browser"):
            # The pictures that do not exist, or are none.
            bad = [one for one in console.complaints() if not expected(one)]
            assert not bad, bad
    home.delete()


def upload(server, token, what, data, **fields):
    """Uploads an image or a file: its key."""
    parts = [f'--B\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode() for name, value in fields.items()]
    head = f'--B\r\nContent-Disposition: form-data; name="{what}"; filename="x"\r\nContent-Type: application/octet-stream\r\n\r\n'
    body = b"".join(parts) + head.encode() + data + b"\r\n--B--\r\n"
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "multipart/form-data; boundary=B"}
    request = urllib.request.Request(f"{server.url}/open-apis/im/v1/{what}s", body, headers, method="POST")
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)["data"][f"{what}_key"]


def said(server, token, chat):
    """Messages with pictures and files: the keys, and what sends one more."""
    def send(kind, content):
        # A chat takes five messages a second.
        time.sleep(0.25)
        body = {"receive_id": chat, "msg_type": kind, "content": json.dumps(content)}
        return server.good("POST", SPEAK, body, token)["message_id"]

    keys = {
        "large": upload(server, token, "image", png(1600, 1200), image_type="message"),
        "small": upload(server, token, "image", png(24, 24, 200), image_type="message"),
        "deleted": upload(server, token, "image", png(3, 3), image_type="message"),
        "harmful": upload(server, token, "image", GIF_AND_PAGE, image_type="message"),
        "notes": upload(server, token, "file", b"the notes", file_type="stream", file_name="notes.txt"),
        "page": upload(server, token, "file", PAGE, file_type="stream", file_name="page.html"),
    }
    send("image", {"image_key": keys["large"]})
    send("post", {"en_us": {"title": "A post", "content": [[{"tag": "img", "image_key": keys["small"]}]]}})
    alt = {"tag": "plain_text", "content": "A red square"}
    card = {"schema": "2.0", "body": {"elements": [{"tag": "img", "img_key": keys["small"], "alt": alt}]}}
    send("interactive", card)
    send("file", {"file_key": keys["notes"]})
    send("file", {"file_key": keys["page"]})
    send("image", {"image_key": keys["harmful"]})
    send("image", {"image_key": keys["deleted"]})
    return keys, send


def shown(checks, console, facts, keys, send):
    with checks("pictures of messages, posts and cards are shown, within bounds, with their texts"):
        console.go("chat", chat=facts["chat_id"])
        console.until("[...document.querySelectorAll('.msgs img')].filter(e => e.complete && e.naturalWidth >= 24).length >= 3")
        large = console.value(
            f"(e => [e.naturalWidth, e.getBoundingClientRect().width, e.getBoundingClientRect().height])([...document.querySelectorAll('.msgs img')].find(e => e.src.endsWith({json.dumps(keys['large'])})))"
        )
        assert large[0] == 1600 and 100 < large[1] <= 24 * 16 and 100 < large[2] <= 18 * 16, large
        alts = console.value("[...document.querySelectorAll('.msgs img')].map(e => e.alt)")
        assert "A red square" in alts and all(alts), alts
    with checks("a picture that arrives late does not push the latest message out of sight"):
        assert console.value(AT_THE_END)
    with checks("nor does a list of which less is visible: a message that comes is shown, and no button leads to it"):
        # As tabs, an announcement or a smaller window do; a message in the same moment, before anything is drawn.
        console.value("void (document.querySelector('.msgs').style.flex = '0 0 12rem')")
        send("text", {"text": "the latest"})
        console.reads("the latest", ".msgs")
        assert console.value(AT_THE_END) and console.value("document.querySelector('.jump').hidden")
        console.value("void (document.querySelector('.msgs').style.flex = '')")
    with checks("no barrier that axe finds, in both themes"):
        for theme in ("light", "dark"):
            console.theme(theme)
            console.still()
            found = console.axe()
            assert not found, found
            console.picture(f"pictures-1280-{theme}")
        console.theme("light")


def fetched(console, path):
    """What the page gets at a path: status, headers, and the text."""
    return console.page.value(
        f"fetch({json.dumps(path)}).then(async a => [a.status, Object.fromEntries(a.headers), await a.text()])", wait=True
    )


def harmless(checks, console, home, keys):
    base = f"/larkspur/v1{home.path}"
    with checks("a file is saved under its name, and never opened"):
        link = console.value("(e => [e.getAttribute('href'), e.hasAttribute('download'), e.ariaLabel])([...document.querySelectorAll('.file a')].find(e => e.ariaLabel.includes('notes.txt')))")
        assert link == [f"{base}/files/{keys['notes']}", True, "Save notes.txt"], link
        status, headers, text = fetched(console, link[0])
        assert (status, text) == (200, "the notes") and 'filename="notes.txt"' in headers["content-disposition"], headers
        status, headers, _ = fetched(console, f"{base}/files/{keys['page']}")
        assert headers["content-type"] == "application/octet-stream" and headers["content-disposition"].startswith("attachment"), headers
        assert headers["x-content-type-options"] == "nosniff" and "sandbox" in headers["content-security-policy"], headers
    with checks("what is no picture of this world is not answered"):
        status, _, text = fetched(console, f"/larkspur/v1/worlds/{console.server.ready['tenant_key']}/images/{keys['large']}")
        assert status == 404 and json.loads(text)["code"] == 5275404, text


def gone(checks, server, console, home, keys):
    with checks("a picture that was deleted is told by its key"):
        server.control("DELETE", f"{home.path}/images/{keys['deleted']}")
        console.page.loaded(lambda: console.send("Page.reload"))
        console.go("chat", chat=home.facts["chat_id"])
        console.until("document.querySelectorAll('.picture-none').length > 0")
        assert keys["deleted"][:20] in console.value("[...document.querySelectorAll('.picture-none')].map(e => e.innerText).join(' ')")


def alone(checks, console, home, keys):
    with checks("a picture with a page inside is a picture: opened alone, no script of it runs"):
        with Console(console.server, console.browser, world=console.world) as other:
            there = f"/larkspur/v1{home.path}/images/{keys['harmful']}"
            other.page.loaded(lambda: other.value(f"void (location.href = {json.dumps(there)})"))
            found = other.value("[document.contentType, document.scripts.length, document.title]")
            assert found[:2] == ["image/gif", 0] and found[2] != "run", found


def narrow(checks, server, browser, facts):
    for theme in ("light", "dark"):
        with checks(f"on a phone, {theme}: pictures do not reach over the side"), Console(server, browser, 390, 844, theme=theme, world=facts["tenant_key"]) as console:
            console.go("chat", chat=facts["chat_id"])
            console.until("[...document.querySelectorAll('.msgs img')].filter(e => e.complete && e.naturalWidth >= 24).length >= 3")
            assert console.sideways() <= 0, console.sideways()
            console.picture(f"pictures-390-{theme}")


def sign_in(checks, server, console, home):
    path = f"{home.path}/faults"
    with checks("the next sign-in is denied, or has a wrong state, by a button"):
        console.go("login")
        for button, name in (("Deny the next one", "sign-in-denied"), ("Wrong state next", "sign-in-wrong-state")):
            console.push(button, "document.querySelector('main')")
            until(lambda: name in [rule["name"] for rule in server.control("GET", path)["faults"]], 10)
            rule = server.control("GET", path)["faults"][0]
            assert (rule["name"], rule["times"], rule["next"]) == (name, 1, True), rule
        console.picture("sign-in-1280-light")
    with checks("the list of faults says what each rule does with the next call"):
        server.control("POST", path, {"name": "later", "effect": {"refuse": {"code": 232001}}, "skip": 2})
        console.go("faults")
        console.reads("later", ".lk-body")
        rows = console.value("[...document.querySelectorAll('.lk-row:not([hidden])')].map(e => e.innerText)")
        assert "passes" in next(row for row in rows if "later" in row), rows
        assert "is changed" in next(row for row in rows if "sign-in-denied" in row), rows
        console.picture("faults-1280-light")
        server.control("DELETE", path)


def waiting(checks, console):
    with checks("who left the worlds while a new one was made stays where one went"):
        console.go("worlds")
        console.value(
            "window.asked = window.fetch, void (window.fetch = async (...all) => { const answer = await asked(...all);"
            " if (all[1]?.method === 'POST' && all[0] === '/larkspur/v1/worlds') await new Promise(done => setTimeout(done, 1000)); return answer })"
        )
        console.press("n")
        console.until("document.querySelector('dialog[open] input') !== null")
        console.page.write("made late")
        console.value("void (document.querySelector('dialog[open] select').value = 'empty')")
        console.page.click("dialog[open] button[type=submit]")
        console.value(f"void (location.hash = '#/w/{console.world}/apps')")
        console.until("[...document.querySelectorAll('header select option')].some(e => e.textContent === 'made late')")
        console.still()
        assert f"{console.world}/apps" in console.value("location.hash"), console.value("location.hash")
        console.value("void (window.fetch = window.asked)")
