"""The gateway, through the Python SDK: refusals, tokens, rate limits."""

import json

import lark_oapi as lark
from lark_oapi.api.im.v2 import CreateTagRequest
from lark_oapi.api.minutes.v1 import GetMinuteRequest

import control
from sdk import as_user, client, make, raw

SIGN_IN = "auth.v3.tenant_access_token.internal"


def create_tag(name):
    return make(CreateTagRequest, {"request_body": {"create_tag": {"tag_type": "tenant", "name": name}}})


def run(checks, server, home, api):
    errors(checks, server, home, api)
    tokens(checks, server, home)
    frequency(checks, server, home)


def errors(checks, server, home, api):
    with checks("typed refusal: code, msg, log id, field violations"):
        answer = api.im.v2.tag.create(create_tag(""))
        assert (answer.code, answer.msg, answer.raw.status_code) == (230001, "param is invalid", 400), answer.raw.content
        assert answer.get_log_id() == answer.error["log_id"], (answer.get_log_id(), answer.error)
        assert [one["field"] for one in answer.error["field_violations"]] == ["create_tag.name"], answer.error
        assert answer.error["log_id"] in answer.error["troubleshooter"]
        assert answer.data is None and "data" not in json.loads(answer.raw.content)

    with checks("generic refusal: the SDK sees the code, so header names are in title case"):
        answer = api.request(raw(lark.HttpMethod.GET, "/open-apis/im/v2/tags"))
        assert (answer.code, answer.msg) == (230001, "param is invalid"), (answer.code, answer.raw.headers)
        assert answer.get_log_id() == answer.error["log_id"]
        assert [one["field"] for one in answer.error["field_violations"]] == ["ids"], answer.error

    with checks("typed call of an operation that Larkspur does not serve"):
        answer = api.minutes.v1.minute.get(make(GetMinuteRequest, {"minute_token": "obcn1"}))
        assert (answer.code, answer.raw.status_code) == (5275501, 501), answer.raw.content
        named = "minutes.v1.minute.get (GET /open-apis/minutes/v1/minutes/{minute_token})"
        assert answer.msg == f"Larkspur does not serve {named}", answer.msg
        assert answer.get_log_id() == answer.error["log_id"], answer.raw.content

    with checks("a missing scope: permission_violations and helps"):
        poor = home.app(scopes=["im:chat"])
        answer = client(server, poor).im.v2.tag.create(create_tag("nothing"))
        assert (answer.code, answer.raw.status_code) == (99991672, 400), answer.raw.content
        violations = answer.error["permission_violations"]
        assert violations and all(one["type"] == "action_scope_required" for one in violations), answer.error
        assert any(poor["app_id"] in one["url"] for one in answer.error["helps"]), answer.error

    with checks("a user token where only tenants may call"):
        token = home.user_token(server.ready["app_id"], server.ready["users"][0])
        request = raw(lark.HttpMethod.GET, "/open-apis/im/v2/tags", [("ids", "1")], tokens={lark.AccessTokenType.USER})
        answer = client(server, server.ready, given_tokens=True).request(request, as_user(token))
        assert (answer.code, answer.msg) == (99991668, "user access token not support"), answer.raw.content

    with checks("a wrong secret"):
        wrong = client(server, {"app_id": server.ready["app_id"], "app_secret": "x" * 32})
        wrong.config.app_id = home.app(scopes=[])["app_id"]  # of its own, for the SDK's cache is one for all clients
        try:
            answer = wrong.request(raw(lark.HttpMethod.GET, "/open-apis/bot/v3/info"))
        except Exception as error:
            assert "10014" in str(error), error
        else:
            raise AssertionError(answer.raw.content)


def tokens(checks, server, home):
    with checks("one sign-in for many requests"):
        app = home.app(scopes=["im:chat"])
        api = client(server, app)
        before = server.metric("larkspur_requests_total", operation=SIGN_IN, code=0)
        for _ in range(10):
            assert api.request(raw(lark.HttpMethod.GET, "/open-apis/bot/v3/info")).code == 0
        assert server.metric("larkspur_requests_total", operation=SIGN_IN, code=0) == before + 1

    world = control.fresh(server)
    app = world.app(scopes=["im:chat"])

    def sign_in():
        return server.good("POST", "/open-apis/auth/v3/tenant_access_token/internal", app)

    def works(token):
        option = lark.RequestOption.builder().tenant_access_token(token).build()
        return client(server, app, given_tokens=True).request(raw(lark.HttpMethod.GET, "/open-apis/bot/v3/info"), option).code

    app = {"app_id": app["app_id"], "app_secret": app["app_secret"]}
    with checks("after 89 minutes the same token, after 91 a second one, and both work"):
        first = sign_in()
        assert first["expire"] == 7200, first
        world.advance(minutes=89)
        same = sign_in()
        assert same["tenant_access_token"] == first["tenant_access_token"], "a new token came too early"
        assert 1800 <= same["expire"] <= 1860, same
        world.advance(minutes=2)
        second = sign_in()
        assert second["tenant_access_token"] != first["tenant_access_token"] and second["expire"] == 7200, second
        assert works(first["tenant_access_token"]) == 0 and works(second["tenant_access_token"]) == 0

    with checks("after 2 hours the first token is refused, and the second still works"):
        world.advance(minutes=30)
        assert works(first["tenant_access_token"]) == 99991663
        assert works(second["tenant_access_token"]) == 0

    world.delete()
    with checks("a token ends with its world"):
        assert works(second["tenant_access_token"]) == 99991663


def frequency(checks, server, home):
    with checks("over the rate limit: 429, 99991400 and the headers with the time to wait"):
        api = client(server, home.app(scopes=["im:tag:read"]))
        ask = raw(lark.HttpMethod.GET, "/open-apis/im/v2/tags", [("ids", "1")])
        for _ in range(200):
            answer = api.request(ask)
            if answer.code != 0:
                break
        assert (answer.code, answer.raw.status_code) == (99991400, 429), answer.raw.content
        assert answer.msg == "request trigger frequency limit"
        headers = {name.lower(): value for name, value in answer.raw.headers.items()}
        assert headers["x-ogw-ratelimit-limit"] == "5" and headers["x-ogw-ratelimit-reset"] == "1", headers
