// Tokens: of an app, of an ISV app in the tenants that installed it, of users who authorized an app.

import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import * as lark from "@larksuiteoapi/node-sdk";
import { check, client, good, user } from "./sdk.mjs";
import { World } from "./stage.mjs";

export async function signIn(stage) {
  await own(stage);
  await isv(stage);
  await pushed(stage);
  await users(stage);
  await standard(stage);
}

const credentials = (app) => ({ app_id: app.app_id, app_secret: app.app_secret });

async function own(stage) {
  await check("the app's own tokens", async () => {
    const auth = stage.bot.auth.v3;
    const tenant = await auth.tenantAccessToken.internal({ data: credentials(stage.facts) });
    assert.match(tenant.tenant_access_token, /^t-/);
    const app = await auth.appAccessToken.internal({ data: credentials(stage.facts) });
    assert.ok(app.app_access_token && app.expire > 1800, JSON.stringify(app));
    // A refused sign-in is HTTP 200, which this SDK returns.
    const wrong = await auth.tenantAccessToken.internal({ data: { ...credentials(stage.facts), app_secret: "x".repeat(32) } });
    assert.deepEqual([wrong.code, wrong.data], [10014, {}]);
  });
}

async function isv(stage) {
  const app = await stage.home.control("POST", "/apps", { kind: "isv", name: "shop" });
  const customer = await World.fresh();
  await customer.control("POST", "/installs", { app_id: app.app_id });
  const { tenant_key } = customer.facts;

  await check("an ISV app: ticket, app token, token of a tenant", async () => {
    const auth = stage.bot.auth.v3;
    const before = await stage.home.ticket(app.app_id);
    assert.equal((await auth.appTicket.resend({ data: credentials(app) })).code, 0);
    const app_ticket = await stage.home.ticket(app.app_id);
    assert.notEqual(app_ticket, before);
    const { app_access_token } = await auth.appAccessToken.create({ data: { ...credentials(app), app_ticket } });
    assert.match(app_access_token, /^a-/);
    const tenant = await auth.tenantAccessToken.create({ data: { app_access_token, tenant_key } });
    assert.match(tenant.tenant_access_token, /^t-/);
  });

  await check("a client of an ISV app: no ticket, no token; with the pushed ticket it works", async () => {
    const api = client(app, { appType: lark.AppType.ISV });
    const bot = () => api.request({ method: "GET", url: "/open-apis/bot/v3/info" }, lark.withTenantKey(tenant_key));
    const error = await bot().catch((caught) => caught);
    assert.equal(error.response?.data.code, 99991661, String(error));
    // The client has asked for a ticket twice by now: it takes the latest, as it is pushed.
    const event = { app_id: app.app_id, tenant_key, app_ticket: await stage.home.ticket(app.app_id), type: "app_ticket" };
    const push = { ts: "1", uuid: "1", token: "", type: "event_callback", event };
    await new lark.EventDispatcher({ logger: silent }).invoke(push);
    const answer = await bot();
    assert.deepEqual([answer.code, answer.bot.app_name], [0, "shop"]);
  });
}

async function until(done) {
  for (const deadline = Date.now() + 10_000; !(await done()); ) {
    assert.ok(Date.now() < deadline, String(done));
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function pushed(stage) {
  await check("a client of an ISV app: it asks for a ticket, the server pushes it, and everything works", async () => {
    const app = await stage.home.control("POST", "/apps", { kind: "isv", name: "stall" });
    const customer = await World.fresh();
    await customer.control("POST", "/installs", { app_id: app.app_id });
    const encryptKey = "a key of the stall";
    const dispatcher = new lark.EventDispatcher({ encryptKey, logger: silent });
    const receiver = http.createServer(lark.adaptDefault("/events", dispatcher, { autoChallenge: true }));
    receiver.listen(0, "127.0.0.1");
    await once(receiver, "listening");
    try {
      const path = `/apps/${app.app_id}/events`;
      const request_url = `http://127.0.0.1:${receiver.address().port}/events`;
      await stage.home.control("PUT", path, { request_url, encrypt_key: encryptKey });
      await until(async () => (await stage.home.control("GET", path)).verified);
      const api = client(app, { appType: lark.AppType.ISV });
      await until(async () => {
        const [last] = (await stage.home.control("GET", path)).deliveries;
        return last.event_type === "app_ticket" && last.state === "delivered";
      });
      const tenant = lark.withTenantKey(customer.facts.tenant_key);
      const answer = await api.request({ method: "GET", url: "/open-apis/bot/v3/info" }, tenant);
      assert.deepEqual([answer.code, answer.bot.app_name], [0, "stall"]);
    } finally {
      receiver.close();
    }
  });
}

const silent = { error() {}, warn() {}, info() {}, debug() {}, trace() {} };

async function users(stage) {
  const { authen } = stage.bot;
  const person = stage.people[1];
  const whoIs = async (token) => good(await user(stage.api, token).authen.v1.userInfo.get());
  const forms = [
    ["OIDC", authen.v1.oidcAccessToken, authen.v1.oidcRefreshAccessToken],
    ["old", authen.v1.accessToken, authen.v1.refreshAccessToken],
  ];
  for (const [name, first, again] of forms) {
    await check(`a user's token, ${name} form: code, who it is, refresh`, async () => {
      const code = await stage.home.code(person, "contact:user.employee_id:readonly");
      const once = { data: { grant_type: "authorization_code", code } };
      const tokens = good(await first.create(once));
      const info = await whoIs(tokens.access_token);
      assert.deepEqual([info.open_id, info.user_id, info.name], [person.open_id, person.user_id, person.name]);
      const refresh = { data: { grant_type: "refresh_token", refresh_token: tokens.refresh_token } };
      const renewed = good(await again.create(refresh));
      assert.notEqual(renewed.access_token, tokens.access_token);
      assert.equal((await whoIs(renewed.access_token)).open_id, person.open_id);
      assert.equal((await first.create(once)).code, 20003);
      assert.equal((await again.create(refresh)).code, 20026);
    });
  }

  await check("a user's token that the client keeps itself", async () => {
    const kept = stage.api.userAccessToken;
    await kept.initWithCode({ person: await stage.home.code(person, "") });
    assert.equal((await whoIs(await kept.get("person"))).open_id, person.open_id);
  });
}

async function standard(stage) {
  await check("a user's token by the client's own OAuth methods", async () => {
    const code = await stage.home.code(stage.people[1], "offline_access");
    const api = stage.api.accessToken;
    const tokens = await api.retrieveByAuthorizationCode({ code, redirectUri: stage.redirect });
    const of = (answer) => answer.accessToken ?? answer.access_token;
    const renewed = await api.refresh({ refreshToken: tokens.refreshToken ?? tokens.refresh_token });
    assert.ok(of(tokens) && of(renewed) && of(tokens) !== of(renewed), JSON.stringify([tokens, renewed]));
    const info = good(await user(stage.api, of(renewed)).authen.v1.userInfo.get());
    assert.equal(info.open_id, stage.people[1].open_id);
  });
}
