// A bot that keeps a group for each project. This is the program under test: it knows nothing of Larkspur.

import * as lark from "@larksuiteoapi/node-sdk";

const RATE_LIMITED = 99991400;
const SILENT = { error() {}, warn() {}, info() {}, debug() {}, trace() {} };

// The platform refused a call.
export class Refused extends Error {
  constructor({ code, msg, error }) {
    super(`${code} ${msg}`);
    this.code = code;
    this.logId = error?.log_id;
    // Any of these scopes would have sufficed.
    this.scopes = (error?.permission_violations ?? []).map((one) => one.subject);
  }
}

// One call; it is retried once if the platform asks to wait. The SDK rejects every status from 400 on.
async function ask(call, last = false) {
  let answer;
  try {
    answer = await call();
  } catch (error) {
    if (!error.response?.data?.code) throw error;
    const { data, headers } = error.response;
    if (data.code !== RATE_LIMITED || last) throw new Refused(data);
    const seconds = Math.min(Number(headers["x-ogw-ratelimit-reset"] ?? 1), 2);
    await new Promise((done) => setTimeout(done, 1000 * seconds));
    return ask(call, true);
  }
  if (answer.code) throw new Refused(answer);
  return answer.data;
}

export class Rooms {
  constructor(appId, appSecret, domain = lark.Domain.Feishu) {
    this.im = new lark.Client({ appId, appSecret, domain, logger: SILENT }).im;
  }

  async open(project, people = []) {
    const data = { name: project, user_id_list: people };
    return (await ask(() => this.im.v1.chat.create({ params: { user_id_type: "open_id" }, data }))).chat_id;
  }

  async show(room) {
    return ask(() => this.im.v1.chat.get({ path: { chat_id: room }, params: { user_id_type: "open_id" } }));
  }

  async promote(room, person) {
    const request = { path: { chat_id: room }, params: { member_id_type: "open_id" }, data: { manager_ids: [person] } };
    return (await ask(() => this.im.v1.chatManagers.addManagers(request))).chat_managers;
  }

  // Adds a web page to a room's tabs; returns the names of all tabs.
  async link(room, name, url) {
    const tab = { tab_name: name, tab_type: "url", tab_content: { url } };
    const made = await ask(() => this.im.v1.chatTab.create({ path: { chat_id: room }, data: { chat_tabs: [tab] } }));
    return made.chat_tabs.map((one) => one.tab_name);
  }

  // Binds a tag to a room; it is created at its first use.
  async label(room, name) {
    const made = await ask(() => this.im.v2.tag.create({ data: { create_tag: { tag_type: "tenant", name } } }));
    const id = made.id || made.create_tag_fail_reason.duplicate_id;
    const data = { tag_biz_type: "chat", biz_entity_id: room, tag_ids: [id] };
    await ask(() => this.im.v2.bizEntityTagRelation.create({ data }));
    return id;
  }

  async labels(room) {
    const params = { tag_biz_type: "chat", biz_entity_id: room };
    const found = await ask(() => this.im.v2.bizEntityTagRelation.get({ params }));
    return found.tag_info_with_bind_versions.map((one) => one.tag_info.name);
  }
}
