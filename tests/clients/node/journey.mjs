// The whole journey with the official Node SDK, unmodified. It prints a line for each check; run.py counts them.

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import * as lark from "@larksuiteoapi/node-sdk";
import { bytesOf, check, client, facts, good, png, refusal } from "./sdk.mjs";
import { typed } from "./typed.mjs";

async function metric(operation) {
  const text = await (await fetch(`${facts.base_url}/larkspur/metrics`)).text();
  const line = text.split("\n").find((line) => line.startsWith(`larkspur_requests_total{operation="${operation}",code="0"}`));
  return line ? Number(line.split(" ")[1]) : 0;
}

const api = client(facts);
const name = `客户 ${randomUUID()}`;
const owner = facts.users[0].open_id;
const asUser = (index) => lark.withUserAccessToken(facts.tokens[index]);
const made = {};
const link = (url, icon) => ({
  tab_name: "维基",
  tab_type: "url",
  tab_content: { url },
  tab_config: icon && { icon_key: icon, is_built_in: true },
});

await check("bot info with the generic request: bot at the top level", async () => {
  const answer = await api.request({ method: "GET", url: "/open-apis/bot/v3/info" });
  assert.equal(answer.code, 0);
  assert.match(answer.bot.open_id, /^ou_[0-9a-f]{32}$/);
  assert.equal(answer.data, undefined);
});

await check("create a chat: uuid, set_bot_manager, i18n_names as an object", async () => {
  const payload = {
    params: { user_id_type: "open_id", set_bot_manager: true, uuid: randomUUID() },
    data: {
      name: "larkspur 群",
      description: "made by the Node SDK",
      i18n_names: { zh_cn: "群", en_us: "Group", ja_jp: "グループ" },
      owner_id: owner,
      user_id_list: [owner],
    },
  };
  const chat = good(await api.im.chat.create(payload));
  assert.equal(chat.owner_id, owner);
  assert.equal(good(await api.im.chat.create(payload)).chat_id, chat.chat_id, "the same uuid made a second chat");
  made.chat = chat.chat_id;
});

await check("get the chat, with {} as body as this SDK sends it", async () => {
  const chat = good(await api.im.chat.get({ path: { chat_id: made.chat }, params: { user_id_type: "user_id" } }));
  assert.equal(chat.i18n_names.zh_cn, "群");
  assert.equal(chat.owner_id, facts.users[0].user_id);
  assert.deepEqual(chat.bot_manager_id_list, [facts.app_id]);
});

await check("upload images: Buffer and stream", async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "larkspur-"));
  try {
    const file = path.join(folder, "icon.png");
    fs.writeFileSync(file, png());
    const first = await api.im.image.create({ data: { image_type: "message", image: png() } });
    const second = await api.im.image.create({ data: { image_type: "message", image: fs.createReadStream(file) } });
    assert.match(first.image_key, /^img_v3_/);
    assert.notEqual(first.image_key, second.image_key);
    made.icons = [first.image_key, second.image_key];
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});

await check("get the images: the same bytes", async () => {
  for (const image_key of made.icons) {
    const file = await api.im.image.get({ path: { image_key } });
    assert.ok((await bytesOf(file)).equals(png()));
    assert.equal(file.headers["content-type"], "image/png");
  }
});

await check("create a tag, and a taken name", async () => {
  const create_tag = { tag_type: "tenant", name, i18n_names: [{ locale: "zh_cn", name: "客户" }] };
  made.tag = good(await api.im.v2.tag.create({ data: { create_tag } })).id;
  assert.match(made.tag, /^[0-9]{19}$/);
  const taken = good(await api.im.v2.tag.create({ data: { create_tag } }));
  assert.deepEqual(taken, { create_tag_fail_reason: { duplicate_id: made.tag } });
  made.other = good(await api.im.v2.tag.create({ data: { create_tag: { tag_type: "tenant", name: `${name} b` } } })).id;
});

await check("change a tag, its id repeated in the body", async () => {
  const patch_tag = { id: made.tag, name: `${name} 2`, i18n_names: [{ locale: "en-US", name: "client" }] };
  const { tag_info } = good(await api.im.v2.tag.patch({ path: { tag_id: made.tag }, data: { patch_tag } }));
  assert.equal(tag_info.name, `${name} 2`);
  assert.deepEqual(tag_info.i18n_names, [{ locale: "en-US", name: "client" }]);
});

await check("query tags with the generic request: ids[] as axios writes it, ids, and ids[0]", async () => {
  const ids = [made.tag, made.other];
  for (const indexes of [false, null, true]) {
    const style = { params: { ids }, paramsSerializer: { indexes } };
    const answer = await api.request({ method: "GET", url: "/open-apis/im/v2/tags", ...style });
    assert.deepEqual(good(answer).tag_infos.map((tag) => tag.id), ids);
  }
});

