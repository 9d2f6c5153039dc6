// A webhook of the official SDK. It prints its port, then each event that it handles.
import http from "node:http";
import * as lark from "@larksuiteoapi/node-sdk";

const { ENCRYPT_KEY: encryptKey, VERIFICATION_TOKEN: verificationToken } = process.env;
const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

const dispatcher = new lark.EventDispatcher({ encryptKey, verificationToken }).register({
  "im.message.receive_v1": async (event) => say(event),
});
const server = http.createServer(lark.adaptDefault("/events", dispatcher, { autoChallenge: true }));
server.listen(0, "127.0.0.1", () => say({ port: server.address().port }));
