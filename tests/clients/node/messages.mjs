// Messages with the official Node SDK, unmodified: its typed methods, and its channel layer with the branches that it takes on
// refusals. It prints a line for each check; run.py counts them. FACTS: base_url, control_key, png.

import assert from "node:assert/strict";
import * as lark from "@larksuiteoapi/node-sdk";
import { bytesOf, check, client, facts, good } from "./sdk.mjs";
import { World } from "./stage.mjs";

const silent = { error() {}, warn() {}, info() {}, debug() {}, trace() {} };

class Room {
  static async open() {
    const room = new Room();
    room.home = await World.fresh();
    const { app_id, app_secret, chat_id, users } = room.home.facts;
    Object.assign(room, { app_id, chat: chat_id, users, api: client(room.home.facts) });
    const names = { appId: app_id, appSecret: app_secret, domain: facts.base_url, logger: silent };
    room.channel = lark.createLarkChannel({ ...names, outbound: { retry: { baseDelayMs: 10 } } });
    return room;
  }

  // A user says something.
  async says(text, more = {}) {
    const body = { as: this.users[0].user_id, text, ...more };
    return (await this.home.control("POST", `/chats/${this.chat}/messages`, body)).message_id;
  }

  refuse(operation, code) {
    return this.home.control("PUT", `/refusals/${operation}`, { code });
  }

  // The next calls of an operation, changed as a rule of the world says.
  fault(operation, effect, times = 1) {
    return this.home.control("POST", "/faults", { match: { operation }, effect, times });
  }

  async stored() {
    return (await this.home.control("GET", `/chats/${this.chat}/messages?limit=100`)).messages;
  }

  async list(container_id_type, container_id) {
    return good(await this.api.im.message.list({ params: { container_id_type, container_id } })).items;
  }
}

const ids = (messages) => messages.map(({ message_id }) => message_id);

await check("a reply in a thread: thread_id, and where it is listed", async () => {
  const room = await Room.open();
  const root = await room.says("root");
  const data = { msg_type: "text", content: JSON.stringify({ text: "in a thread" }), reply_in_thread: true };
  const answer = good(await room.api.im.message.reply({ path: { message_id: root }, data }));
  assert.match(answer.thread_id, /^omt_/);
  assert.deepEqual([answer.root_id, answer.parent_id], [root, root]);
  assert.deepEqual(ids(await room.list("thread", answer.thread_id)), [root, answer.message_id]);
  assert.deepEqual(ids(await room.list("chat", room.chat)), [root]);
});

await check("channel layer: markdown is one post message, which reads back without an md tag", async () => {
  const room = await Room.open();
  const { messageId } = await room.channel.send(room.chat, { markdown: "# Title\n\n**bold** and a [link](https://example.com)" });
  const [message, ...more] = await room.stored();
  assert.deepEqual([message.message_id, message.msg_type, more], [messageId, "post", []]);
  const [item] = good(await room.api.im.message.get({ path: { message_id: messageId } })).items;
  const tags = JSON.parse(item.body.content).content.flat().map(({ tag }) => tag);
  assert.ok(tags.length > 0 && !tags.includes("md"), item.body.content);
});

for (const code of [230020, 230017]) {
  await check(`channel layer: ${code} is a lost target: a reply is sent as a new message`, async () => {
    const room = await Room.open();
    const said = await room.says("hello");
    await room.refuse("im.v1.message.reply", code);
    const { messageId } = await room.channel.send(room.chat, { text: "again" }, { replyTo: said });
    const message = (await room.stored()).at(-1);
    assert.deepEqual([message.message_id, message.parent_id], [messageId, undefined]);
  });
}

await check("channel layer: 230001 is a wrong format: a post is sent as text", async () => {
  const room = await Room.open();
  const post = { zh_cn: { content: [[{ tag: "text", text: "kept" }, { tag: "no such tag" }]] } };
  await room.channel.send(room.chat, { post });
  const [message] = await room.stored();
  assert.deepEqual([message.msg_type, JSON.parse(message.body.content)], ["text", { text: "kept" }]);
});

await check("channel layer: 230002 fails with format_error", async () => {
  const room = await Room.open();
  await room.home.control("DELETE", `/chats/${room.chat}/members/${room.app_id}`);
  const error = await room.channel.send(room.chat, { text: "hello" }).catch((caught) => caught);
  assert.deepEqual([error.code, error.cause?.response?.data?.code], ["format_error", 230002], String(error.stack));
});

await check("channel layer: 99991400 fails with permission_denied", async () => {
  const room = await Room.open();
  await room.refuse("im.v1.message.create", 99991400);
  const error = await room.channel.send(room.chat, { text: "hello" }).catch((caught) => caught);
  assert.deepEqual([error.code, error.cause?.response?.status], ["permission_denied", 429], String(error.stack));
});

