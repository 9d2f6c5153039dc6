// What the chat screen knows, and what can be done there. Each thing that can be done is an action.
import {Refused, W, get, quoted} from '../../lib/api.js';
import {lang, t} from '../../lib/i18n.js';
import {signal} from '../../lib/store.js';

/** @typedef {import('../../lib/api.js').Action} Action */
/** @typedef {{user_id: string, name: string, status: string, apps: {app_id: string, open_id: string}[]}} User */
/** @typedef {{app_id: string, name: string, bot: boolean, status: string, scopes: string[], bot_open_id?: string}} App */
/** @typedef {{member: string, kind: string, name: string, role?: string, nickname?: string}} Member */
/** @typedef {{code: number, name: string, note: string, facts?: Record<string, any>, fixes?: Fix[]}} Refusal */
/** @typedef {{act: string, allowed: boolean, rule: string, setting?: string, value?: string, refusal?: Refusal}} May */
/** What undoes a refusal. @typedef {{id: string, path: Record<string, string>, body?: any}} Fix */
/**
 * @typedef {{chat_id: string, chat_mode: string, chat_status: string, external: boolean, name: string, with?: Member, parties?: Member[],
 *   user_count: number, bot_count: number, active_at_ms: number, unread?: number,
 *   last?: {line: string, sender_name: string, sent_at_ms: number, recalled: boolean}}} Chat
 */
/**
 * @typedef {{chat_id: string, name: string, description: string, chat_mode: string, chat_status: string,
 *   viewer: {user_id: string, name: string, standing: string}, tags: {tag_id: string, name: string}[],
 *   tabs: {tab_id: string, tab_type: string, name: string, target: string, opens: string}[],
 *   top_notice: {kind: string, message_id?: string, line: string}[],
 *   announcement: {form: string, locked: boolean, revision: number, text?: string, cut?: boolean},
 *   menu: {menu_id: string, name: string, url?: string, children?: {menu_id: string, name: string, url?: string}[]}[],
 *   user_count: number, bot_count: number, members: Member[], more_members: boolean, may: May[]}} View
 */
/** A message as `larkspur.v1.chat.messages` answers it. @typedef {Record<string, any> & {message_id: string, create_time: string}} Message */
/** An event on its way to one app. @typedef {Record<string, any> & {event_id: string, app_id: string, state: string}} Delivery */
/** @typedef {{app_id: string, reason: string, needs?: string[], fixes?: Fix[]}} Absent */
/** What a click did. @typedef {{who: string, address: string, failed?: string, data?: Record<string, any>}} Outcome */

const PAGE = 50;
const HEARD = 'im.message.receive_v1';

/** The names of everyone in the world, by every id that messages and cards use. */
export class People {
  /** @type {User[]} */ users = [];
  /** @type {App[]} */ apps = [];
  /** @type {Map<string, string>} */ #names = new Map();

  /** @param {User[]} users @param {App[]} apps */
  constructor(users = [], apps = []) {
    this.users = users.filter(user => user.status !== 'resigned');
    this.apps = apps;
    for (const user of users) {
      for (const id of [user.user_id, ...user.apps.map(seen => seen.open_id)]) this.#names.set(id, user.name || user.user_id);
    }
    for (const app of apps) {
      for (const id of [app.app_id, app.bot_open_id]) if (id) this.#names.set(id, app.name || app.app_id);
    }
  }

  /** @param {string} id */
  name(id) {
    return this.#names.get(id) ?? id;
  }

  /** @param {string} id */
  has(id) {
    return this.#names.has(id);
  }

  bots() {
    return this.apps.filter(app => app.bot);
  }
}

/** The world, the chat and the person of the screen, and what the server told of them. */
export class Room {
  people = signal(new People());
  /** @type {import('../../lib/store.js').Signal<Chat[] | null>} */ chats = signal(/** @type {Chat[] | null} */ (null));
  /** @type {import('../../lib/store.js').Signal<View | null>} */ view = signal(/** @type {View | null} */ (null));
  /** @type {import('../../lib/store.js').Signal<Message[] | null>} */ messages = signal(/** @type {Message[] | null} */ (null));
  /** Cards that the person alone sees. */ own = signal(/** @type {Message[]} */ ([]));
  more = signal(false);
  ways = signal(/** @type {Map<string, Delivery[]>} */ (new Map()));
  absent = signal(/** @type {Absent[]} */ ([]));
  outcomes = signal(/** @type {Map<string, Outcome>} */ (new Map()));
  /** Why the messages, the chat, or the list cannot be shown. */ trouble = signal('');
  hidden = signal('');
  lost = signal('');
  pages = 1;
  moreChats = false;
  selected = signal('');
  reply = signal(/** @type {Message | null} */ (null));
  /** The last thing done, for "As code". */ last = signal(/** @type {Action | null} */ (null));
  chat = '';
  #turn = 0;

