// A world of its own, its bot and its people as callers.

import assert from "node:assert/strict";
import { caller, client, facts, good, user } from "./sdk.mjs";

const REDIRECT = "http://localhost:3000/callback";

async function control(method, path, body) {
  const headers = { "content-type": "application/json", authorization: `Bearer ${facts.control_key}` };
  const sent = await fetch(`${facts.base_url}/larkspur/v1${path}`, { method, headers, body: body && JSON.stringify(body) });
  const answer = await sent.json();
  assert.equal(answer.code, 0, JSON.stringify(answer));
  return answer.data;
}

export class World {
  static async fresh() {
    const world = new World();
    world.facts = await control("POST", "/worlds", { name: "Node client tests" });
    return world;
  }

  control(method, path, body) {
    return control(method, `/worlds/${this.facts.tenant_key}${path}`, body);
  }

  async ticket(appId) {
    return (await this.control("GET", `/apps/${appId}/sign_in`)).app_ticket;
  }

  // The code that an app gets when a user authorizes it.
  async code(person, scope) {
    const { app_id, tenant_key } = this.facts;
    const form = { client_id: app_id, response_type: "code", redirect_uri: REDIRECT, state: "s", scope };
    const url = `${facts.base_url}/open-apis/authen/v1/authorize`;
    const shown = await (await fetch(`${url}?${new URLSearchParams(form)}`)).text();
    const [, form_token] = shown.match(/name="form_token" value="([^"]+)"/);
    const body = new URLSearchParams({ ...form, form_token, decision: "allow", user: `${tenant_key}/${person.user_id}` });
    const answer = await fetch(url, { method: "POST", body, redirect: "manual" });
    assert.equal(answer.status, 302, await answer.text());
    return new URL(answer.headers.get("location")).searchParams.get("code");
  }
}

export class Stage {
  static async open() {
    const stage = new Stage();
    stage.home = await World.fresh();
    stage.facts = stage.home.facts;
    stage.people = stage.facts.users;
    stage.redirect = REDIRECT;
    stage.api = client(stage.facts);
    stage.bot = caller(stage.api);
    stage.users = await Promise.all(stage.people.map(async (person) => {
      const body = { app_id: stage.facts.app_id };
      return user(stage.api, (await stage.home.control("POST", `/users/${person.user_id}/tokens`, body)).access_token);
    }));
    // The app and a user, who may do the same in their own groups.
    stage.both = [["as the app", stage.bot], ["as a user", stage.users[0]]];
    return stage;
  }

  person(number) {
    return this.people[number].open_id;
  }

  // A group of the first two people and the bot, which belongs to the caller.
  async group(who, more = {}) {
    const data = { name: "typed", user_id_list: [this.person(0), this.person(1)], ...more };
    if (who !== this.bot) data.owner_id = this.person(0);
    return good(await this.bot.im.v1.chat.create({ params: { user_id_type: "open_id" }, data })).chat_id;
  }
}
