// Calls of the official Node SDK's typed methods, as an app or as a user, with a record of the calls. run.py counts the checks.

import assert from "node:assert/strict";
import * as lark from "@larksuiteoapi/node-sdk";

export const facts = JSON.parse(process.env.FACTS);
const silent = { error() {}, warn() {}, info() {}, debug() {}, trace() {} };

export function client(app, more = {}) {
  const { base_url } = facts;
  const names = { appId: app.app_id, appSecret: app.app_secret, domain: base_url, oauthBaseUrl: base_url };
  return new lark.Client({ ...names, logger: silent, ...more });
}

export async function check(name, run) {
  let error = null;
  try {
    await run();
  } catch (caught) {
    const answer = caught?.response && `HTTP ${caught.response.status} ${JSON.stringify(caught.response.data)}`;
    error = [answer, caught?.stack ?? String(caught)].filter(Boolean).join("\n");
  }
  console.log("CHECK " + JSON.stringify({ name, error }));
}

export function good(answer) {
  assert.equal(answer.code, 0, JSON.stringify(answer));
  return answer.data;
}

// The SDK rejects every status from 400 on; the body is in the error.
export async function refusal(promise) {
  try {
    const answer = await promise;
    assert.fail(`it was answered ${JSON.stringify(answer)}`);
  } catch (error) {
    if (error.name !== "AxiosError") throw error;
    return { status: error.response.status, headers: error.response.headers, ...error.response.data };
  }
}

export async function refused(promise, code) {
  const answer = await refusal(promise);
  assert.deepEqual([answer.status, answer.code], [400, code], JSON.stringify(answer));
  assert.ok(answer.msg);
  assert.equal(answer.error.log_id, answer.headers["x-tt-logid"]);
}

export const png = () => Buffer.from(facts.png, "hex");

export async function bytesOf(file) {
  const chunks = [];
  for await (const chunk of file.getReadableStream()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

// A call of the control API, or of anything else that the SDK does not know.
export async function post(path, body, token) {
  const headers = { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) };
  const answer = await (await fetch(facts.base_url + path, { method: "POST", headers, body: JSON.stringify(body) })).json();
  assert.equal(answer.code, 0, JSON.stringify(answer));
  return answer.data;
}

const ITERATOR = "WithIterator";

function* methods(object, steps = []) {
  for (const [name, value] of Object.entries(object)) {
    if (typeof value === "function") yield { steps: [...steps, name], call: value };
    else if (value && typeof value === "object" && steps.length < 3) yield* methods(value, [...steps, name]);
  }
}

function groups(api) {
  // The services: objects of objects of functions, not the client's own parts.
  const parts = Object.entries(api).filter(([, value]) => value?.constructor === Object);
  return Object.fromEntries(parts);
}

// The route of every typed method, from a client that sends nothing: method and path, parameters as {name}.
export async function routes() {
  let sent;
  class Nowhere {
    async request(request) {
      sent = request;
      return { code: 0, data: {} };
    }
  }
  const httpInstance = new Nowhere();
  const api = client({ app_id: "x", app_secret: "x" }, { httpInstance, domain: "http://none", disableTokenCache: true });
  const path = {};
  const found = [];
  const all = [...methods(groups(api))];
  // Methods with an iterator do not report missing parameters; their twins without one do.
  all.sort((a, b) => a.steps.at(-1).endsWith(ITERATOR) - b.steps.at(-1).endsWith(ITERATOR));
  for (const { steps, call } of all) {
    sent = undefined;
    const iterates = steps.at(-1).endsWith(ITERATOR);
    while (!sent) {
      try {
        const answer = await call({ path, data: {}, params: {} });
        if (iterates) await answer[Symbol.asyncIterator]().next();
        assert.ok(sent, steps.join("."));
      } catch (error) {
        const missing = /request miss (\w+) path argument/.exec(error.message)?.[1];
        if (!missing) throw error;
        path[missing] = `{${missing}}`;
      }
    }
    found.push({
      name: steps.join(".").replace(ITERATOR, ""),
      method: sent.method.toUpperCase(),
      path: sent.url.replace("http://none", ""),
      variant: iterates ? "iterator" : "",
    });
  }
  return found;
}

const called = [];
const known = new Map();

// A caller: `caller.im.v1.chat.get(payload)` calls the SDK with the caller's options, and is recorded if it succeeds.
export function caller(api, kind = "own", options = undefined) {
  const within = (object, steps) =>
    new Proxy(object, {
      get(target, name) {
        const value = target[name];
        if (typeof name !== "string" || value === null) return value;
        if (typeof value === "object") return within(value, [...steps, name]);
        if (typeof value !== "function") return value;
        return async (payload) => {
          const of = { name: [...steps, name].join("."), kind };
          const answer = await value(payload, options);
          return name.endsWith(ITERATOR) ? pages(answer, of) : remember(answer, of);
        };
      },
    });
  return within(api, []);
}

export const user = (api, token) => caller(api, "user", lark.withUserAccessToken(token));

function remember(answer, of) {
  // Uploads and downloads come without a code.
  const made = answer && (answer.image_key || answer.file_key || answer.file_token);
  if (made || answer?.code === 0 || answer?.getReadableStream) called.push(of);
  return answer;
}

// A refused page is null.
async function* pages(answer, of) {
  for await (const page of answer) {
    assert.ok(page, `${of.name} was refused`);
    called.push(of);
    yield page;
  }
}

// For run.py: the typed methods, and those that were called.
export async function tell() {
  const found = await routes();
  for (const one of found) known.set(one.name + (one.variant ? ITERATOR : ""), one);
  const calls = called.map(({ name, kind }) => {
    const { method, path, variant } = known.get(name);
    return { method, path, variant, kind };
  });
  console.log("TYPED " + JSON.stringify({ methods: found, calls }));
}
