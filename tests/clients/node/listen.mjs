// An official Node client on a long connection. It prints a line of JSON for each event that it hears, each error that it
// logs, and why it gave up. FACTS: base_url, app_id, app_secret; `answer`, what it answers to a click on a card, which it prints, too.
// logs, and why it gave up. It answers a click of a card with a toast, unless the value of the action says `fail`. FACTS:
// base_url, app_id, app_secret.

import * as lark from "@larksuiteoapi/node-sdk";

const facts = JSON.parse(process.env.FACTS);
const say = (what) => console.log(JSON.stringify(what));
const complain = (...words) => say({ logged: words.map(String).join(" ") });
const logger = { error: complain, warn: complain, info() {}, debug() {}, trace() {} };

const heard = async (event) => say({ event: { header: { event_id: event.event_id, token: event.token }, event } });
const clicked = async ({ action, context, operator, token }) => {
  say({ callback: { action, context, operator, token } });
  return facts.answer;
};
const handlers = { "im.chat.updated_v1": heard, "im.message.receive_v1": heard, "card.action.trigger": clicked };
const eventDispatcher = new lark.EventDispatcher({ logger }).register(handlers);
const heard = async (event) =>
  say({ event: { header: { event_id: event.event_id, event_type: event.event_type, token: event.token }, event } });

const eventDispatcher = new lark.EventDispatcher({ logger }).register({
  "im.chat.updated_v1": heard,
  "im.chat.member.user.deleted_v1": heard,
  "im.chat.member.bot.deleted_v1": heard,
  "card.action.trigger": async (click) => {
    say({ clicked: { header: { event_id: click.event_id }, event: click } });
    if (click.action.value.fail) throw new Error("the handler failed");
    return { toast: { type: "success", content: "Done" } };
  },
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
