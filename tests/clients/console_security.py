"""Who may use the console: links, hosts, pages of other ports, headers, and an end with open pages."""

import contextlib
import gzip
import http.server
import json
import re
import socket
import threading
import time
import urllib.request

from devtools import Browser
from harness import Server

PAGE, SESSION, WORLDS = "/larkspur/console", "/larkspur/console/session", "/larkspur/v1/worlds"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)


class Signed:
    """A session, as a browser has it."""

    def __init__(self, server, link):
        self.server = server
        status, headers, answer = server.call("POST", SESSION, {"link": link})
        assert status == 200, (status, answer)
        self.facts = answer
        self.header = headers["Set-Cookie"]
        self.cookie = self.header.split(";")[0]

    def call(self, method, path, body=None, **headers):
        return self.server.call(method, path, body, headers={"Cookie": self.cookie} | headers)

    def from_page(self, method, path, body=None):
        own = {"Origin": self.server.url, "Sec-Fetch-Site": "same-origin", "X-Larkspur-Console": self.facts["csrf"]}
        return self.call(method, path, body, **own)


def link(server):
    """The secret of a fresh link."""
    told = server.run("console", "--ready-file", server.ready_path)
    assert told.returncode == 0, told.stderr
    address, secret = told.stdout.strip().split("#login=")
    assert address == server.url + PAGE, address
    return secret


def raw(server, head):
    """The status and the bytes of the answer to a request head, exactly as it is written."""
    with socket.create_connection(server.address, timeout=30) as connection:
        connection.sendall((head.replace("\n", "\r\n") + "\r\nConnection: close\r\n\r\n").encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    return int(answer.split(b" ", 2)[1]), answer


def names(server):
    return {world["name"] for world in server.control("GET", "/worlds")["worlds"]}


def links(checks, server):
    with checks("the start prints a link, which works once; then 401, and the answer names `larkspur console`"):
        printed = re.search(r"^console     (\S+)#login=(\S+)$", server.log(), re.M)
        assert printed and printed[1] == server.url + PAGE, server.log()
        Signed(server, printed[2])
        status, _, answer = server.call("POST", SESSION, {"link": printed[2]})
        assert status == 401 and "`larkspur console`" in answer["msg"], answer

    with checks("the cookie is for this server's scripts alone, and the log has no secret"):
        secret = link(server)
        signed = Signed(server, secret)
        assert re.fullmatch(r"lk_[0-9a-f]{8}=[\w.]+; Path=/larkspur; Max-Age=43200; HttpOnly; SameSite=Strict", signed.header)
        assert sorted(signed.facts) == ["base_url", "csrf", "expires_at_ms", "mode", "release"], signed.facts
        time.sleep(0.2)
        log = server.log()
        assert "console sign-in" in log and not any(text in log for text in (secret, signed.facts["csrf"], signed.cookie[12:]))


def hosts(checks, server, signed):
    with checks("another Host: 421 for the page, the session and a call with the cookie; the path may be written in any way"):
        host, port = server.address
        for path in (PAGE, "/%6carkspur/console", "/larkspur/%63onsole/app.js", SESSION, WORLDS):
            for name in ("evil.example", f"evil.example:{port}", f"localhost.evil.example:{port}", f"localhost:{port + 1}"):
                status, answer = raw(server, f"GET {path} HTTP/1.1\nHost: {name}\nCookie: {signed.cookie}")
                assert status == 421, (path, name, answer)
            for name in (f"localhost:{port}", f"127.0.0.1:{port}", f"my.localhost:{port}"):
                status, answer = raw(server, f"GET {path} HTTP/1.1\nHost: {name}\nCookie: {signed.cookie}")
                assert status == 200, (path, name, answer)

    with checks("a token of the platform works under any Host"):
        head = f"GET /open-apis/im/v1/chats HTTP/1.1\nHost: evil.example\nAuthorization: Bearer {server.tenant_token()}"
        status, answer = raw(server, head)
        assert status == 200 and b'"code":0' in answer, answer


def pages(checks, server, signed):
    with checks("a page of another port, without Origin, or without the CSRF header: 403, and nothing changes"):
        csrf, own = signed.facts["csrf"], server.url
        for headers in (
            {"Content-Type": "text/plain", "Origin": "http://127.0.0.1:9", "Sec-Fetch-Site": "same-site"},
            {"Content-Type": "text/plain", "Origin": "http://127.0.0.1:9", "X-Larkspur-Console": csrf},
            {"Origin": "http://evil.example", "X-Larkspur-Console": csrf},
            {"Origin": own},
            {"Origin": own, "X-Larkspur-Console": "0" * 64},
            {"X-Larkspur-Console": csrf},
            {"Origin": own, "X-Larkspur-Console": csrf, "Sec-Fetch-Site": "same-site"},
        ):
            status, _, answer = signed.call("POST", WORLDS, {"name": "foreign"}, **headers)
            assert status == 403 and answer["code"] == 5275418, (headers, answer)
        assert "foreign" not in names(server)
        assert signed.call("GET", WORLDS, **{"Sec-Fetch-Site": "cross-site"})[0] == 403
        assert signed.from_page("POST", WORLDS, {"name": "own"})[0] == 200 and "own" in names(server)

    with checks("the same from a browser that has the cookie: it is sent, and refused"), Other() as other, Browser() as browser, \
            browser.page() as page:
        name, value = signed.cookie.split("=")
        page.send("Network.setCookie", name=name, value=value, url=server.url + PAGE, path="/larkspur", httpOnly=True,
                  sameSite="Strict")
        page.open(other.address)
        form = {"method": "POST", "mode": "no-cors", "credentials": "include", "headers": {"Content-Type": "text/plain"},
                "body": json.dumps({"name": "from the browser"})}
        asked = f"fetch({json.dumps(server.url + WORLDS)}, {json.dumps(form)}).then(() => document.title = 'asked')"
        page.value(f"void ({asked})")
        wait(lambda: page.value("document.title") == "asked")
        # The refusal of a request without any cookie would be 5275401.
        wait(lambda: "Sec-Fetch-Site names another site" in server.log())
        assert "from the browser" not in names(server)


class Other(threading.Thread):
    """A page on another port of this machine."""

    def __init__(self):
        super().__init__(daemon=True)

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(b"<!doctype html><title>another page</title>")

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}/larkspur/other"

    def run(self):
        self.server.serve_forever()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *error):
        self.server.shutdown()
        self.server.server_close()


