// Images, tags, documents, users.

import assert from "node:assert/strict";
import { bytesOf, caller, check, client, good, png, refusal, refused } from "./sdk.mjs";

export async function things(stage) {
  await images(stage);
  await tags(stage);
  for (const [name, who] of stage.both) {
    await documents(stage, name, who);
    await people(stage, name, who);
  }
  await start(stage);
}

async function images(stage) {
  await check("an image there and back", async () => {
    const api = stage.bot.im.v1.image;
    const { image_key } = await api.create({ data: { image_type: "message", image: png() } });
    assert.ok((await bytesOf(await api.get({ path: { image_key } }))).equals(png()));
    const own = await stage.users[0].im.v1.image.create({ data: { image_type: "avatar", image: png() } });
    assert.match(own.image_key, /^v3_/);
  });
}

async function tags(stage) {
  await check("make and rename a tag, bind it, read it, unbind it", async () => {
    const { tag, bizEntityTagRelation: relation } = stage.bot.im.v2;
    const create_tag = { tag_type: "tenant", name: "client", i18n_names: [{ locale: "zh_cn", name: "客户" }] };
    const { id } = good(await tag.create({ data: { create_tag } }));
    const patched = await tag.patch({ path: { tag_id: id }, data: { patch_tag: { id, name: "customer" } } });
    assert.equal(good(patched).tag_info.name, "customer");
    const params = { tag_biz_type: "chat", biz_entity_id: await stage.group(stage.bot) };
    const data = { ...params, tag_ids: [id] };
    const bound = async () => good(await relation.get({ params })).tag_info_with_bind_versions ?? [];
    assert.deepEqual(good(await relation.create({ data })), {});
    assert.deepEqual((await bound()).map((one) => one.tag_info.id), [id]);
    assert.deepEqual(good(await relation.update({ data })), {});
    assert.deepEqual(await bound(), []);
  });
}

async function documents(stage, name, who) {
  await check(`${name}: let a group into a document, raise it, ask, remove it`, async () => {
    const api = who.drive.v1.permissionMember;
    const owner = who === stage.bot ? stage.facts.app_id : stage.people[0].user_id;
    const { token, doc_type: type } = await stage.home.control("POST", "/documents", { doc_type: "docx", owner });
    const chat = await stage.group(who);
    const data = { member_type: "openchat", member_id: chat, perm: "view", type: "chat" };
    const path = { token };
    const chatOf = (answer) => (good(answer).items ?? []).find((one) => one.member_type === "openchat");
    assert.equal(good(await api.create({ path, params: { type, need_notification: false }, data })).member.perm, "view");
    const one = { token, member_id: chat };
    const raised = await api.update({ path: one, params: { type, need_notification: false }, data: { ...data, perm: "edit" } });
    assert.equal(good(raised).member.perm, "edit");
    const shown = chatOf(await api.list({ path, params: { type, fields: "*" } }));
    assert.deepEqual([shown.member_id, shown.perm], [chat, "edit"]);
    assert.equal(good(await api.auth({ path, params: { type, action: "view" } })).auth_result, true);
    good(await api.delete({ path: one, params: { type, member_type: "openchat" } }));
    assert.equal(chatOf(await api.list({ path, params: { type } })), undefined);
    assert.equal((await refusal(api.create({ path: { token: "nothing" }, params: { type }, data }))).code, 1063005);
  });
}

async function people(stage, name, who) {
  const person = stage.people[1];
  await check(`${name}: a user's information`, async () => {
    const api = who.contact.v3.user;
    const params = { user_id_type: "open_id" };
    const { user } = good(await api.get({ path: { user_id: person.open_id }, params }));
    assert.deepEqual([user.open_id, user.union_id, user.name], [person.open_id, person.union_id, person.name]);
    const unknown = await refusal(api.get({ path: { user_id: `ou_${"0".repeat(32)}` }, params }));
    assert.equal(unknown.error.log_id, unknown.headers["x-tt-logid"]);
  });
  await check(`${name}: who several are`, async () => {
    const api = who.contact.v3.user;
    const ids = stage.people.map((one) => one.open_id);
    const params = { user_id_type: "open_id" };
    const { items } = good(await api.batch({ params: { ...params, user_ids: ids } }));
    assert.deepEqual(items.map((one) => [one.open_id, one.name]), stage.people.map((one) => [one.open_id, one.name]));
    const { users } = good(await api.basicBatch({ params, data: { user_ids: ids } }));
    assert.deepEqual(users.map((one) => one.user_id), ids);
    const query = { params: { ...params, department_id: "0", page_size: 2 } };
    assert.equal(good(await api.findByDepartment(query)).has_more, true);
    const found = [];
    for await (const page of await api.findByDepartmentWithIterator(query)) found.push(...page.items);
    assert.deepEqual(ids.filter((id) => !found.some((one) => one.open_id === id)), []);
    assert.deepEqual(good(await api.list({})).items, []);
    for await (const page of await api.listWithIterator({ params: { department_id: "0" } })) assert.ok(page.items.length);
  });
  if (who === stage.bot) {
    await check("users by their contacts", async () => {
      const payload = { params: { user_id_type: "open_id" }, data: { emails: ["unknown@example.com"] } };
      const { user_list } = good(await who.contact.v3.user.batchGetId(payload));
      assert.deepEqual(user_list, [{ email: "unknown@example.com" }]);
    });
  }
}

async function start(stage) {
  await check("data that a bot reads at start", async () => {
    const ids = stage.people.map((one) => one.open_id);
    const { application, scope } = stage.bot.application.v6;
    const { app } = good(await application.get({ path: { app_id: "me" }, params: { lang: "zh_cn" } }));
    assert.deepEqual([app.app_id, app.owner.owner_id], [stage.facts.app_id, ids[0]]);
    const { scopes } = good(await scope.list({}));
    assert.ok(scopes.some((one) => one.scope_name === "im:chat" && one.grant_status === 1));
    const wanted = { scopes: ["im:chat"], requested_scopes: ["im:resource"] };
    const wanting = caller(client(await stage.home.control("POST", "/apps", wanted)));
    good(await wanting.application.v6.scope.apply({}));
    await refused(wanting.application.v6.scope.apply({}), 212004);
    assert.equal(good(await stage.bot.tenant.v2.tenant.query({})).tenant.tenant_key, stage.facts.tenant_key);
    const range = stage.bot.contact.v3.scope;
    const { user_ids } = good(await range.list({}));
    assert.deepEqual(ids.filter((id) => !user_ids.includes(id)), []);
    for await (const page of await range.listWithIterator({ params: { page_size: 2 } })) assert.ok(page.user_ids.length);
    const ips = stage.bot.event.v1.outboundIp;
    assert.deepEqual(good(await ips.list({})).ip_list, ["127.0.0.1"]);
    for await (const page of await ips.listWithIterator({})) assert.ok(page.ip_list.length);
    assert.equal(good(await stage.bot.event.v1.connection.get({})).online_instance_cnt, 0);
  });
  await check("an app's subscriptions", async () => {
    const data = { event: { subscription_type: "websocket", add_events: ["im.chat.updated_v1"] } };
    const path = { app_id: stage.facts.app_id };
    for (const who of [stage.bot, stage.users[0]]) good(await who.application.v7.applicationConfig.patch({ path, data }));
    const { app } = good(await stage.bot.application.v6.application.get({ path: { app_id: "me" }, params: { lang: "zh_cn" } }));
    assert.equal(app.event.subscription_type, "websocket");
  });
}
