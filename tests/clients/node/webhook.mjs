// A webhook of the official SDK. It prints its port, then each event that it handles. It answers a click of a card with a
// toast. PORT is 0 for any; without AUTO_CHALLENGE it answers no challenge.
import http from "node:http";
import * as lark from "@larksuiteoapi/node-sdk";

const { ENCRYPT_KEY: encryptKey, VERIFICATION_TOKEN: verificationToken, PORT = "0", AUTO_CHALLENGE = "yes" } = process.env;
const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

const dispatcher = new lark.EventDispatcher({ encryptKey, verificationToken }).register({
  "im.message.receive_v1": async (event) => say(event),
  "card.action.trigger": async (click) => {
    say(click);
    return { toast: { type: "success", content: "Done" } };
  },
});
const server = http.createServer(lark.adaptDefault("/events", dispatcher, { autoChallenge: AUTO_CHALLENGE === "yes" }));
server.listen(Number(PORT), "127.0.0.1", () => say({ port: server.address().port }));
