// Messages, reactions, pins, files and card entities.

import assert from "node:assert/strict";
import { bytesOf, check, good, post, refused } from "./sdk.mjs";

const card = (content) => ({
  schema: "2.0",
  config: { update_multi: true },
  body: { elements: [{ tag: "markdown", element_id: "first", content }] },
});

export async function messages(stage) {
  for (const [name, who] of stage.both) {
    await sending(stage, name, who);
    await reactions(stage, name, who);
    await pins(stage, name, who);
    await files(stage, name, who);
    await uploads(stage, name, who);
    await forwarding(stage, name, who);
  }
  await entities(stage);
  await toPeople(stage);
  await toMany(stage);
}

async function send(who, receive_id, msg_type = "text", content = { text: "hello" }) {
  const data = { receive_id, msg_type, content: JSON.stringify(content) };
  return good(await who.im.v1.message.create({ params: { receive_id_type: "chat_id" }, data })).message_id;
}

const ids = (items) => (items ?? []).map((one) => one.message_id ?? one.reaction_id);

async function every(pages) {
  const found = [];
  for await (const page of pages) found.push(...(page.items ?? []));
  return ids(found);
}

async function sending(stage, name, who) {
  const api = who.im.v1.message;
  const chat = await stage.group(who);
  let sent;
  await check(`${name}: send, reply, read, list and recall`, async () => {
    sent = await send(who, chat);
    const data = { msg_type: "text", content: JSON.stringify({ text: "an answer" }) };
    const answer = good(await api.reply({ path: { message_id: sent }, data }));
    const path = { message_id: answer.message_id };
    assert.deepEqual([answer.parent_id, answer.root_id], [sent, sent]);
    const [item] = good(await api.get({ path })).items;
    assert.deepEqual(JSON.parse(item.body.content), { text: "an answer" });
    const params = { container_id_type: "chat", container_id: chat, page_size: 1 };
    const page = good(await api.list({ params }));
    assert.deepEqual([ids(page.items), page.has_more], [[sent], true]);
    assert.deepEqual(await every(await api.listWithIterator({ params })), [sent, answer.message_id]);
    good(await api.delete({ path }));
    await refused(api.reply({ path, data }), 230011);
  });
  await check(`${name}: replace a card, and see who read it`, async () => {
    const path = { message_id: await send(who, chat, "interactive", card("one")) };
    good(await api.patch({ path, data: { content: JSON.stringify(card("two")) } }));
    await stage.home.control("PUT", `/messages/${path.message_id}/read`, { as: stage.people[1].user_id });
    const { items } = good(await api.readUsers({ path, params: { user_id_type: "open_id" } }));
    assert.deepEqual(items.map((one) => one.user_id), [stage.person(1)]);
  });
  if (who !== stage.bot) return;
  await check("edit a text", async () => {
    const data = { msg_type: "text", content: JSON.stringify({ text: "changed" }) };
    const changed = good(await api.update({ path: { message_id: sent }, data }));
    assert.deepEqual([changed.updated, changed.body.content], [true, data.content]);
  });
}

async function reactions(stage, name, who) {
  await check(`${name}: react, list reactions of one and of several messages, take one back`, async () => {
    const api = who.im.v1.messageReaction;
    const path = { message_id: await send(who, await stage.group(who)) };
    const made = good(await api.create({ path, data: { reaction_type: { emoji_type: "SMILE" } } }));
    const operator_type = who === stage.bot ? "app" : "user";
    assert.equal(made.operator.operator_type, operator_type);
    assert.deepEqual(ids(good(await api.list({ path })).items), [made.reaction_id]);
    assert.deepEqual(await every(await api.listWithIterator({ path })), [made.reaction_id]);
    const told = good(await api.batchQuery({ data: { queries: [path] } }));
    assert.deepEqual(ids(told.success_msg_reaction_counts), [path.message_id]);
    const { reaction_id } = made;
    assert.equal(good(await api.delete({ path: { ...path, reaction_id } })).reaction_type.emoji_type, "SMILE");
    await refused(api.create({ path, data: { reaction_type: { emoji_type: "smile" } } }), 231001);
  });
}

