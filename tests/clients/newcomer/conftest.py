"""Fixtures that any bot's tests can use: a Larkspur, and a world of its own for each test."""

import json
import os
import subprocess
import time
import urllib.request

import pytest
from lark_oapi.core.token import TokenManager

from rooms import Rooms

# The server is on loopback: no proxy of the environment.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class World:
    """A tenant of its own: a bot, three people, a group, a document, a clock."""

    def __init__(self, larkspur, name):
        self.url, self.key = larkspur["base_url"], larkspur["control_key"]
        made = self.call("POST", "/worlds", {"name": name})
        self.path = f"/worlds/{made['tenant_key']}"
        self.app_id, self.app_secret, self.chat_id = made["app_id"], made["app_secret"], made["chat_id"]
        self.users = made["users"]
        self.ada, self.ben, self.chen = (user["open_id"] for user in self.users)

    def call(self, method, path, body=None):
        request = urllib.request.Request(
            f"{self.url}/larkspur/v1{path}", json.dumps(body or {}).encode(), method=method,
            headers={"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"},
        )
        with OPENER.open(request) as answer:
            return json.load(answer)["data"]

    def control(self, method, path, body=None):
        """A call of the control API in this world."""
        return self.call(method, self.path + path, body)

    def hours_pass(self, hours):
        self.control("PUT", "/clock", {"advance_seconds": hours * 3600})

    def refuse(self, operation, code, times=1):
        """Plans refusals of an operation's next calls."""
        self.control("PUT", f"/refusals/{operation}", {"code": code, "times": times})

    def check(self, match, wait_ms=0, **count):
        """Asserts how many recorded calls match: `exactly`, `at_least` or `at_most` so many, or at least one."""
        body = {"match": match, "wait_ms": wait_ms} | ({"count": count} if count else {})
        found = self.control("POST", "/traffic/check", body)
        assert found["passed"], f"{found['count']} calls match {match}; the nearest are {found['near']}"

    def scopes(self, *scopes):
        """Changes the app's scopes."""
        self.control("PUT", f"/apps/{self.app_id}", {"scopes": scopes})


@pytest.fixture(scope="session")
def larkspur(tmp_path_factory):
    """The running server whose ready file LARKSPUR_READY_FILE names; without that, one in memory for this run."""
    if "LARKSPUR_READY_FILE" in os.environ:
        with open(os.environ["LARKSPUR_READY_FILE"], encoding="utf-8") as ready:
            yield json.load(ready)
        return
    ready = tmp_path_factory.mktemp("larkspur") / "ready.json"
    command = ["larkspur", "serve", "--memory", "--listen", "127.0.0.1:0", "--ready-file", str(ready)]
    server = subprocess.Popen(command)
    while not ready.exists():
        assert server.poll() is None, "larkspur ended early"
        time.sleep(0.005)
    yield json.loads(ready.read_text())
    server.terminate()
    server.wait()


@pytest.fixture
def world(larkspur, request):
    world = World(larkspur, request.node.name)
    yield world
    world.call("DELETE", world.path)


@pytest.fixture
def rooms(world):
    return Rooms(world.app_id, world.app_secret, domain=world.url)


@pytest.fixture
def forget_tokens():
    """Makes lark-oapi sign in again: it keeps a token until it expires by the machine's clock, not the world's."""
    return lambda: setattr(TokenManager, "cache", type(TokenManager.cache)())