await check("bind, get, unbind", async () => {
  const relation = { tag_biz_type: "chat", biz_entity_id: made.chat };
  const bound = async () => {
    const answer = await api.im.v2.bizEntityTagRelation.get({ params: relation });
    return good(answer).tag_info_with_bind_versions.map((item) => item.tag_info.id);
  };
  const answer = await api.im.v2.bizEntityTagRelation.create({ data: { ...relation, tag_ids: [made.tag, made.other] } });
  assert.deepEqual(good(answer), {});
  assert.deepEqual(await bound(), [made.tag, made.other]);
  good(await api.im.v2.bizEntityTagRelation.update({ data: { ...relation, tag_ids: [made.other] } }));
  assert.deepEqual(await bound(), [made.tag]);
});

await check("add a url tab with an icon and a doc tab, and list them", async () => {
  const doc = { tab_name: "Plan", tab_type: "doc", tab_content: { doc: facts.document_url } };
  const answer = await api.im.chatTab.create({
    path: { chat_id: made.chat },
    data: { chat_tabs: [link("https://example.com", made.icons[0]), doc] },
  });
  assert.equal(answer.msg, "ok");
  const tabs = good(answer).chat_tabs;
  assert.deepEqual(tabs.map((tab) => tab.tab_type), ["message", "url", "doc"]);
  assert.deepEqual(tabs[1].tab_config, { icon_key: made.icons[0], is_built_in: true });
  const listed = good(await api.im.chatTab.listTabs({ path: { chat_id: made.chat } })).chat_tabs;
  assert.deepEqual(listed, tabs);
});

await check("add a collaborator to a document: need_notification false", async () => {
  const answer = await api.drive.permissionMember.create({
    path: { token: facts.document.token },
    params: { type: "docx", need_notification: false },
    data: { member_type: "openchat", member_id: made.chat, perm: "view", type: "chat" },
  });
  assert.equal(good(answer).member.perm, "view");
});

await check("as a user: get the chat, add a tab, list tabs", async () => {
  const chat = good(await api.im.chat.get({ path: { chat_id: made.chat } }, asUser(0)));
  assert.equal(chat.name, "larkspur 群");
  const mine = { tab_name: "Mine", tab_type: "doc", tab_content: { doc: facts.document.url } };
  const payload = { path: { chat_id: made.chat }, data: { chat_tabs: [mine] } };
  const tabs = good(await api.im.chatTab.create(payload, asUser(0))).chat_tabs;
  assert.equal(tabs.at(-1).tab_name, "Mine");
  assert.equal(good(await api.im.chatTab.listTabs({ path: { chat_id: made.chat } }, asUser(0))).chat_tabs.length, 4);
  const other = await refusal(api.im.chatTab.listTabs({ path: { chat_id: made.chat } }, asUser(1)));
  assert.equal(other.code, 232011);
});

await check("an AxiosError carries code, msg, log id and field violations", async () => {
  const empty = { data: { create_tag: { tag_type: "tenant", name: "" } } };
  const answer = await refusal(api.im.v2.tag.create(empty));
  assert.deepEqual([answer.status, answer.code, answer.msg], [400, 230001, "param is invalid"]);
  assert.equal(answer.error.log_id, answer.headers["x-tt-logid"]);
  assert.equal(answer.error.field_violations[0].field, "create_tag.name");
  assert.equal(answer.data, undefined);
});

await check("a refusal of bytes is JSON too", async () => {
  // The SDK requests a stream here, and gets the refusal as one.
  const error = await api.im.image.get({ path: { image_key: "img_v3_nothing" } }).catch((error) => error);
  assert.equal(error.response?.status, 400, String(error));
  const answer = JSON.parse(await bytesOf({ getReadableStream: () => error.response.data }));
  assert.equal(answer.code, 234001);
  assert.equal(answer.error.log_id, error.response.headers["x-tt-logid"]);
});

await check("a missing scope: permission violations", async () => {
  const answer = await refusal(client(facts.poor).im.v2.tag.create({ data: { create_tag: { tag_type: "tenant", name } } }));
  assert.equal(answer.code, 99991672);
  assert.equal(answer.error.permission_violations[0].type, "action_scope_required");
});

await check("over the rate limit: 429 and its headers", async () => {
  const reader = client(facts.reader);
  let answer;
  for (let call = 0; call < 200 && !answer; call += 1) {
    const sent = reader.request({ method: "GET", url: "/open-apis/im/v2/tags", params: { ids: ["1"] } });
    answer = await sent.then(() => undefined, (error) => refusal(Promise.reject(error)));
  }
  assert.deepEqual([answer?.status, answer?.code], [429, 99991400]);
  assert.equal(answer.headers["x-ogw-ratelimit-limit"], "5");
  assert.equal(answer.headers["x-ogw-ratelimit-reset"], "1");
});

await check("one sign-in for many requests; the typed sign-in ignores the token it carries", async () => {
  const before = await metric("auth.v3.tenant_access_token.internal");
  for (let call = 0; call < 10; call += 1) good(await api.im.chatTab.listTabs({ path: { chat_id: made.chat } }));
  assert.equal(await metric("auth.v3.tenant_access_token.internal"), before);
  const data = { app_id: facts.app_id, app_secret: facts.app_secret };
  const answer = await api.auth.v3.tenantAccessToken.internal({ data });
  assert.match(answer.tenant_access_token, /^t-/);
  assert.ok(answer.expire > 1800 && answer.expire <= 7200, JSON.stringify(answer));
});

await typed();