async function pins(stage, name, who) {
  await check(`${name}: pin, list and unpin`, async () => {
    const api = who.im.v1.pin;
    const chat_id = await stage.group(who);
    const message_id = await send(who, chat_id);
    const { pin } = good(await api.create({ data: { message_id } }));
    assert.deepEqual([pin.message_id, pin.chat_id], [message_id, chat_id]);
    assert.deepEqual(ids(good(await api.list({ params: { chat_id } })).items), [message_id]);
    assert.deepEqual(await every(await api.listWithIterator({ params: { chat_id } })), [message_id]);
    good(await api.delete({ path: { message_id } }));
    assert.deepEqual(ids(good(await api.list({ params: { chat_id } })).items), []);
  });
}

async function files(stage, name, who) {
  await check(`${name}: a file there and back, from the message`, async () => {
    const { file, messageResource } = who.im.v1;
    const bytes = Buffer.from("notes");
    const { file_key } = await file.create({ data: { file_type: "stream", file_name: "notes.txt", file: bytes } });
    const message_id = await send(who, await stage.group(who), "file", { file_key });
    const path = { message_id, file_key };
    assert.ok((await bytesOf(await messageResource.get({ path, params: { type: "file" } }))).equals(bytes));
    if (who === stage.bot) assert.ok((await bytesOf(await file.get({ path: { file_key } }))).equals(bytes));
  });
}

async function uploads(stage, name, who) {
  await check(`${name}: upload a picture for a block of an announcement, and list its blocks page by page`, async () => {
    const chat_id = await stage.group(who);
    const data = { children: [{ block_type: 27, image: {} }] };
    const blocks = who.docx.v1.chatAnnouncementBlockChildren;
    const { children } = good(await blocks.create({ path: { chat_id, block_id: chat_id }, data }));
    const parent_node = children[0].block_id;
    const file = Buffer.from("bytes");
    const names = { file_name: "x.bin", parent_type: "docx_image", parent_node, size: file.length };
    const answer = await who.drive.v1.media.uploadAll({ data: { ...names, file } });
    assert.ok(answer.file_token, JSON.stringify(answer));
    const found = [];
    const pages = await who.docx.v1.chatAnnouncementBlock.listWithIterator({ path: { chat_id }, params: { page_size: 1 } });
    for await (const page of pages) found.push(...page.items.map((one) => one.block_type));
    assert.deepEqual(found, [1, 27]);
  });
}

async function forwarding(stage, name, who) {
  const { message, thread } = who.im.v1;
  const chat = await stage.group(who);
  const other = await stage.group(who);
  const params = { receive_id_type: "chat_id" };
  const data = { receive_id: other };
  await check(`${name}: forward a message and a thread, and search`, async () => {
    const path = { message_id: await send(who, chat, "text", { text: `needle ${name}` }) };
    const copy = good(await message.forward({ path, params, data }));
    assert.deepEqual([copy.chat_id, copy.msg_type], [other, "text"]);
    const content = JSON.stringify({ text: "in a thread" });
    const { thread_id } = good(await message.reply({ path, data: { msg_type: "text", content, reply_in_thread: true } }));
    assert.equal(good(await thread.forward({ path: { thread_id }, params, data })).msg_type, "merge_forward");
    const query = { query: "needle", filter: { chat_ids: [chat] } };
    const { items } = good(await message.search({ params: { page_size: 20 }, data: query }));
    assert.deepEqual(items.map((one) => one.meta_data.message_id), [path.message_id]);
    assert.equal((await every(await message.searchWithIterator({ params: { page_size: 1 }, data: query }))).length, 1);
  });
  if (who !== stage.bot) return;
  await check("forward several messages as one", async () => {
    const message_id_list = [await send(who, chat), await send(who, chat)];
    const answer = good(await message.mergeForward({ params, data: { ...data, message_id_list } }));
    const { message_id } = answer.message;
    const { items } = good(await message.get({ path: { message_id } }));
    assert.deepEqual(items.map((one) => one.upper_message_id), [undefined, message_id, message_id]);
  });
}

