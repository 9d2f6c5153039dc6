"""Subscribers: apps that hear what the writers change, by long connection or by webhook."""

import base64
import http.client
import json
import os
import socket
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from processes import Failure, until

# The one event of the writers' edits.
EDITED = "im.chat.updated_v1"
# Seconds in which events must be heard after the last write: a dead server's claims take 30 to end, a failed attempt is
# repeated after 15.
PATIENCE = 90
# Seconds between two pings. Servers close a connection that is silent for six minutes.
PING_EVERY = 20
BINARY, CLOSE, PING, PONG = 2, 8, 9, 10
# The field of a frame that holds its payload.
PAYLOAD = 8


class Heard:
    """What the app of one tenant heard."""

    def __init__(self):
        self.lock = threading.Lock()
        # event_id -> (chat id, description)
        self.edits = {}
        self.times = 0

    def note(self, text):
        """Notes an event. It is acknowledged afterwards, so that none counts as delivered that is not noted."""
        event = json.loads(text)
        if event["header"]["event_type"] != EDITED:
            return
        said = event["event"]
        with self.lock:
            self.times += 1
            self.edits[event["header"]["event_id"]] = (said["chat_id"], said["after_change"].get("description"))

    def forget(self):
        """Forgets the first edit that was heard."""
        with self.lock:
            return self.edits.pop(next(iter(self.edits)))

    def writes(self):
        """The edits by their events, each event once."""
        with self.lock:
            return list(self.edits.values())


