// A fixture that any bot's tests can use: a world of its own for each test, in the running server whose ready file
// LARKSPUR_READY_FILE names.

import { readFileSync } from "node:fs";
import * as lark from "@larksuiteoapi/node-sdk";
import { test as base } from "vitest";

const larkspur = JSON.parse(readFileSync(process.env.LARKSPUR_READY_FILE, "utf8"));

async function call(method, path, body = {}) {
  const headers = { authorization: `Bearer ${larkspur.control_key}`, "content-type": "application/json" };
  const options = { method, headers, body: method === "GET" ? undefined : JSON.stringify(body) };
  const answer = await (await fetch(`${larkspur.base_url}/larkspur/v1${path}`, options)).json();
  if (answer.code) throw new Error(`${method} ${path}: ${JSON.stringify(answer)}`);
  return answer.data;
}

// A tenant of its own: a bot, three people, a group, a document, a clock.
class World {
  static async make(name) {
    const made = await call("POST", "/worlds", { name });
    return Object.assign(new World(), made, { url: larkspur.base_url, people: made.users.map((user) => user.open_id) });
  }

  control(method, path, body) {
    return call(method, `/worlds/${this.tenant_key}${path}`, body);
  }

  hoursPass(hours) {
    return this.control("PUT", "/clock", { advance_seconds: hours * 3600 });
  }

  // Plans refusals of an operation's next calls.
  refuse(operation, code, times = 1) {
    return this.control("PUT", `/refusals/${operation}`, { code, times });
  }

  // Asserts how many recorded calls match: `exactly`, `at_least` or `at_most` so many, or at least one.
  async check(match, count, waitMs = 0) {
    const found = await this.control("POST", "/traffic/check", { match, count, wait_ms: waitMs });
    if (found.passed) return;
    const near = JSON.stringify(found.near);
    throw new Error(`${found.count} calls match ${JSON.stringify(match)}; the nearest are ${near}`);
  }

  // Changes the app's scopes.
  scopes(...scopes) {
    return this.control("PUT", `/apps/${this.app_id}`, { scopes });
  }

  // Makes the SDK sign in again: it keeps a token until it expires by the machine's clock, not the world's.
  forgetTokens() {
    return lark.internalCache.set(lark.CTenantAccessToken, "", 0, { namespace: this.app_id });
  }
}

export const test = base.extend({
  world: async ({ task }, use) => {
    const world = await World.make(task.name);
    await use(world);
    await world.control("DELETE", "");
  },
});
