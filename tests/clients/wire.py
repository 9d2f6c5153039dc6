"""Facts of the wire that no SDK shows, on raw sockets."""

import json
import socket
import time

import control
from harness import Server, png


class Connection:
    """One connection to a server."""

    def __init__(self, server):
        self.socket = socket.create_connection(server.address, timeout=20)
        self.left = b""

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def line(self, end):
        while end not in self.left:
            more = self.socket.recv(65536)
            if not more:
                raise EOFError(f"the connection ended after {self.left!r}")
            self.left += more
        head, _, self.left = self.left.partition(end)
        return head

    def answer(self):
        """The next answer."""
        first, *lines = self.line(b"\r\n\r\n").decode().split("\r\n")
        headers = [tuple(line.split(": ", 1)) for line in lines]
        length = int(dict(headers).get("Content-Length", "0"))
        while len(self.left) < length:
            more = self.socket.recv(65536)
            assert more, "the body ends early"
            self.left += more
        body, self.left = self.left[:length], self.left[length:]
        return Answer(int(first.split(" ")[1]), headers, body)

    def ended(self):
        """Whether the server has closed it."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def names(self):
        return [name for name, _ in self.headers]

    def header(self, name):
        """A header by its exact name."""
        return dict(self.headers).get(name)

    @property
    def json(self):
        assert self.header("Content-Type") == "application/json; charset=utf-8", (self.status, self.headers, self.body)
        return json.loads(self.body)

    def refused(self, status, code):
        """Checks that it is a complete refusal; returns it."""
        assert (self.status, self.json["code"]) == (status, code), (self.status, self.body)
        assert "data" not in self.json, self.body
        error = self.json["error"]
        assert error["log_id"] == self.header("X-Tt-Logid") and error["log_id"] in error["troubleshooter"], self.body
        return self.json

    def good(self):
        assert self.status == 200 and self.json["code"] == 0, (self.status, self.body)
        return self.json


def request(method, path, body=b"", token=None, **headers):
    """The bytes of a request. In header names, _ stands for -."""
    head = [f"{method} {path} HTTP/1.1", "Host: localhost"]
    if token:
        head.append(f"Authorization: Bearer {token}")
    head += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if body or method != "GET":
        head.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*head, "", ""]).encode() + body


class Wire:
    """Calls one server, each time on a new connection."""

    def __init__(self, server):
        self.server = server
        self.token = server.tenant_token()
        self.chat = server.ready["chat_id"]

    def ask(self, method, path, body=b"", token=True, **headers):
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
        with Connection(self.server) as connection:
            connection.send(request(method, path, body, self.token if token else None, **headers))
            return connection.answer()

    def tag(self, name):
        return self.ask("POST", TAGS, {"create_tag": {"tag_type": "tenant", "name": name}}).good()["data"]["id"]


TAGS = "/open-apis/im/v2/tags"
RELATION = "/open-apis/im/v2/biz_entity_tag_relation"
IMAGES = "/open-apis/im/v1/images"
BOT = "/open-apis/bot/v3/info"
SIGN_IN = "/open-apis/auth/v3/tenant_access_token/internal"
JSON = "application/json; charset=utf-8"


def run(checks):
    with Server("--rate-limits", "off", memory=True, LARKSPUR_LIMITS_HEAD_SECONDS=2) as server:
        wire = Wire(server)
        answers(checks, wire)
        routes(checks, wire)
        bodies(checks, wire)
        lists(checks, wire)
        multipart(checks, wire)
        connections(checks, wire)
    with Server(memory=True) as server:
        frequency(checks, Wire(server))


def answers(checks, wire):
    with checks("header names are in title case, and these are all"):
        for answer in (wire.ask("GET", BOT), wire.ask("GET", TAGS)):
            names = {"Content-Type", "X-Tt-Logid", "X-Request-Id", "Content-Length", "Date"}
            assert set(answer.names) == names and len(answer.names) == len(names), answer.names

    with checks("log ids and request ids have the platform's form and differ"):
        one, other = wire.ask("GET", BOT), wire.ask("GET", BOT)
        for answer in (one, other):
            log_id, request_id = answer.header("X-Tt-Logid"), answer.header("X-Request-Id")
            assert len(log_id) == 34 and log_id[:14].isdecimal() and log_id == log_id.upper(), log_id
            assert len(request_id) == 32 and int(request_id, 16) >= 0, request_id
        assert one.header("X-Tt-Logid") != other.header("X-Tt-Logid")
        assert one.header("X-Request-Id") != other.header("X-Request-Id")

    with checks("JSON is compact and not escaped more than it must be"):
        tag = wire.tag('群 / "quoted" \U0001f426')
        answer = wire.ask("GET", f"{TAGS}?ids={tag}")
        assert answer.body == json.dumps(answer.json, ensure_ascii=False, separators=(",", ":")).encode(), answer.body
        assert '群 / \\"quoted\\" \U0001f426'.encode() in answer.body, answer.body
        failure = wire.ask("GET", TAGS)
        assert failure.body == json.dumps(failure.json, ensure_ascii=False, separators=(",", ":")).encode()

    with checks("data is there on every success and on no failure"):
        body = {"tag_biz_type": "chat", "biz_entity_id": wire.chat, "tag_ids": []}
        assert wire.ask("POST", RELATION, body).good()["data"] == {}
        wire.ask("POST", RELATION, body | {"biz_entity_id": "oc_nothing"}).refused(400, 230001)

    with checks("a failed sign-in is HTTP 200, flat, with empty data"):
        answer = wire.ask("POST", SIGN_IN, {"app_id": wire.server.ready["app_id"], "app_secret": "wrong" * 5}, token=False)
        assert (answer.status, answer.json["code"], answer.json["data"]) == (200, 10014, {}), answer.body
        answer = wire.ask("POST", SIGN_IN, {}, token=False)
        assert (answer.status, answer.json["code"]) == (200, 10003), answer.body

    with checks("malformed tokens"):
        for token, code in ((None, 99991661), ("", 99991661), ("t-x", 99991663), ("u-x", 99991668), ("a-x", 99991664),
                            ("eyJhbGciOi", 99991668), ("nonsense", 99991671)):
            header = {} if token is None else {"Authorization": f"Bearer {token}"}
            wire.ask("GET", BOT, token=False, **header).refused(400, code)
        wire.ask("GET", BOT, token=False, Authorization=wire.token).refused(400, 99991661)

    with checks("the control API is closed without its key, and to tokens"):
        for token in (None, "wrong", wire.token):
            header = {"Authorization": f"Bearer {token}"} if token else {}
            answer = wire.ask("GET", "/larkspur/v1/worlds", token=False, **header)
            assert answer.status in (401, 403) and "data" not in answer.json, (answer.status, answer.body)


def routes(checks, wire):
    with checks("an unknown route is a text"):
        for path in ("/open-apis", "/open-apis/im/v2/tag", "/open-apis/im/v9/tags", f"{TAGS}//", "/larkspur/v1"):
            answer = wire.ask("GET", path)
            assert (answer.status, answer.header("Content-Type")) == (404, "text/plain"), (path, answer.headers)
            assert answer.body == b"404 page not found", (path, answer.body)

    with checks("the root says in a line what this is"):
        answer = wire.ask("GET", "/")
        assert (answer.status, answer.header("Content-Type")) == (200, "text/plain"), answer.headers
        assert b"/larkspur/" in answer.body and answer.body.count(b"\n") <= 1, answer.body

    with checks("a wrong method is the same text"):
        for method in ("DELETE", "PUT", "HEAD", "OPTIONS", "TRACE", "QUERY"):
            with Connection(wire.server) as connection:
                connection.send(request(method, TAGS, token=wire.token))
                head = connection.line(b"\r\n\r\n")
                assert head.startswith(b"HTTP/1.1 404"), (method, head)

    with checks("a trailing slash is ignored"):
        wire.ask("GET", f"{BOT}/").good()
        facts = {name: wire.server.ready[name] for name in ("app_id", "app_secret")}
        wire.ask("POST", f"{SIGN_IN}/", facts, token=False).good()

    with checks("an unknown chat in any spelling is the page's refusal"):
        for chat in ("oc_1", "%E7%BE%A4", "..%2f..", "a%2Fb", "oc_" + "f" * 5000):
            wire.ask("GET", f"/open-apis/im/v1/chats/{chat}/chat_tabs/list_tabs").refused(400, 232006)
        wire.ask("GET", "/open-apis/im/v1/chats/%00/chat_tabs/list_tabs").refused(400, 232001)
        wire.ask("GET", "/open-apis/im/v1/chats/%ff/chat_tabs/list_tabs").refused(400, 9499)


def bodies(checks, wire):
    tag = wire.tag("bodies")
    with checks("GET with {}, and with a JSON type and no body"):
        wire.ask("GET", f"{TAGS}?ids={tag}", b"{}", Content_Type="application/json").good()
        wire.ask("GET", f"{TAGS}?ids={tag}", Content_Type=JSON).good()

    with checks("a body that an operation does not take is not read, however large, and the connection stays open"):
        for body in (b"null", b"[]", b'"x"', b"{", b"a=b", b"\xff" * (1 << 20)):
            wire.ask("GET", f"{TAGS}?ids={tag}", body, Content_Type="application/x-www-form-urlencoded").good()
        with Connection(wire.server) as connection:
            for _ in range(2):
                connection.send(request("GET", BOT, b"\0" * (12 << 20), wire.token))
                connection.answer().good()

    with checks("an empty body is {}, and so is null"):
        for body in (b"", b" \r\n", b"null"):
            answer = wire.ask("PATCH", f"{TAGS}/{tag}", body, Content_Type=JSON).good()
            assert answer["data"]["tag_info"]["id"] == tag, answer
        wire.ask("POST", TAGS, b"", Content_Type=JSON).refused(400, 230001)

    with checks("JSON is read whatever the Content-Type says"):
        body = json.dumps({"patch_tag": {"name": "bodies 2"}}).encode()
        for kind in (None, "text/plain", "application/x-www-form-urlencoded", "nonsense", JSON):
            header = {"Content_Type": kind} if kind else {}
            answer = wire.ask("PATCH", f"{TAGS}/{tag}", body, **header).good()
            assert answer["data"]["tag_info"]["name"] == "bodies 2", answer

    with checks("DELETE with a body"):
        world = control.fresh(wire.server)
        answer = wire.ask("DELETE", f"/larkspur/v1{world.path}", b'{"a":[1]}', token=False, Content_Type=JSON,
                          Authorization=f"Bearer {wire.server.ready['control_key']}")
        answer.good()

    with checks("a body that is not a JSON object is 9499"):
        for body in (b"{", b"[]", b"1", b"nul", b'"x"', b"{}x", b"\xff", b"{'a':1}", b"\xef\xbb\xbf{}", b"[" * 100_000):
            answer = wire.ask("POST", TAGS, body).refused(400, 9499)
            assert answer["msg"] == "Bad Request", (body[:20], answer)

    with checks("a wrong JSON type is 9499 and names the field, not its path"):
        for body, field, value in (
            ({"create_tag": {"tag_type": "tenant", "name": 1}}, "name", "1"),
            ({"create_tag": []}, "create_tag", "[]"),
            ({"create_tag": {"tag_type": "tenant", "name": "x", "i18n_names": {}}}, "i18n_names", "{}"),
        ):
            answer = wire.ask("POST", TAGS, body).refused(400, 9499)
            says = f"Invalid parameter type in json: {field}. Invalid parameter value: {value}. Please check and modify accordingly."
            assert answer["msg"] == says, answer

    with checks("all invalid fields are reported at once; unknown fields are ignored"):
        body = {"unknown": {"deep": [1]}, "create_tag": {"more": 1, "i18n_names": [{"name": "x"}]}}
        violations = wire.ask("POST", TAGS, body).refused(400, 230001)["error"]["field_violations"]
        assert {one["field"] for one in violations} == {
            "create_tag.tag_type", "create_tag.name", "create_tag.i18n_names[*].locale"
        }, violations
        wire.ask("PATCH", f"{TAGS}/{tag}?unknown=1", {"unknown": 1}).good()

    with checks("a chunked body"):
        with Connection(wire.server) as connection:
            connection.send(request("POST", TAGS, token=wire.token).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked"))
            for piece in (b'{"create_tag":{"tag_type":"ten', b'ant","name":"chunked"}}', b""):
                connection.send(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            connection.answer().good()

    with checks("a body that is too large is 413 in JSON, and the connection stays open"):
        with Connection(wire.server) as connection:
            connection.send(request("POST", TAGS, b" " * (11 << 20), wire.token))
            connection.answer().refused(413, 9499)
            connection.send(request("GET", BOT, token=wire.token))
            connection.answer().good()

    with checks("a body of 10 MB is read"):
        body = json.dumps({"patch_tag": {"name": "large"}}).encode()
        wire.ask("PATCH", f"{TAGS}/{tag}", body + b" " * ((10 << 20) - len(body))).good()

    with checks("a refusal does not need the large body: Expect"):
        with Connection(wire.server) as connection:
            head = request("POST", TAGS, b" " * (11 << 20), Expect="100-continue").partition(b"\r\n\r\n")[0]
            connection.send(head + b"\r\n\r\n")
            connection.answer().refused(400, 99991661)

    with checks("without a token, a body of 1 MB or more is refused by open operations"):
        wire.ask("POST", SIGN_IN, b" " * ((1 << 20) + 1), token=False).json
        with Connection(wire.server) as connection:
            connection.send(request("POST", SIGN_IN, b" " * ((1 << 20) + 1)))
            assert connection.answer().status == 413


def lists(checks, wire):
    first, second = wire.tag("list 1"), wire.tag("list 2")
    with checks("ids in every style of list, in the order of the request, once each"):
        for query in (
            f"ids={first}&ids={second}",
            f"ids%5B%5D={first}&ids%5B%5D={second}",
            f"ids[]={first}&ids[]={second}",
            f"ids[0]={first}&ids[1]={second}",
            f"ids={first},{second}",
            f"ids={first}%2C{second}",
            f"ids={first}&ids=7&ids={second}&ids={first}&ids=nonsense",
        ):
            infos = wire.ask("GET", f"{TAGS}?{query}").good()["data"]["tag_infos"]
            assert [info["id"] for info in infos] == [first, second], (query, infos)
        assert wire.ask("GET", f"{TAGS}?ids=").good()["data"] == {"tag_infos": []}
        wire.ask("GET", f"{TAGS}?ids={first}" + f"&ids={second}" * 40).refused(400, 230001)

    with checks("booleans as Python writes them, blanks as + and as %20"):
        for flag in ("True", "False", "true", "false", "1", "0"):
            chat = {"name": "flags", "user_id_list": []}
            answer = wire.ask("POST", f"/open-apis/im/v1/chats?set_bot_manager={flag}&uuid=a+b%20{flag}", chat)
            answer.good()
        wire.ask("POST", "/open-apis/im/v1/chats?set_bot_manager=maybe", {}).refused(400, 99992402)

    with checks("a query of rust's client that forgets its parameters"):
        violations = wire.ask("GET", RELATION).refused(400, 99992402)["error"]["field_violations"]
        assert {one["field"] for one in violations} == {"tag_biz_type", "biz_entity_id"}, violations


def part(name, content, *lines, extra=""):
    head = [f'Content-Disposition: form-data; name="{name}"{extra}', *lines]
    return b"--B\r\n" + "\r\n".join(head).encode() + b"\r\n\r\n" + content + b"\r\n"


def multipart(checks, wire):
    picture = png()
    kind = part("image_type", b"message")
    bare = part("image", picture)
    named = part("image", picture, "Content-Type: image/png", extra='; filename="a.png"')
    plain = "multipart/form-data; boundary=B"
    java = "multipart/form-data;charset=UTF-8; boundary=B"
    variants = {
        "Python: no filename, no type": (plain, kind + bare),
        "Python: a tuple": (plain, kind + named),
        "Node: a Buffer": (plain, kind + part("image", picture, "Content-Type: application/octet-stream")),
        "Go: the file first": (plain, part("image", picture, "Content-Type: application/octet-stream",
                                          extra='; filename="unknown-file"') + kind),
        "Java: its header and a length for each part": (java, part(
            "image_type", b"message", "Content-Length: 7") + part(
            "image", picture, "Content-Type: application/octet-stream", f"Content-Length: {len(picture)}",
            extra='; filename="unknown"')),
        "openlark: called file, and first": (plain, part("file", picture, extra='; filename="a.png"') + kind),
        "a boundary in quotes": ('multipart/form-data; boundary="B"', kind + bare),
        "an unexpected part": (plain, part("other", b"x") + kind + bare),
    }
    for name, (content_type, body) in variants.items():
        with checks(f"an upload as it is sent by {name}" if ":" in name else f"an upload with {name}"):
            answer = wire.ask("POST", IMAGES, body + b"--B--\r\n", Content_Type=content_type)
            key = answer.good()["data"]["image_key"]
            assert wire.ask("GET", f"{IMAGES}/{key}").body == picture

    with checks("broken uploads are 234001"):
        for content_type, body in (
            (plain, b""),
            (plain, kind + bare),
            (plain, bare[:-20]),
            (plain, b"--B\r\n\r\n--B--\r\n"),
            (plain, b"{}"),
            (plain, b"--C--\r\n"),
            (plain, kind + b"--B--\r\n"),
            (plain, bare + b"--B--\r\n"),
            (plain, part("image_type", b"poster") + bare + b"--B--\r\n"),
            ("multipart/form-data", kind + bare + b"--B--\r\n"),
            (JSON, b"{}"),
            ("text/plain", b"x"),
        ):
            answer = wire.ask("POST", IMAGES, body, Content_Type=content_type)
            assert (answer.status, answer.json["code"]) == (400, 234001), (content_type, body[:60], answer.status, answer.body)
        wire.ask("POST", IMAGES, kind + bare + b"--B--\r\n").refused(400, 234001)

    with checks("no bytes, other bytes, too many bytes"):
        for content, code in ((b"", 234010), (b"hello", 234011), (b"\x89PNG\r\n\x1a\n", 234011),
                              (picture + b"\0" * (10 << 20), 234006)):
            body = kind + part("image", content, extra='; filename="a"') + b"--B--\r\n"
            answer = wire.ask("POST", IMAGES, body, Content_Type=plain)
            assert answer.json["code"] == code, (len(content), answer.status, answer.body)


def connections(checks, wire):
    server = wire.server
    with checks("pipelined requests are answered in their order"):
        tags = [wire.tag(f"pipelined {number}") for number in range(3)]
        with Connection(server) as connection:
            connection.send(b"".join(request("GET", f"{TAGS}?ids={tag}", token=wire.token) for tag in tags))
            for tag in tags:
                assert connection.answer().good()["data"]["tag_infos"][0]["id"] == tag

    with checks("bytes other than HTTP do no harm"):
        for nonsense in (b"\x16\x03\x01\x02\x00\x01\x00", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\0" * 1000,
                         b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", b"GET /" + b"a" * 100_000):
            with Connection(server) as connection:
                connection.send(nonsense)
                connection.socket.shutdown(socket.SHUT_WR)
                while connection.socket.recv(65536):
                    pass
        wire.ask("GET", BOT).good()

    with checks("a client that disconnects in the middle does no harm"):
        for _ in range(20):
            with Connection(server) as connection:
                connection.send(request("POST", TAGS, b"x" * 1000, wire.token)[:-500])
        wire.ask("GET", BOT).good()

    with checks("a client that does not finish the head is cut off"):
        with Connection(server) as connection:
            connection.send(b"GET / HTTP/1.1\r\nHost:")
            began = time.monotonic()
            while not connection.ended():
                pass
            assert 1 < time.monotonic() - began < 10, time.monotonic() - began


def frequency(checks, wire):
    with checks("over the rate limit: 429, its code, and the headers' exact names"):
        for _ in range(200):
            answer = wire.ask("GET", f"{TAGS}?ids=1")
            if answer.status != 200:
                break
        answer.refused(429, 99991400)
        assert answer.header("X-Ogw-Ratelimit-Limit") == "5" and answer.header("X-Ogw-Ratelimit-Reset") == "1", answer.headers
        assert answer.header("Retry-After") == "1", answer.headers
        time.sleep(1.1)
        wire.ask("GET", f"{TAGS}?ids=1").good()
