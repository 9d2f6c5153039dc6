// A bot on a long connection. It repeats what it is told. Told "card", it shows a card whose button changes the card.
// Told "stream", it answers bit by bit.
//
//     npm install @larksuiteoapi/node-sdk
//     APP_ID=cli_… APP_SECRET=… BASE_URL=http://127.0.0.1:5275 node bot.mjs
//
// Only BASE_URL differs from the platform's own servers.

import * as lark from "@larksuiteoapi/node-sdk";

const { BASE_URL: domain = "https://open.feishu.cn", APP_ID: appId, APP_SECRET: appSecret } = process.env;
const { im, cardkit } = new lark.Client({ appId, appSecret, domain });

const done = async (answer) => {
  const { code, msg, data } = await answer; // The SDK rejects by HTTP status only: check the code.
  if (code !== 0) throw new Error(`${code} ${msg}`);
  return data;
};

const reply = (message_id, msg_type, content) =>
  done(im.message.reply({ path: { message_id }, data: { msg_type, content: JSON.stringify(content) } }));

const card = (elements, config = {}) => ({ schema: "2.0", config: { update_multi: true, ...config }, body: { elements } });

const question = () => {
  const text = { tag: "plain_text", content: "Approve" };
  const behaviors = [{ type: "callback", value: { decision: "approved" } }];
  const button = { tag: "button", element_id: "approve", text, behaviors };
  return card([{ tag: "markdown", content: "Deploy release 7?" }, button]);
};

async function stream(message_id, words) {
  const empty = card([{ tag: "markdown", element_id: "answer", content: "" }], { streaming_mode: true });
  const data = { type: "card_json", data: JSON.stringify(empty) };
  const { card_id } = await done(cardkit.v1.card.create({ data }));
  await reply(message_id, "interactive", { type: "card", data: { card_id } });
  const path = { card_id, element_id: "answer" };
  for (let sequence = 1; sequence <= words.length; sequence += 1) {
    // Each call has the whole text so far, and a greater sequence.
    const content = words.slice(0, sequence).join(" ");
    await done(cardkit.v1.cardElement.content({ path, data: { content, sequence } }));
  }
  const settings = JSON.stringify({ config: { streaming_mode: false } });
  await done(cardkit.v1.card.settings({ path: { card_id }, data: { settings, sequence: words.length + 1 } }));
}

async function answer({ message_id, message_type, content }) {
  const said = message_type === "text" ? JSON.parse(content).text : "";
  const text = said.split(/\s+/).filter((word) => word && !word.startsWith("@_")).join(" "); // Without mentions.
  if (text === "card") await reply(message_id, "interactive", question());
  else if (text === "stream") await stream(message_id, "This answer came bit by bit".split(" "));
  else if (text) await reply(message_id, "text", { text });
}

const eventDispatcher = new lark.EventDispatcher({}).register({
  "im.message.receive_v1": ({ message }) => {
    answer(message).catch(console.error); // The platform waits 3 s for a handler: it does not wait for the work.
  },
  "card.action.trigger": ({ action }) => {
    const shown = card([{ tag: "markdown", content: `Release 7 is ${action.value.decision}` }]);
    return { toast: { type: "success", content: "Approved" }, card: { type: "raw", data: shown } };
  },
});
new lark.WSClient({ appId, appSecret, domain }).start({ eventDispatcher });