async function toPeople(stage) {
  const { message } = stage.bot.im.v1;
  await check("a message is made urgent, three ways; follow-ups; previews", async () => {
    const path = { message_id: await send(stage.bot, await stage.group(stage.bot)) };
    const urgent = { path, params: { user_id_type: "open_id" }, data: { user_id_list: [stage.person(0)] } };
    for (const way of ["urgentApp", "urgentSms", "urgentPhone"]) {
      assert.deepEqual(good(await message[way](urgent)).invalid_user_id_list ?? [], []);
    }
    const data = { receive_id: stage.person(0), msg_type: "text", content: JSON.stringify({ text: "hello" }) };
    const { message_id } = good(await message.create({ params: { receive_id_type: "open_id" }, data }));
    const follow_ups = [{ content: "Tell me more" }];
    good(await message.pushFollowUp({ path: { message_id }, data: { follow_ups } }));
    await refused(message.pushFollowUp({ path, data: { follow_ups } }), 230003);
    const preview_tokens = ["f7a7e3d9-3d0b-4ec5-a2f8-2d7b6b7c6a11"];
    good(await stage.bot.im.v2.urlPreview.batchUpdate({ data: { preview_tokens, open_ids: [stage.person(0)] } }));
  });
}

async function toMany(stage) {
  await check("a message to many people: its progress, its readers, its recall", async () => {
    const { app_id } = stage.facts;
    const { access_token: token } = await stage.home.control("POST", `/apps/${app_id}/tokens`, {});
    const body = { msg_type: "text", content: { text: "hello" }, open_ids: [stage.person(0), stage.person(1)] };
    const { message_id } = await post("/open-apis/message/v4/batch_send/", body, token);
    const path = { batch_message_id: message_id };
    const api = stage.bot.im.v1.batchMessage;
    const { batch_message_send_progress: sent } = good(await api.getProgress({ path }));
    assert.deepEqual([sent.valid_user_ids_count, sent.success_user_ids_count], [2, 2]);
    assert.deepEqual(good(await api.readUser({ path })).read_user, { read_count: "0", total_count: "2" });
    good(await api.delete({ path }));
    const { batch_message_recall_progress: recalled } = good(await api.getProgress({ path }));
    assert.deepEqual([recalled.recall, recalled.recall_count], [true, 2]);
  });
}

async function entities(stage) {
  await check("a card entity: made, sent, changed by every call, and of a message", async () => {
    const { card: cards, cardElement: elements } = stage.bot.cardkit.v1;
    const chat = await stage.group(stage.bot);
    const entity = (content) => ({ type: "card_json", data: JSON.stringify(card(content)) });
    const { card_id } = good(await cards.create({ data: entity("one") }));
    const sent = await send(stage.bot, chat, "interactive", { type: "card", data: { card_id } });
    const path = { card_id };
    const first = { card_id, element_id: "first" };
    const second = { card_id, element_id: "second" };
    const texts = async () => {
      const params = { card_msg_content_type: "user_card_content" };
      const [item] = good(await stage.bot.im.v1.message.get({ path: { message_id: sent }, params })).items;
      return JSON.parse(item.body.content).body.elements.map(({ content }) => content);
    };
    const streaming = (streaming_mode) => JSON.stringify({ config: { streaming_mode } });
    good(await cards.settings({ path, data: { settings: streaming(true), sequence: 1 } }));
    good(await elements.content({ path: first, data: { content: "one two", sequence: 2 } }));
    good(await cards.settings({ path, data: { settings: streaming(false), sequence: 3 } }));
    const markdown = (content) => ({ tag: "markdown", element_id: "second", content });
    const more = JSON.stringify([markdown("2")]);
    good(await elements.create({ path, data: { type: "append", elements: more, sequence: 4 } }));
    good(await elements.patch({ path: first, data: { partial_element: JSON.stringify({ content: "patched" }), sequence: 5 } }));
    good(await elements.update({ path: second, data: { element: JSON.stringify(markdown("replaced")), sequence: 6 } }));
    assert.deepEqual(await texts(), ["patched", "replaced"]);
    good(await elements.delete({ path: second, data: { sequence: 7 } }));
    const params = { element_id: "first", partial_element: { content: "in a batch" } };
    const actions = JSON.stringify([{ action: "partial_update_element", params }]);
    good(await cards.batchUpdate({ path, data: { actions, sequence: 8 } }));
    assert.deepEqual(await texts(), ["in a batch"]);
    good(await cards.update({ path, data: { card: entity("whole"), sequence: 9 } }));
    assert.deepEqual(await texts(), ["whole"]);
    await refused(cards.update({ path, data: { card: entity("again"), sequence: 9 } }), 300317);
    const message_id = await send(stage.bot, chat, "interactive", card("plain"));
    assert.match(good(await cards.idConvert({ data: { message_id } })).card_id, /^\d+$/);
  });
}