  /** @param {string} world @param {string} me a user_id; empty for everything as it is stored */
  constructor(world, me) {
    this.world = world;
    this.me = me;
  }

  /** Looks as someone else; answers that are on their way are not shown. @param {string} me */
  see(me) {
    this.me = me;
    this.#turn += 1;
  }

  /** @param {...string} rest */
  at(...rest) {
    return W(this.world, 'chats', this.chat, ...rest);
  }

  locale() {
    return lang.peek() === 'zh' ? 'zh_cn' : 'en_us';
  }

  async loadChats() {
    const all = [];
    let before;
    for (let page = 0; page < this.pages && (page === 0 || before); page += 1) {
      const list = await this.#reading(get(W(this.world, 'chats'), {as: this.me, lang: this.locale(), limit: 100, before}), this.lost);
      if (!list) return;
      all.push(...list.chats);
      before = list.before;
    }
    this.moreChats = Boolean(before);
    this.chats.set(all);
  }

  /** Opens a chat. @param {string} chat */
  async open(chat) {
    this.chat = chat;
    this.#turn += 1;
    this.view.set(null);
    this.messages.set(null);
    this.own.set([]);
    this.ways.set(new Map());
    this.absent.set([]);
    this.reply.set(null);
    this.trouble.set('');
    this.hidden.set('');
    if (chat) await this.refresh();
  }

  /** Reads everything about the chat again. */
  async refresh() {
    const turn = this.#turn;
    if (!this.chat) return;
    const asked = {as: this.me, lang: this.locale()};
    const [view, page, events] = await Promise.all([
      this.me ? this.#reading(get(this.at('view'), asked), this.hidden) : this.#stored(),
      this.#reading(get(this.at('messages'), {...asked, render: 1, limit: PAGE})),
      get(W(this.world, 'events'), {type: HEARD, chat_id: this.chat, limit: PAGE * 2}).catch(() => null),
    ]);
    if (turn !== this.#turn) return;
    if (view) this.view.set({tags: [], tabs: [], top_notice: [], menu: [], may: [], members: [], ...view});
    if (page) this.#show(page);
    if (events) this.#deliver(events);
  }

  /** The chat as it is stored, in the shape of a view. */
  async #stored() {
    const chat = await this.#reading(get(this.at()), this.hidden);
    if (!chat) return null;
    const people = this.people.peek();
    const members = chat.members.map((/** @type {{member: string, role: string}} */ one) =>
      ({...one, kind: one.member.startsWith('cli_') ? 'bot' : 'user', name: people.name(one.member)}));
    const bots = members.filter((/** @type {Member} */ one) => one.kind === 'bot').length;
    const tabs = chat.tabs.map((/** @type {any} */ tab) => ({...tab, name: tab.tab_name, opens: tab.tab_type === 'url' ? 'url' : 'none'}));
    return {
      ...chat, members, tabs, tags: [], menu: [], may: [], more_members: false, bot_count: bots, user_count: members.length - bots,
      viewer: {user_id: '', name: '', standing: 'outsider'}, announcement: {...chat.announcement, form: chat.announcement.announcement_type},
      top_notice: chat.top_notice.map((/** @type {any} */ one) => ({kind: one.message_id ? 'message' : 'announcement', message_id: one.message_id, line: ''})),
    };
  }

