// An official Node client on a long connection. It prints a line of JSON for each event that it hears, each error that it
// logs, and why it gave up. It prints a click of a card, and answers `answer`, or a toast without it; if the value of the
// action says `fail`, its handler throws. FACTS: base_url, app_id, app_secret, answer; `delay`, the seconds that its handler of
// events takes.

import * as lark from "@larksuiteoapi/node-sdk";

const facts = JSON.parse(process.env.FACTS);
const say = (what) => console.log(JSON.stringify(what));
const complain = (...words) => say({ logged: words.map(String).join(" ") });
const logger = { error: complain, warn: complain, info() {}, debug() {}, trace() {} };

// An event in the first envelope has a uuid, and no event_type.
const heard = (event_type) => async (event) => {
  const { event_id = event.uuid, token } = event;
  say({ event: { header: { event_id, event_type, token }, event } });
  await new Promise((resolve) => setTimeout(resolve, (facts.delay ?? 0) * 1000));
};
const kinds = [
  "im.chat.updated_v1", "im.chat.disbanded_v1", "im.chat.member.bot.added_v1", "im.chat.member.bot.deleted_v1",
  "im.chat.member.user.added_v1", "im.chat.member.user.deleted_v1", "im.chat.member.user.withdrawn_v1",
  "im.message.receive_v1", "im.message.recalled_v1", "im.message.message_read_v1", "im.message.reaction.created_v1",
  "im.message.reaction.deleted_v1", "im.chat.access_event.bot_p2p_chat_entered_v1", "application.bot.menu_v6", "p2p_chat_create",
];
const clicked = async (click) => {
  const { action, context, operator, token } = click;
  say({ clicked: { header: { event_id: click.event_id }, event: click }, callback: { action, context, operator, token } });
  if (action.value?.fail) throw new Error("the handler failed");
  return facts.answer ?? { toast: { type: "success", content: "Done" } };
};

const eventDispatcher = new lark.EventDispatcher({ logger }).register({
  ...Object.fromEntries(kinds.map((kind) => [kind, heard(kind)])),
  "card.action.trigger": clicked,
});
const client = new lark.WSClient({
  appId: facts.app_id,
  appSecret: facts.app_secret,
  domain: facts.base_url,
  logger,
  onReady: () => say({ ready: true }),
  onError: (error) => say({ error: String(error?.message ?? error), code: error?.code ?? null }),
});
client.start({ eventDispatcher });
