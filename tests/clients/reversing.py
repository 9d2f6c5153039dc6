"""A proxy for long connections that sends the frames of a split event in reverse order, and notes pings and pongs."""

import contextlib
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.sync.server import serve

CONTROL, DATA = 0, 1


class Reversing:
    """Its address, for clients; how many frames each split event had, and how many acknowledgments came back.

    When the last connection was opened, when its pings came, and what the pongs contained.
    """

    def __init__(self, server):
        # The first import takes so long that a connection would be taken for dead.
        import lark_oapi.ws  # noqa: F401

        self.sums, self.acks = [], 0
        self.opened, self.pings, self.pongs = None, [], []
        self.sockets = serve(self.relay, "127.0.0.1", 0)
        place, proxy = f"127.0.0.1:{self.sockets.socket.getsockname()[1]}", self
        self.upstream = server.address

        class Endpoint(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                # The URL in the answer has the host of the request.
                headers = {"Content-Type": "application/json", "Host": place}
                asked = urllib.request.Request(server.url + self.path, body, headers)
                with urllib.request.urlopen(asked, timeout=10) as answer:
                    content = answer.read()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        self.endpoint = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
        self.url = f"http://127.0.0.1:{self.endpoint.server_port}"
        for one in (self.endpoint, self.sockets):
            threading.Thread(target=one.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.endpoint.shutdown()
        self.endpoint.server_close()
        self.sockets.shutdown()

    def relay(self, client):
        host, port = self.upstream
        self.opened, self.pings, self.pongs = time.monotonic(), [], []
        with connect(f"ws://{host}:{port}{client.request.path}", proxy=None) as server:
            threading.Thread(target=self.back, args=(client, server), daemon=True).start()
            waiting = {}
            with contextlib.suppress(ConnectionClosed):
                for message in server:
                    frame, headers = read(message)
                    if frame.method == CONTROL and headers.get("type") == "pong":
                        self.pongs.append(frame.payload)
                    total = int(headers.get("sum") or 1)
                    if frame.method != DATA or total < 2:
                        client.send(message)
                        continue
                    parts = waiting.setdefault(headers["message_id"], [])
                    parts.append(message)
                    if len(parts) == total:
                        self.sums.append(total)
                        for part in reversed(waiting.pop(headers["message_id"])):
                            client.send(part)

    def back(self, client, server):
        with contextlib.suppress(ConnectionClosed):
            for message in client:
                frame, headers = read(message)
                self.acks += frame.method == DATA
                if frame.method == CONTROL and headers.get("type") == "ping":
                    self.pings.append(time.monotonic())
                server.send(message)
        server.close()


def read(message):
    """A frame, and its headers by name."""
    from lark_oapi.ws.pb.pbbp2_pb2 import Frame

    frame = Frame()
    frame.ParseFromString(message)
    return frame, {header.key: header.value for header in frame.headers}