  /** @param {{messages: Message[], has_more: boolean, ephemeral: Message[]}} page */
  #show(page) {
    const known = new Set(page.messages.map(one => one.message_id));
    const first = Number(page.messages[0]?.create_time ?? 0);
    const older = page.has_more ? (this.messages.peek() ?? []).filter(one => !known.has(one.message_id) && Number(one.create_time) < first) : [];
    if (!older.length) this.more.set(page.has_more);
    this.messages.set([...older, ...page.messages]);
    this.own.set(page.ephemeral ?? []);
  }

  /** @param {{events: Delivery[], not_sent?: Absent[]}} told */
  #deliver(told) {
    /** @type {Map<string, Delivery[]>} */
    const fresh = new Map();
    for (const one of told.events) {
      const id = one.payload?.message?.message_id ?? one.payload?.event?.message?.message_id;
      if (id) fresh.set(id, [...(fresh.get(id) ?? []), one]);
    }
    this.ways.set(new Map([...this.ways.peek(), ...fresh]));
    // An app without a connection has deliveries all the same: a message without one has another reason.
    this.absent.set((told.not_sent ?? []).filter(one => one.reason !== 'no_connection'));
  }

  /** Reads the messages before those that are shown. */
  async older() {
    const shown = this.messages.peek() ?? [];
    const before = shown.find(one => !one.ephemeral)?.message_id;
    if (!before) return;
    const turn = this.#turn;
    const page = await this.#reading(get(this.at('messages'), {as: this.me, lang: this.locale(), render: 1, limit: PAGE, before}));
    if (!page || turn !== this.#turn) return;
    this.more.set(page.has_more);
    const now = this.messages.peek() ?? [];
    const known = new Set(now.map(one => one.message_id));
    this.messages.set([...page.messages.filter((/** @type {any} */ one) => !known.has(one.message_id)), ...now]);
  }

  /** An answer; nothing, with the trouble said, if it is a refusal. @param {Promise<any>} answer @param {import('../../lib/store.js').Signal<string>} [trouble] */
  async #reading(answer, trouble = this.trouble) {
    try {
      const data = await answer;
      trouble.set('');
      return data;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      trouble.set(error.missing ? t('app.missing', {operation: error.operation}) : error.line);
      return null;
    }
  }

  /** Whether the person may do something, as far as the server said. @param {string} act */
  may(act) {
    return this.view.peek()?.may.find(one => one.act === act);
  }

  /** @param {{text?: string, content?: any, msg_type?: string, reply_to?: string, in_thread?: boolean}} said @returns {Action} */
  say(said) {
    const short = said.text && !said.reply_to ? `larkspur chat say ${quoted(this.chat)} --as ${quoted(this.me)} '${said.text.replaceAll("'", "'\\''")}' --tenant ${this.world}` : undefined;
    return {id: 'chat.say', method: 'POST', path: this.at('messages'), body: {as: this.me, ...said}, text: 'chat.send', key: 'i', cli: short};
  }

  /** @param {string} message @param {string} element @param {Record<string, unknown>} use @returns {Action} */
  click(message, element, use) {
    const body = {as: this.me, element, lang: this.locale(), ...use};
    return {id: 'message.click', method: 'POST', path: this.of(message, 'clicks'), body, text: 'chat.click'};
  }

  /** @param {string} message @param {...string} rest */
  of(message, ...rest) {
    return W(this.world, 'messages', message, ...rest);
  }

  /** @param {string} message @param {string} emoji_type @returns {Action} */
  react(message, emoji_type) {
    return {id: 'message.react', method: 'POST', path: this.of(message, 'reactions'), body: {as: this.me, emoji_type}, text: 'chat.react', key: 'e'};
  }

  /** @param {string} message @param {string} reaction @returns {Action} */
  unreact(message, reaction) {
    return {id: 'message.unreact', method: 'DELETE', path: this.of(message, 'reactions', reaction), query: {as: this.me}, text: 'chat.unreact'};
  }

  /** @param {string} message @param {boolean} on @returns {Action} */
  pin(message, on) {
    const path = this.of(message, 'pin');
    return on ? {id: 'message.pin', method: 'PUT', path, body: {as: this.me}, text: 'chat.pin', key: 'p'}
      : {id: 'message.unpin', method: 'DELETE', path, query: {as: this.me}, text: 'chat.unpin', key: 'p'};
  }

  /** @param {string} message @returns {Action} */
  recall(message) {
    return {id: 'message.recall', method: 'DELETE', path: this.of(message), query: {as: this.me}, text: 'chat.recall', key: 'x'};
  }

  /** @param {string} message @returns {Action} */
  read(message) {
    return {id: 'message.read', method: 'PUT', path: this.of(message, 'read'), body: {as: this.me}, text: 'chat.read', key: 'u'};
  }

  /** @param {string} message @param {string} text @returns {Action} */
  edit(message, text) {
    return {id: 'message.edit', method: 'PATCH', path: this.of(message), body: {as: this.me, text}, text: 'chat.edit'};
  }

  /** @param {{tab_name: string, target: string}} tab @returns {Action} */
  addTab(tab) {
    const short = `larkspur chat tab add ${quoted(this.chat)} ${quoted(tab.target)} --name ${quoted(tab.tab_name)} --as ${quoted(this.me)} --tenant ${this.world}`;
    return {id: 'chat.tab_add', method: 'POST', path: this.at('tabs'), body: {as: this.me, tab_type: 'url', ...tab}, text: 'chat.tabAdd', key: '+', cli: short};
  }

  /** @param {string[]} tab_ids @returns {Action} */
  sortTabs(tab_ids) {
    const short = `larkspur chat tab sort ${quoted(this.chat)} ${tab_ids.join(' ')} --as ${quoted(this.me)} --tenant ${this.world}`;
    return {id: 'chat.tab_order', method: 'PATCH', path: this.at('tabs'), body: {as: this.me, tab_ids}, text: 'chat.tabs', cli: short};
  }

  /** @param {string} tab @param {string} name @returns {Action} */
  deleteTab(tab, name) {
    const short = `larkspur chat tab delete ${quoted(this.chat)} ${tab} --as ${quoted(this.me)} --tenant ${this.world}`;
    return {id: 'chat.tab_delete', method: 'DELETE', path: this.at('tabs', tab), query: {as: this.me}, text: 'chat.tabDelete', values: {name}, cli: short};
  }

  /** @param {string} member @param {boolean} [manager] @returns {Action} */
  addMember(member, manager) {
    const body = {...(manager === undefined ? {} : {manager}), ...(this.me ? {as: this.me} : {})};
    return {id: 'chat.member_put', method: 'PUT', path: this.at('members', member), body, text: 'chat.member_add', key: 'a'};
  }

  /** @param {string} member @returns {Action} */
  removeMember(member) {
    const query = this.me ? {as: this.me} : undefined;
    return {id: 'chat.member_delete', method: 'DELETE', path: this.at('members', member), query, text: 'chat.member_remove'};
  }

  /** @param {string} app_id @returns {Action} */
  openP2p(app_id) {
    return {id: 'p2p.open', method: 'POST', path: W(this.world, 'p2p'), body: {as: this.me, app_id}, text: 'chat.p2p', key: 'o'};
  }

  /** @param {string} app_id @param {string} event_key @returns {Action} */
  menu(app_id, event_key) {
    return {id: 'app.menu_click', method: 'POST', path: W(this.world, 'apps', app_id, 'menu_clicks'), body: {as: this.me, event_key}, text: 'chat.menu', key: 'b'};
  }

  /** @param {{name: string, members: string[]}} wanted @returns {Action} */
  newChat(wanted) {
    const body = {...wanted, ...(this.me ? {owner: this.me} : {})};
    return {id: 'chat.create', method: 'POST', path: W(this.world, 'chats'), body, text: 'chat.new', key: 'n'};
  }

  /** @param {Delivery} delivery @returns {Action} */
  resend(delivery) {
    return {id: 'event.resend', method: 'POST', path: W(this.world, 'events', delivery.event_id, 'resend'), body: {app_id: delivery.app_id}, text: 'chat.resend'};
  }

  /** What lets an app hear, if the server names no fix. @param {Absent} absent @returns {Fix | null} */
  remedy(absent) {
    const app_id = absent.app_id;
    const app = this.people.peek().apps.find(one => one.app_id === app_id);
    if (absent.reason === 'bot_absent') return {id: 'chat.member_put', path: {chat_id: this.chat, member: app_id}, body: {as: this.me}};
    if (absent.reason === 'no_scope' && app && absent.needs?.length) return {id: 'app.update', path: {app_id}, body: {scopes: [...app.scopes, absent.needs[0]]}};
    return null;
  }

  /** What the view is read with. @returns {Action} */
  show() {
    return {id: 'chat.messages', method: 'GET', path: this.at('messages'), query: {as: this.me, render: 1, lang: this.locale()}, text: 'chat.show'};
  }
}