await check("channel layer: 99991401 fails with permission_denied", async () => {
  const room = await Room.open();
  await room.fault("im.v1.message.create", { refuse: { code: 99991401, text: "ip 10.0.0.1 is denied by app setting" } });
  const error = await room.channel.send(room.chat, { text: "hello" }).catch((caught) => caught);
  assert.deepEqual([error.code, error.cause?.response?.data?.code], ["permission_denied", 99991401], String(error.stack));
  assert.deepEqual(await room.stored(), []);
});

await check("channel layer: an answer without message_id fails, after three tries", async () => {
  const room = await Room.open();
  await room.fault("im.v1.message.create", { answer: { status: 200, media: "application/json", body: '{"code":0,"msg":"success","data":{}}' } }, 3);
  const error = await room.channel.send(room.chat, { text: "hello" }).catch((caught) => caught);
  assert.deepEqual([error.code, /message_id/.test(error.message)], ["unknown", true], String(error.stack));
  assert.deepEqual(await room.stored(), []);
  await room.channel.send(room.chat, { text: "hello" });
  assert.equal((await room.stored()).length, 1);
});

await check("channel layer: HTTP 404 is a lost target: a reply is sent as a new message", async () => {
  const room = await Room.open();
  const said = await room.says("hello");
  await room.fault("im.v1.message.reply", { answer: { status: 404, media: "text/plain", body: "404 page not found" } });
  const { messageId } = await room.channel.send(room.chat, { text: "again" }, { replyTo: said });
  const message = (await room.stored()).at(-1);
  assert.deepEqual([message.message_id, message.parent_id], [messageId, undefined]);
});

await check("channel layer: HTTP 429 is tried again", async () => {
  const room = await Room.open();
  await room.fault("im.v1.message.create", { answer: { status: 429, media: "text/plain", body: "slow down" } }, 2);
  const { messageId } = await room.channel.send(room.chat, { text: "hello" });
  assert.deepEqual(ids(await room.stored()), [messageId]);
});

await check("channel layer: a streamed answer is one card that has the whole text at its end", async () => {
  const room = await Room.open();
  const words = ["This ", "came ", "bit by bit"];
  const markdown = async (stream) => {
    for (const word of words) await stream.append(word);
  };
  const { messageId } = await room.channel.stream(room.chat, { markdown });
  const [message] = await room.stored();
  assert.equal(message.message_id, messageId);
  const params = { card_msg_content_type: "user_card_content" };
  const [item] = good(await room.api.im.message.get({ path: { message_id: messageId }, params })).items;
  assert.ok(item.body.content.includes(words.join("")), item.body.content);
});

await check("channel layer: a card that is streamed changes in place", async () => {
  const room = await Room.open();
  const card = (content) => ({ config: { update_multi: true }, elements: [{ tag: "markdown", content }] });
  const producer = async (stream) => {
    await stream.update(card("two"));
    await stream.update(card("three"));
  };
  const { messageId } = await room.channel.stream(room.chat, { card: { initial: card("one"), producer } });
  const params = { card_msg_content_type: "user_card_content" };
  const [item] = good(await room.api.im.message.get({ path: { message_id: messageId }, params })).items;
  assert.deepEqual(JSON.parse(item.body.content), card("three"));
  assert.equal((await room.stored()).length, 1);
});

await check("channel layer: an image and a file are uploaded and sent", async () => {
  const room = await Room.open();
  const source = Buffer.from(facts.png, "hex");
  await room.channel.send(room.chat, { image: { source } });
  await room.channel.send(room.chat, { file: { source, fileName: "x.bin" } });
  const [image, file] = await room.stored();
  assert.deepEqual([image.msg_type, file.msg_type], ["image", "file"]);
  const path = { message_id: file.message_id, file_key: JSON.parse(file.body.content).file_key };
  const got = await room.api.im.messageResource.get({ path, params: { type: "file" } });
  assert.ok((await bytesOf(got)).equals(source));
});

await check("channel layer: it connects, hears a mention without it, reacts, edits and recalls", async () => {
  const room = await Room.open();
  await room.channel.connect();
  try {
    const heard = new Promise((resolve, reject) => {
      room.channel.on("message", resolve);
      setTimeout(() => reject(new Error("nothing was heard")), 10000).unref();
    });
    const said = await room.says(`<at user_id="${room.app_id}"></at> hello`);
    const message = await heard;
    assert.deepEqual([message.messageId, message.content.trim(), message.mentionedBot], [said, "hello", true], JSON.stringify(message));
    const reaction = await room.channel.addReaction(said, "Typing");
    assert.ok(reaction);
    assert.equal(await room.channel.removeReactionByEmoji(said, "Typing"), true);
    const { messageId } = await room.channel.send(room.chat, { text: "an answer" }, { replyTo: said });
    await room.channel.editMessage(messageId, "a better answer");
    assert.equal(JSON.parse((await room.stored()).at(-1).body.content).text, "a better answer");
    await room.channel.recallMessage(messageId);
    assert.equal((await room.list("chat", room.chat)).at(-1).deleted, true);
  } finally {
    await room.channel.disconnect();
  }
});

process.exit(0);
