"""Images in a bucket: a server that uses the tests' own S3 server."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

from harness import Server, environment, png

KEYS = {
    "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1",
}
IMAGES = "/open-apis/im/v1/images"


@contextlib.contextmanager
def bucket():
    """A bucket of an S3 server: its endpoint."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    moto = subprocess.Popen(command, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    endpoint = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                request = urllib.request.Request(f"{endpoint}/files", method="PUT")
                # moto does not authenticate; the header selects its service.
                request.add_header("Host", "s3.amazonaws.com")
                urllib.request.urlopen(request, timeout=5).close()
                break
            except OSError:
                assert moto.poll() is None and time.monotonic() < deadline, "the S3 server does not start"
                time.sleep(0.1)
        yield endpoint, moto
    finally:
        moto.kill()
        moto.wait()


def upload(server, token, image):
    """Status and answer of an upload."""
    parts = [
        b'--B\r\nContent-Disposition: form-data; name="image_type"\r\n\r\nmessage\r\n',
        b'--B\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n'
        b"Content-Type: image/png\r\n\r\n" + image + b"\r\n--B--\r\n",
    ]
    request = urllib.request.Request(server.url + IMAGES, b"".join(parts), method="POST")
    request.add_header("Content-Type", "multipart/form-data; boundary=B")
    request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)


def download(server, token, key):
    request = urllib.request.Request(f"{server.url}{IMAGES}/{key}")
    request.add_header("Authorization", f"Bearer {token}")
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read()


def sign_in(server):
    body = {name: server.ready[name] for name in ("app_id", "app_secret")}
    answer = server.call("POST", "/open-apis/auth/v3/tenant_access_token/internal", body)
    return answer[2]["tenant_access_token"]


def run(checks):
    with bucket() as (endpoint, moto):
        os.environ.update(KEYS, AWS_ENDPOINT=endpoint)
        try:
            with Server(LARKSPUR_BLOBS_URL="s3://files/larkspur/here") as server:
                journey(checks, server, endpoint, moto)
        finally:
            for name in [*KEYS, "AWS_ENDPOINT"]:
                os.environ.pop(name, None)


def journey(checks, server, endpoint, moto):
    token, image = sign_in(server), png()
    keys = []

    def listed():
        with urllib.request.urlopen(f"{endpoint}/files?list-type=2", timeout=10) as answer:
            return answer.read().decode().count("<Contents>")

    with checks("uploads of the same image share an object below the prefix"):
        for _ in range(2):
            status, answer = upload(server, token, image)
            assert status == 200, answer
            keys.append(answer["data"]["image_key"])
        assert keys[0] != keys[1] and listed() == 1, (keys, listed())
    with checks("the images come back, also after a kill"):
        server.restart(9)
        token = sign_in(server)
        for key in keys:
            assert download(server, token, key) == image
    with checks("without the bucket an upload is answered 5000, and other calls work as usual"):
        moto.kill()
        moto.wait()
        status, answer = upload(server, token, image + b"more")
        assert (status, answer["code"]) == (503, 5000), (status, answer)
        assert server.call("GET", "/open-apis/im/v1/chats", token=token)[0] == 200
