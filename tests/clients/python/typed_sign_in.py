"""Tokens: of an app, of an ISV app in the tenants that installed it, of users who authorized an app."""

import http.server
import queue
import threading
import time

import lark_oapi as lark

import control
from sdk import Caller, data_of, good, raw


def run(checks, stage):
    own(checks, stage)
    isv(checks, stage)
    pushed(checks, stage)
    users(checks, stage)
    standard(checks, stage)


def credentials(app):
    return {"app_id": app["app_id"], "app_secret": app["app_secret"]}


def own(checks, stage):
    auth = stage.bot.auth.v3
    with checks("the app's own tokens"):
        answer = auth.tenant_access_token.internal(body=credentials(stage.facts))
        good(answer)
        assert data_of(answer)["tenant_access_token"].startswith("t-") and data_of(answer)["expire"] > 1800
        answer = auth.app_access_token.internal(body=credentials(stage.facts))
        good(answer)
        assert data_of(answer)["app_access_token"] and data_of(answer)["expire"] > 1800
        wrong = auth.tenant_access_token.internal(body={"app_id": stage.facts["app_id"], "app_secret": "x" * 32})
        assert (wrong.code, wrong.raw.status_code) == (10014, 200) and wrong.msg, wrong.raw.content


def isv(checks, stage):
    auth = stage.bot.auth.v3
    app = stage.home.app(kind="isv", name="shop")
    customer = control.fresh(stage.server)
    customer.install(app["app_id"])

    with checks("an ISV app: ticket, app token, token of a tenant"):
        before = stage.home.ticket(app["app_id"])
        good(auth.app_ticket.resend(body=credentials(app)))
        ticket = stage.home.ticket(app["app_id"])
        assert ticket != before, "no new ticket"
        answer = auth.app_access_token.create(body=credentials(app) | {"app_ticket": ticket})
        good(answer)
        app_token = data_of(answer)["app_access_token"]
        assert app_token.startswith("a-")
        body = {"app_access_token": app_token, "tenant_key": customer.facts["tenant_key"]}
        answer = auth.tenant_access_token.create(body=body)
        good(answer)
        assert data_of(answer)["tenant_access_token"].startswith("t-")
        refusal = auth.app_access_token.create(body=credentials(app) | {"app_ticket": "wrong"})
        assert (refusal.code, refusal.raw.status_code) == (10012, 200), refusal.raw.content

    with checks("a client of an ISV app fetches all of that automatically"):
        builder = lark.Client.builder().app_id(app["app_id"]).app_secret(app["app_secret"])
        builder = builder.domain(stage.server.url).app_type(lark.AppType.ISV).log_level(lark.LogLevel.ERROR)

        def option():
            of = lark.RequestOption.builder().tenant_key(customer.facts["tenant_key"])
            return of.app_ticket(stage.home.ticket(app["app_id"])).build()

        api = builder.build()
        answer = api.request(raw(lark.HttpMethod.GET, "/open-apis/bot/v3/info"), option())
        assert answer.code == 0 and data_of(answer)["bot"]["app_name"] == "shop", answer.raw.content
        # It is in no group of the customer's.
        caller = Caller(api, [], stage.awaited, option=option)
        assert not good(caller.im.v1.chat.list()).items


class Bot(http.server.BaseHTTPRequestHandler):
    """Passes posted events to the SDK's handler, as its samples do."""

    def do_POST(self):
        request = lark.RawRequest()
        request.uri, request.headers = self.path, dict(self.headers)
        request.body = self.rfile.read(int(self.headers["Content-Length"]))
        answer = self.server.handler.do(request)
        self.send_response(answer.status_code)
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    def log_message(self, *_):
        pass


