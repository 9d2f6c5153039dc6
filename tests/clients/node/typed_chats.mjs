// Groups, their members and their managers.

import assert from "node:assert/strict";
import { check, good, refused } from "./sdk.mjs";

export async function chats(stage) {
  for (const [name, who] of stage.both) {
    await groups(stage, name, who);
    await found(stage, name, who);
    await members(stage, name, who);
    await managers(stage, name, who);
  }
  await refusals(stage);
}

async function groups(stage, name, who) {
  const api = who.im.v1.chat;
  const made = [];
  for (let number = 0; number < 3; number += 1) made.push(await stage.group(who, { name: `${name} ${number}` }));

  await check(`${name}: get, change and dissolve a group`, async () => {
    const path = { chat_id: made[0] };
    const before = good(await api.get({ path, params: { user_id_type: "user_id" } }));
    assert.deepEqual([before.name, before.user_count, before.bot_count], [`${name} 0`, "2", "1"]);
    assert.equal(before.owner_id, who === stage.bot ? undefined : stage.people[0].user_id);
    const i18n_names = { zh_cn: "改名", en_us: "renamed", ja_jp: "改名" };
    const data = { name: "renamed", description: "again", i18n_names, edit_permission: "only_owner" };
    assert.deepEqual(good(await api.update({ path, data })), {});
    const after = good(await api.get({ path }));
    assert.deepEqual([after.name, after.description, after.edit_permission], ["renamed", "again", "only_owner"]);
    assert.deepEqual(after.i18n_names, i18n_names);
    assert.deepEqual(good(await api.delete({ path })), {});
    assert.equal(good(await api.get({ path })).chat_status, "dissolved");
    await refused(api.update({ path, data: { name: "x" } }), 232009);
  });

  await check(`${name}: list groups, one page and all of them`, async () => {
    const params = { user_id_type: "open_id", sort_type: "ByCreateTimeAsc", page_size: 2 };
    const first = good(await api.list({ params }));
    assert.deepEqual([first.items.length, first.has_more, typeof first.page_token], [2, true, "string"]);
    const ids = [];
    let pages = 0;
    for await (const page of await api.listWithIterator({ params })) {
      ids.push(...page.items.map((chat) => chat.chat_id));
      pages += 1;
    }
    assert.ok(pages > 1 && new Set(ids).size === ids.length, ids.join());
    assert.deepEqual(ids.slice(0, 2), first.items.map((chat) => chat.chat_id));
    assert.deepEqual(ids.filter((id) => made.includes(id)), made.slice(1));
  });
}

async function found(stage, name, who) {
  const { chat, chatModeration, chatTopNotice } = who.im.v1;
  const needle = await stage.group(who, { name: `needle ${name}` });
  const path = { chat_id: needle };

  await check(`${name}: search groups`, async () => {
    const params = { user_id_type: "open_id", query: "needle", page_size: 20 };
    const { items } = good(await chat.search({ params }));
    assert.ok(items.some((one) => one.chat_id === needle));
    const all = [];
    for await (const page of await chat.searchWithIterator({ params })) all.push(...page.items);
    assert.deepEqual(all, items);
  });

  await check(`${name}: search groups, the second version`, async () => {
    const payload = { params: { user_id_type: "open_id", page_size: 20 }, data: { query: "needle" } };
    const { items } = good(await who.im.v2.chat.search(payload));
    assert.ok(items.some((one) => one.meta_data.chat_id === needle), JSON.stringify(items));
    const all = [];
    for await (const page of await who.im.v2.chat.searchWithIterator(payload)) all.push(...page.items);
    assert.deepEqual(all, items);
  });

  await check(`${name}: a link to a group`, async () => {
    const link = good(await chat.link({ path, data: { validity_period: "year" } }));
    assert.match(link.share_link, /^http/);
    assert.equal(link.is_permanent, false);
  });

  await check(`${name}: who may speak`, async () => {
    const data = { moderation_setting: "moderator_list", moderator_added_list: [stage.person(1)] };
    good(await chatModeration.update({ path, params: { user_id_type: "open_id" }, data }));
    const payload = { path, params: { user_id_type: "open_id", page_size: 10 } };
    const page = good(await chatModeration.get(payload));
    assert.equal(page.moderation_setting, "moderator_list");
    assert.ok(page.items.some((one) => one.user_id === stage.person(1)), JSON.stringify(page));
    for await (const one of await chatModeration.getWithIterator(payload)) assert.deepEqual(one.items, page.items);
  });

  await check(`${name}: put up and take down a top notice`, async () => {
    good(await chatTopNotice.putTopNotice({ path, data: { chat_top_notice: [{ action_type: "2" }] } }));
    good(await chatTopNotice.deleteTopNotice({ path }));
  });
}