class WebSocket:
    """A client's side of a WebSocket (RFC 6455), as far as the servers use it."""

    def __init__(self, url):
        parts = urllib.parse.urlsplit(url)
        self.socket = socket.create_connection((parts.hostname, parts.port), timeout=10)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall((f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\n"
                             f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n").encode())
        self.data = b""
        head = self.until(b"\r\n\r\n")
        if b" 101 " not in head.split(b"\r\n")[0]:
            self.close()
            raise OSError(f"no WebSocket: {head!r}")
        self.socket.settimeout(1)

    def more(self):
        read = self.socket.recv(65536)
        if not read:
            raise OSError("the connection ended")
        self.data += read

    def until(self, mark):
        while mark not in self.data:
            self.more()
        head, _, self.data = self.data.partition(mark)
        return head

    def receive(self):
        """The next message, as opcode and bytes. TimeoutError if there is none yet; what was read of it is kept."""
        while (message := self.whole()) is None:
            self.more()
        return message

    def whole(self):
        """The first message of what was read; None if it is not complete."""
        if len(self.data) < 2:
            return None
        start, size = 2, self.data[1] & 0x7F
        if size > 125:
            start = 4 if size == 126 else 10
            size = int.from_bytes(self.data[2:start], "big")
        if len(self.data) < start + size:
            return None
        opcode, body = self.data[0] & 0x0F, self.data[start:start + size]
        self.data = self.data[start + size:]
        return opcode, body

    def send(self, opcode, body):
        size = len(body)
        head = bytes([0x80 | opcode]) + (bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big"))
        mask = os.urandom(4)
        self.socket.sendall(head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(body)))

    def close(self):
        self.socket.close()


def varint(number):
    text = bytearray()
    while number > 0x7F:
        text.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(text) + bytes([number])


def read_varint(data, at):
    number = shift = 0
    while True:
        number |= (data[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 0x80:
            return number, at


def payload_of(frame):
    """The payload of a frame (protobuf), and the frame's bytes without it."""
    payload, rest, at = b"", b"", 0
    while at < len(frame):
        start = at
        key, at = read_varint(frame, at)
        if key & 7 == 0:
            _, at = read_varint(frame, at)
        elif key & 7 == 2:
            size, at = read_varint(frame, at)
            at += size
        else:
            raise Failure(f"a frame that cannot be read: {frame!r}")
        if key >> 3 == PAYLOAD:
            payload = frame[at - size:at]
        else:
            rest += frame[start:at]
    return payload, rest


class Connection(threading.Thread):
    """A subscriber by long connection. It connects again, to the other node, when its connection ends."""

    def __init__(self, servers, world, at):
        super().__init__(name=f"subscriber {at}", daemon=True)
        self.ports, self.world, self.at = servers.ports, world, at
        self.heard = Heard()
        self.told = threading.Event()
        self.connected = threading.Event()
        self.failure = None

    def run(self):
        while not self.told.is_set():
            try:
                self.listen(WebSocket(self.address()))
            except (OSError, http.client.HTTPException) as error:
                self.failure = repr(error)
            except Exception as error:
                # The scenario fails, since it hears no more.
                self.failure = repr(error)
                return
            self.at += 1
            self.told.wait(0.3)

    def address(self):
        """Where to connect, as a node says."""
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[self.at % len(self.ports)], timeout=10)
        try:
            body = json.dumps({"AppID": self.world.app_id, "AppSecret": self.world.secret})
            connection.request("POST", "/callback/ws/endpoint", body)
            answer = json.loads(connection.getresponse().read())
        except ValueError as error:
            raise OSError(f"no JSON: {error}") from None
        finally:
            connection.close()
        if answer["code"] != 0:
            raise OSError(f"no address: {answer}")
        return answer["data"]["URL"]

    def listen(self, socket):
        self.connected.set()
        pinged = time.monotonic()
        try:
            while not self.told.is_set():
                if time.monotonic() > pinged + PING_EVERY:
                    pinged = time.monotonic()
                    socket.send(PING, b"")
                try:
                    opcode, body = socket.receive()
                except TimeoutError:
                    continue
                if opcode == CLOSE:
                    return
                if opcode == PING:
                    socket.send(PONG, body)
                elif opcode == BINARY:
                    payload, rest = payload_of(body)
                    self.heard.note(payload)
                    answer = b'{"code":200}'
                    socket.send(BINARY, rest + varint(PAYLOAD << 3 | 2) + varint(len(answer)) + answer)
        finally:
            socket.close()

    def ready(self):
        """Waits until it is connected."""
        if not self.connected.wait(30):
            raise Failure(f"{self.name} does not get connected: {self.failure}")

    def stop(self):
        self.told.set()
        self.join(10)


class Receiver:
    """A subscriber by webhook: the address that the servers post to."""

    def __init__(self):
        heard = self.heard = Heard()
        self.failure = None

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # An answer is one packet: it would wait for the other end's acknowledgment.
            wbufsize = -1

            def do_POST(self):
                text = self.rfile.read(int(self.headers["Content-Length"]))
                answer = {}
                if b"url_verification" in text:
                    answer = {"challenge": json.loads(text)["challenge"]}
                else:
                    heard.note(text)
                body = json.dumps(answer).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, name="receiver", daemon=True)
        self.thread.start()

    def setting(self):
        """How the app of a new world is told to post here."""
        return {"mode": "webhook", "request_url": f"http://127.0.0.1:{self.server.server_port}/"}

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Audience:
    """The subscribers of one scenario: the app of each world, by long connection in one and by webhook in the next."""

    def __init__(self, servers, count):
        self.worlds, self.all = [], []
        for number in range(count):
            receiver = Receiver() if number % 2 else None
            self.worlds.append(servers.world(receiver and receiver.setting()))
            self.all.append(receiver or Connection(servers, self.worlds[-1], number // 2))
        for subscriber in self.all:
            if isinstance(subscriber, Connection):
                subscriber.start()
        for subscriber in self.all:
            if isinstance(subscriber, Connection):
                subscriber.ready()

    def missing(self, ledger):
        """Acknowledged edits that were not heard."""
        heard = [set(subscriber.heard.writes()) for subscriber in self.all]
        return [write for write in ledger.acknowledged
                if write["kind"] == "edit" and (write["chat"], write["name"]) not in heard[write["world"]]]

    def wait(self, ledger, forgotten):
        """Waits until all acknowledged edits but those forgotten are heard, and no longer than that may take."""
        try:
            until("all is heard", PATIENCE, lambda: len(self.missing(ledger)) <= forgotten, every=0.5)
        except Failure:
            # What is missing is reported with the row.
            pass

    def stop(self):
        for subscriber in self.all:
            subscriber.stop()