def wait(happens, seconds=20):
    deadline = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.05)


def headers(checks, server, signed):
    with checks("every answer of the console has its headers; no answer is shared with other origins"):
        world = f"{WORLDS}/{server.ready['tenant_key']}"
        answers = {path: signed.call("GET", path)[1] for path in (PAGE, PAGE + "/app.js", PAGE + "/nothing.js", SESSION)}
        for path, head in answers.items():
            assert head.get_all("Content-Security-Policy") == [POLICY], (path, head)
            assert head["Cross-Origin-Opener-Policy"] == head["Cross-Origin-Resource-Policy"] == "same-origin", path
            assert head["X-Content-Type-Options"] == "nosniff" and head["Referrer-Policy"] == "no-referrer", path
        for path in (*answers, world, "/larkspur/metrics", "/larkspur/health/live", "/larkspur/guide/", "/larkspur/nothing"):
            for method in ("GET", "OPTIONS"):
                asked = {"Origin": "http://evil.example", "Access-Control-Request-Method": "PUT"}
                for head in (server.call(method, path, headers=asked)[1], signed.call(method, path, **asked)[1]):
                    assert not any(name.lower().startswith("access-control-") for name in head), (method, path, head)

    with checks("a file that has not changed is not sent again"):
        tag = server.call("GET", PAGE)[1]["ETag"]
        status, head, body = server.call("GET", PAGE, headers={"If-None-Match": tag})
        assert (status, head["ETag"], body) == (304, tag, b"") and head["Cache-Control"] == "no-cache"

    with checks("a file is sent in the form of gzip to those who take that; it is the same file, under another tag"):
        for path in (PAGE, PAGE + "/app.js", PAGE + "/style.css"):
            _, plain, whole = server.call("GET", path)
            _, packed, small = server.call("GET", path, headers={"Accept-Encoding": "gzip, br"})
            assert plain["Content-Encoding"] is None and packed["Content-Encoding"] == "gzip", path
            assert plain["Vary"] == packed["Vary"] == "Accept-Encoding" and plain["ETag"] != packed["ETag"], path
            assert gzip.decompress(small) == whole and len(small) < len(whole), path
            assert server.call("GET", path, headers={"Accept-Encoding": "gzip", "If-None-Match": packed["ETag"]})[0] == 304
            assert server.call("GET", path, headers={"Accept-Encoding": "gzip;q=0", "If-None-Match": packed["ETag"]})[0] == 200


def end(checks, server, signed):
    with checks("SIGTERM with three open pages: the process ends in under a second"), contextlib.ExitStack() as stack:
        path = f"{WORLDS}/{server.ready['tenant_key']}/stream"
        for _ in range(3):
            head = {"Cookie": signed.cookie, "Sec-Fetch-Site": "same-origin", "Accept": "text/event-stream"}
            answer = stack.enter_context(urllib.request.urlopen(urllib.request.Request(server.url + path, headers=head), timeout=30))
            assert answer.headers["Content-Type"].startswith("text/event-stream")
        began = time.monotonic()
        assert server.stop() == 0
        took = time.monotonic() - began
        assert took < 1, took


def run(checks):
    with Server(memory=True) as server:
        links(checks, server)
        signed = Signed(server, link(server))
        hosts(checks, server, signed)
        pages(checks, server, signed)
        headers(checks, server, signed)
        end(checks, server, signed)