async function members(stage, name, who) {
  const api = who.im.v1.chatMembers;
  const path = { chat_id: await stage.group(who) };
  const third = stage.person(2);

  await check(`${name}: bring people in, list them, remove one`, async () => {
    const params = { member_id_type: "open_id", succeed_type: 1 };
    const added = good(await api.create({ path, params, data: { id_list: [third] } }));
    assert.deepEqual(Object.values(added).flat(), []);
    const first = good(await api.get({ path, params: { member_id_type: "open_id", page_size: 2 } }));
    assert.deepEqual([first.items.length, first.has_more, first.member_total], [2, true, 3]);
    const all = [];
    const pages = await api.getWithIterator({ path, params: { member_id_type: "open_id", page_size: 2 } });
    for await (const page of pages) all.push(...page.items);
    assert.deepEqual(new Set(all.map((one) => one.member_id)), new Set(stage.people.map((one) => one.open_id)));
    assert.deepEqual(new Set(all.map((one) => one.name)), new Set(stage.people.map((one) => one.name)));
    good(await api.delete({ path, params: { member_id_type: "open_id" }, data: { id_list: [third] } }));
    assert.equal(good(await api.get({ path })).member_total, 2);
  });

  await check(`${name}: join a public group; in it or not`, async () => {
    const keepers = stage.people.slice(1).map((one) => one.user_id);
    const body = { chat_type: "public", name: "open to all", owner: keepers[0], members: keepers };
    const open = { path: { chat_id: (await stage.home.control("POST", "/chats", body)).chat_id } };
    assert.equal(good(await api.isInChat(open)).is_in_chat, false);
    assert.deepEqual(good(await api.meJoin(open)), {});
    assert.equal(good(await api.isInChat(open)).is_in_chat, true);
  });
}

async function managers(stage, name, who) {
  await check(`${name}: appoint and dismiss managers`, async () => {
    const api = who.im.v1.chatManagers;
    const path = { chat_id: await stage.group(who) };
    const payload = { path, params: { member_id_type: "open_id" }, data: { manager_ids: [stage.person(1)] } };
    assert.deepEqual(good(await api.addManagers(payload)).chat_managers, [stage.person(1)]);
    const shown = good(await who.im.v1.chat.get({ path, params: { user_id_type: "open_id" } }));
    assert.deepEqual(shown.user_manager_id_list, [stage.person(1)]);
    assert.deepEqual(good(await api.deleteManagers(payload)).chat_managers ?? [], []);
  });
}

async function refusals(stage) {
  const path = { chat_id: await stage.group(stage.users[0]) };
  const stranger = stage.users[2].im.v1;
  await check("an outsider's requests are refused, and the SDK shows it", async () => {
    await refused(stranger.chat.update({ path, data: { name: "mine" } }), 232011);
    await refused(stranger.chat.delete({ path }), 232011);
    await refused(stranger.chatMembers.get({ path }), 232011);
    await refused(stranger.chatAnnouncement.get({ path }), 232011);
  });
  await check("a member is not an owner, no user makes a group, a chat that does not exist", async () => {
    await refused(stage.users[1].im.v1.chat.delete({ path }), 232017);
    await refused(stage.users[0].im.v1.chat.create({ data: { name: "by a user" } }), 99991668);
    await refused(stage.bot.im.v1.chat.get({ path: { chat_id: `oc_${"0".repeat(32)}` } }), 232006);
  });
}
