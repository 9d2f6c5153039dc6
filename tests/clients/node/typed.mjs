// Every typed method of the Node SDK for what the server serves, as an app and as a user; also its iterators.

import { tell } from "./sdk.mjs";
import { Stage } from "./stage.mjs";
import { chats } from "./typed_chats.mjs";
import { messages } from "./typed_messages.mjs";
import { signIn } from "./typed_sign_in.mjs";
import { things } from "./typed_things.mjs";
import { widgets } from "./typed_widgets.mjs";

export async function typed() {
  const stage = await Stage.open();
  for (const journey of [chats, widgets, things, messages, signIn]) await journey(stage);
  await tell();
}