def pushed(checks, stage):
    # Its clock is moved, which would expire the other tokens.
    maker, customer = control.fresh(stage.server), control.fresh(stage.server)
    app = maker.app(kind="isv", name="stall")
    customer.install(app["app_id"])
    auth, key, tickets = stage.bot.auth.v3, "a key of the stall", queue.Queue()
    token = maker.events(app["app_id"])["verification_token"]
    builder = lark.EventDispatcherHandler.builder(key, token, lark.LogLevel.CRITICAL)
    bot = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Bot)
    bot.handler = builder.register_p1_customized_event("app_ticket", tickets.put).build()
    threading.Thread(target=bot.serve_forever, daemon=True).start()

    with checks("the SDK's event handler verifies an address, decrypts, and accepts requested and hourly tickets"):
        try:
            url = f"http://127.0.0.1:{bot.server_address[1]}/events"
            maker.events(app["app_id"], request_url=url, encrypt_key=key)
            deadline = time.monotonic() + 10
            while not (shown := maker.events(app["app_id"]))["verified"]:
                assert time.monotonic() < deadline and "reason" not in shown, shown
                time.sleep(0.01)
            good(auth.app_ticket.resend(body=credentials(app)))
            first = tickets.get(timeout=10)
            maker.advance(60)
            second = tickets.get(timeout=10)
        finally:
            bot.shutdown()
            bot.server_close()
        assert first.uuid != second.uuid and first.type == "event_callback" and first.token == token, vars(first)
        assert first.event["app_id"] == app["app_id"] and first.event["app_ticket"] != second.event["app_ticket"]
        assert tickets.empty()

    with checks("a client of an ISV app works with the ticket that was pushed"):
        builder = lark.Client.builder().app_id(app["app_id"]).app_secret(app["app_secret"])
        api = builder.domain(stage.server.url).app_type(lark.AppType.ISV).log_level(lark.LogLevel.ERROR).build()
        option = lark.RequestOption.builder().tenant_key(customer.facts["tenant_key"])
        option = option.app_ticket(second.event["app_ticket"]).build()
        answer = api.request(raw(lark.HttpMethod.GET, "/open-apis/bot/v3/info"), option)
        assert answer.code == 0 and data_of(answer)["bot"]["app_name"] == "stall", answer.raw.content


def users(checks, stage):
    authen, person = stage.bot.authen.v1, stage.people[1]

    def code():
        return stage.home.code(stage.facts["app_id"], person, scope="contact:user.employee_id:readonly")

    for name, first, again in (
        ("OIDC", authen.oidc_access_token, authen.oidc_refresh_access_token),
        ("old", authen.access_token, authen.refresh_access_token),
    ):
        with checks(f"a user's token, {name} form: code, who it is, refresh"):
            once = {"grant_type": "authorization_code", "code": code()}
            tokens = good(first.create(body=once))
            assert tokens.access_token and tokens.refresh_token and tokens.expires_in == 7200, vars(tokens)
            user = good(stage.user(tokens.access_token).authen.v1.user_info.get())
            assert (user.open_id, user.union_id, user.user_id) == (person["open_id"], person["union_id"], person["user_id"])
            assert user.name == person["name"] and user.tenant_key == stage.facts["tenant_key"]
            body = {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token}
            renewed = good(again.create(body=body))
            assert renewed.access_token != tokens.access_token
            assert good(stage.user(renewed.access_token).authen.v1.user_info.get()).open_id == person["open_id"]
            for spent in (first.create(body=once), again.create(body=body)):
                assert spent.code in (20003, 20026) and spent.msg and spent.raw.status_code == 200, spent.raw.content


def standard(checks, stage):
    tokens_of = stage.own.access_token
    with checks("a user's token by the client's own OAuth methods"):
        app = stage.facts["app_id"]
        code = stage.home.code(app, stage.people[1], scope="offline_access")
        tokens = tokens_of.retrieve_by_authorization_code(code, redirect_uri=stage.home.REDIRECT)
        assert tokens.token_type == "Bearer" and tokens.expires_in == 7200, tokens
        renewed = tokens_of.refresh(tokens.refresh_token)
        assert renewed.access_token != tokens.access_token
        user = good(stage.user(renewed.access_token).authen.v1.user_info.get())
        assert user.open_id == stage.people[1]["open_id"]
