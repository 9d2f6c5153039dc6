// Chats as a chosen person sees them, live: messages, cards to click, and how each bot was told.
import {W, run} from '../lib/api.js';
import {applyFix, fixLabel} from '../lib/call.js';
import {h, replace} from '../lib/dom.js';
import {lang, plural, t} from '../lib/i18n.js';
import {json} from '../lib/json.js';
import {cleanup, effect} from '../lib/store.js';
import * as stream from '../lib/stream.js';
import {clock} from '../lib/time.js';
import {button, empty} from '../lib/ui.js';
import * as dialogs from './chat/dialogs.js';
import {Log} from './chat/log.js';
import {avatar} from './chat/message.js';
import {People, Room} from './chat/room.js';
import {Writer} from './chat/say.js';
import {because, side} from './chat/side.js';

/** @typedef {import('../app.js').Context} Context */
/** @typedef {import('./chat/room.js').Message} Message */
/** @typedef {import('../lib/api.js').Action} Action */

const WIDE = '(min-width: 900px)';
/** Calls of the platform that change chats or messages. */
const WRITES = /^(im\.v\d|cardkit)\.(?!.*\.(get|list|search|link|is_in_chat|read_users)$)/;
/** How often the page asks, if the server does not stream a chat. */
const ASK_MS = 3000;

class Screen {
  /** @type {Writer | null} */ #writer = null;
  /** @type {() => void} */ #unhear = () => {};
  #due = false;
  /** Whether the screen was left. */ #ended = false;
  #next = 0;
  /** @type {Promise<void>} */ #reading = Promise.resolve();
  /** The chat that is followed. @type {string | null} */ #open = null;

  /** @param {Context} ctx */
  constructor(ctx) {
    this.ctx = ctx;
    this.room = new Room(ctx.world.peek(), ctx.viewer.peek()?.user_id ?? '');
    this.list = h('ul', {class: 'chat-rows'});
    this.head = h('header', {class: 'room-head'});
    this.notices = h('div', {class: 'room-notices'});
    this.log = new Log(this.room, {hands: () => this.#hands(), readAll: () => void this.readAll(), nothing: () => this.#nothing(), say: words => {
      this.status.textContent = words;
    }});
    this.menu = h('nav', {class: 'chat-menu', 'aria-label': t('chat.groupMenu')});
    this.below = h('div', {class: 'room-say'});
    this.aside = h('aside', {class: 'chat-side', 'aria-label': t('chat.details')});
    this.status = h('div', {class: 'away', role: 'status'});
    this.node = h('div', {class: 'chat'}, this.#lists(), h('section', {class: 'chat-room', 'aria-label': t('chat.room')}, this.head, this.notices, this.log.nodes, this.menu, this.below, this.status), this.aside);
    this.#watch();
  }

  /** The column of chats. */
  #lists() {
    return h('nav', {class: 'chat-list', 'aria-label': t('chat.chats')}, h('div', {class: 'chat-list-head'},
      h('h2', {}, t('chat.chats')), button(t('chat.new'), () => dialogs.newChat(this), {key: 'n'}), button(t('chat.p2p'), () => dialogs.openP2p(this), {key: 'o'})), this.list);
  }

  /** What is shown follows what is known. */
  #watch() {
    const {ctx, room} = this;
    effect(() => room.people.set(new People(/** @type {any} */ (ctx.users.get()), /** @type {any} */ (ctx.apps.get()))));
    effect(() => {
      room.see(ctx.viewer.get()?.user_id ?? '');
      this.log.forget();
      this.#write();
    });
    effect(() => {
      ctx.viewer.get();
      ctx.changed.get();
      lang.get();
      this.soon();
    });
    for (const show of [this.#showChats, this.#showHead, this.#showSide, this.#showMenu]) effect(() => void show.call(this));
    effect(() => this.log.show());
    effect(() => this.log.select());
    this.follow(ctx.params);
    const every = setInterval(() => {
      if (!document.hidden && (!stream.streams(`chat:${room.chat}`) || stream.state.peek().kind !== 'live')) this.soon();
    }, ASK_MS);
    cleanup(() => {
      this.#ended = true;
      clearInterval(every);
      this.#unhear();
      this.#writer?.dispose();
    });
  }

  /** Shows the chat that the hash names. @param {URLSearchParams} params */
  follow(params) {
    const chat = params.get('chat') ?? '';
    this.node.dataset.pane = chat ? 'room' : 'list';
    this.log.want = params.get('sel') ?? '';
    if (chat !== this.#open) this.#enter(chat);
  }

  /** @param {string} chat */
  #enter(chat) {
    const {room} = this;
    this.#open = chat;
    this.#unhear();
    this.log.clear();
    void room.open(chat);
    const soon = () => this.soon();
    const heard = [stream.on('*', soon), stream.on('events', soon), stream.on('traffic', rows => this.#seen(rows)), ...(chat ? [stream.on(`chat:${chat}`, soon)] : [])];
    this.#unhear = () => heard.forEach(end => end());
    this.#write();
  }

  /** The line to write in, for the present person and chat. */
  #write() {
    const {room, ctx} = this;
    this.#writer?.dispose();
    const how = {people: () => this.#people(), send: (/** @type {Record<string, any>} */ said) => this.#say(said), name: ctx.viewer.peek()?.name ?? '', leave: () => this.log.move(0)};
    this.#writer = room.chat && room.me ? new Writer(room, how) : null;
    replace(this.below, this.#writer?.node);
  }

  #showMenu() {
    const menu = this.room.view.get()?.menu ?? [];
    const entry = (/** @type {{name: string, url?: string}} */ one) => (/^https?:\/\//i.test(one.url ?? '') ? h('a', {href: one.url, target: '_blank', rel: 'noopener noreferrer', title: one.url}, one.name, ' ↗') : h('span', {}, one.name));
    this.menu.hidden = !menu.length;
    replace(this.menu, menu.map(one => (one.children?.length ? h('details', {}, h('summary', {}, one.name), one.children.map(entry)) : entry(one))));
  }

  /** Calls that change chats change what is shown. @param {{operation?: string}[]} rows */
  #seen(rows) {
    if (rows.some(({operation = ''}) => WRITES.test(operation))) this.soon();
  }

  /** Reads again soon, but never twice at a time. */
  soon() {
    if (this.#due || this.#ended) return;
    this.#due = true;
    setTimeout(async () => {
      await this.#reading;
      this.#due = false;
      if (this.#ended) return;
      this.#reading = Promise.all([this.room.loadChats(), this.room.refresh()]).then(() => this.#first(), () => {});
    }, Math.max(60, this.#next - Date.now()));
    this.#next = Date.now() + 300;
  }

  /** On a wide screen, the latest chat is open at first. */
  #first() {
    const first = this.room.chats.peek()?.[0];
    if (this.#ended || this.room.chat || !first || !matchMedia(WIDE).matches) return;
    this.ctx.put({chat: first.chat_id});
    this.follow(this.ctx.params);
  }

  /** Who can be mentioned: the members, bots first. */
  #people() {
    const members = this.room.view.peek()?.members ?? [];
    const all = members.filter(one => one.member !== this.room.me).map(one => ({id: one.member, name: one.name, bot: one.kind === 'bot'}));
    return [...all.filter(one => one.bot), ...all.filter(one => !one.bot), {id: 'all', name: t('card.all'), bot: false}];
  }

  // What is done.

  /** Does something and reads again. Refusals are shown, with the way to their reason. @param {Action} action @returns {Promise<any>} the answer; undefined if it was refused */
  async perform(action) {
    this.room.last.set(action);
    try {
      const {data} = await run(action);
      this.soon();
      return data ?? {};
    } catch (error) {
      this.refused(error);
      return undefined;
    }
  }

  /** @param {any} error */
  refused(error) {
    const why = error.log_id ? {words: t('chat.why'), run: () => this.ctx.go(`traffic?sel=${error.log_id}`)} : undefined;
    this.ctx.toast(error.line || String(error.message ?? error), 'failed', why);
  }

  /** @param {Record<string, any>} said */
  async #say(said) {
    const sent = await this.perform(this.room.say(said));
    if (!sent) return false;
    this.log.bottom();
    return true;
  }

  /** What can be done with a message. @returns {import('./chat/message.js').Hands} */
  #hands() {
    return {
      host: message => this.#host(message),
      act: (what, message, more) => void this.act(what, message, more),
      fix: fix => this.#words(fix),
      now: () => this.ctx.now(),
      href: hash => `#/w/${encodeURIComponent(this.room.world)}/${hash}`,
    };
  }

  /** What a fix does. @param {import('./chat/room.js').Fix} fix */
  #words(fix) {
    if (fix.id.endsWith('chat.member_put')) return t('chat.addNamed', {name: this.room.people.peek().name(fix.path.member)});
    const {text, values} = fixLabel(this.ctx, fix);
    return t(text, values);
  }

  /** What surrounds the card of a message. @param {Message} message @returns {import('../lib/card.js').Host} */
  #host(message) {
    const {room, ctx} = this;
    return {
      live: Boolean(room.me) && !message.ephemeral,
      image: key => W(room.world, 'images', key),
      file: key => W(room.world, 'files', key),
      name: id => room.people.peek().name(id),
      people: () => (room.view.peek()?.members ?? []).filter(one => one.kind === 'user').map(one => ({id: this.#openId(one.member, message), name: one.name})),
      confirm: (title, text) => ctx.dialog.confirm({title, text, act: t('chat.confirm')}),
      use: (address, use, source) => void this.#use(message, address, use, source),
    };
  }

  /** The id by which the app of a card knows a person. @param {string} user @param {Message} message */
  #openId(user, message) {
    const found = this.room.people.peek().users.find(one => one.user_id === user);
    return found?.apps.find(one => one.app_id === message.app_id)?.open_id ?? user;
  }

  /** Uses an element of a card, and shows what it did. @param {Message} message @param {string} address @param {import('../lib/card.js').Use} use @param {HTMLElement} source */
  async #use(message, address, use, source) {
    const {room, ctx} = this;
    const action = room.click(message.message_id, address, use);
    room.last.set(action);
    source.setAttribute('aria-busy', 'true');
    const who = ctx.viewer.peek()?.name ?? room.me;
    /** @type {import('./chat/room.js').Outcome} */
    let outcome;
    try {
      outcome = {who, address, data: (await run(action)).data};
    } catch (error) {
      outcome = {who, address, failed: /** @type {any} */ (error).line ?? String(error)};
    }
    source.removeAttribute('aria-busy');
    room.outcomes.set(new Map(room.outcomes.peek()).set(message.message_id, outcome));
    const told = outcome.data?.toast;
    this.status.textContent = outcome.failed ?? String(told?.i18n?.[room.locale()] ?? told?.content ?? t('chat.clicked', {name: who, element: address}));
    this.soon();
  }

  /** @param {string} what @param {Message} message @param {any} [more] */
  async act(what, message, more) {
    const {room, ctx} = this;
    const id = message.message_id;
    switch (what) {
      case 'reply': return room.reply.set(message);
      case 'choose': return dialogs.react(this, message);
      case 'react': return this.perform(room.react(id, more));
      case 'unreact': return this.perform(room.unreact(id, more));
      case 'pin': return this.perform(room.pin(id, !message.pinned));
      case 'read': return this.perform(room.read(id));
      case 'edit': return dialogs.edit(this, message);
      case 'json': return void ctx.dialog.open(t('chat.json'), json(message, {open: 2}), {class: 'wide'});
      case 'resend': return this.perform(room.resend(more));
      case 'fix': return applyFix(ctx, more);
      case 'start': return dialogs.startBot(this, more.app_id);
      case 'recall':
        if (await ctx.dialog.confirm({title: t('chat.recall'), text: t('chat.recallAsk', {line: message.line}), act: t('chat.recall')})) return this.perform(room.recall(id));
    }
  }

  /** @returns {import('./chat/side.js').Doings} */
  #doings() {
    const {room, ctx} = this;
    return {
      addMember: () => void dialogs.addMember(this),
      removeMember: async (member, name) => {
        if (await ctx.dialog.confirm({title: t('chat.member_remove'), text: t('chat.removeAsk', {name}), act: t('chat.member_remove')})) await this.perform(room.removeMember(member));
      },
      setManager: (member, manager) => void this.perform(room.addMember(member, manager)),
      mention: (id, name) => this.#writer?.mention({id, name, bot: false}),
      clickMenu: () => void dialogs.clickMenu(this),
      addTab: () => void dialogs.addTab(this),
      moveTab: (tab, step) => {
        const ids = room.view.peek()?.tabs.map(one => one.tab_id) ?? [];
        const at = ids.indexOf(tab);
        [ids[at], ids[at + step]] = [ids[at + step], ids[at]];
        void this.perform(room.sortTabs(ids));
      },
      deleteTab: async (tab, name) => {
        if (await ctx.dialog.confirm({title: t('chat.tabDelete', {name}), text: t('chat.tabDeleteAsk'), act: t('chat.delete')})) await this.perform(room.deleteTab(tab, name));
      },
      fix: fix => void applyFix(ctx, fix),
      words: fix => this.#words(fix),
    };
  }

  /** Reads what is unread. */
  async readAll() {
    for (const one of this.room.messages.peek() ?? []) if (one.read === false) await run(this.room.read(one.message_id)).catch(error => this.refused(error));
    this.soon();
  }

  // What is shown.

  #showChats() {
    const {room, ctx} = this;
    const chats = room.chats.get();
    const lost = room.lost.get();
    if (!chats || lost) return replace(this.list, lost ? h('li', {class: 'note failed'}, lost) : null);
    if (!chats.length) return replace(this.list, h('li', {}, empty(t('chat.noChat'), button(t('chat.new'), () => dialogs.newChat(this), {kind: 'primary'}))));
    const more = room.moreChats ? h('li', {class: 'older'}, button(t('chat.moreChats'), () => {
      room.pages += 1;
      this.soon();
    }, {kind: 'link'})) : null;
    return replace(this.list, chats.map(chat => {
      const name = chat.with?.name || chat.name || chat.parties?.map(one => one.name).join(', ') || t('chat.unnamed');
      const last = chat.last;
      return h('li', {}, h('a', {
        class: 'chat-row', href: `#/w/${encodeURIComponent(room.world)}/chat?chat=${chat.chat_id}`, 'aria-current': chat.chat_id === room.chat ? 'true' : null,
        on: {click: (/** @type {MouseEvent} */ event) => {
          event.preventDefault();
          ctx.go(`chat?chat=${chat.chat_id}`);
        }},
      }, avatar(chat.chat_id, name), h('span', {class: 'chat-row-main'}, h('span', {class: 'chat-row-top'}, h('b', {}, name),
        chat.chat_mode === 'group' ? null : h('span', {class: 'badge'}, t(`chat.mode.${chat.chat_mode}`)), last ? h('time', {class: 'muted small'}, clock(last.sent_at_ms, false).slice(0, 5)) : null),
      h('span', {class: 'chat-row-line muted'}, last ? `${last.sender_name}: ${last.recalled ? t('chat.recalled') : last.line}` : t('chat.silent')),
      chat.unread ? h('span', {class: 'unread-count', 'aria-label': plural('chat.unread', chat.unread)}, chat.unread >= 100 ? '99+' : String(chat.unread)) : null)));
    }), more);
  }

  #showHead() {
    const {room} = this;
    const view = room.view.get();
    const trouble = room.hidden.get() || room.trouble.get();
    const back = button('←', () => this.ctx.go('chat'), {kind: 'quiet', label: t('chat.back')});
    back.classList.add('narrow');
    if (!view) {
      replace(this.head, room.chat ? back : null);
      replace(this.notices, room.chat && trouble ? h('div', {class: 'note failed', role: 'alert'}, trouble) : null);
      return;
    }
    const name = view.name || (view.chat_mode === 'p2p' ? view.members.find(one => one.member !== room.me)?.name : '') || t('chat.unnamed');
    const people = [plural('chat.people', view.user_count), view.bot_count ? plural('chat.bots', view.bot_count) : ''].filter(Boolean).join(', ');
    replace(this.head, back, h('h2', {}, name), view.tags.map(tag => h('span', {class: 'tag'}, tag.name)),
      h('button', {type: 'button', class: 'quiet', 'aria-expanded': String(this.node.dataset.side === 'open'), 'aria-keyshortcuts': 'm', on: {click: () => this.toggleSide()}}, people, h('kbd', {'aria-hidden': 'true'}, 'm')));
    replace(this.notices, this.#tabBar(view), view.top_notice.map(one => h('p', {class: 'notice'}, h('span', {'aria-hidden': 'true'}, '⚑ '), one.line || t(`chat.notice.${one.kind}`))),
      this.#silenced(), trouble ? h('div', {class: 'note failed'}, trouble, this.#joining(view)) : null);
  }

  /** @param {import('./chat/room.js').View} view */
  #tabBar(view) {
    if (view.chat_mode === 'p2p') return null;
    const label = (/** @type {{name: string, tab_type: string}} */ tab) => tab.name || (tab.tab_type === 'message' ? t('chat.messages') : tab.tab_type);
    return h('nav', {class: 'tab-bar', 'aria-label': t('chat.tabs')}, view.tabs.map(tab => (tab.tab_type === 'message'
      ? h('span', {'aria-current': 'page'}, label(tab))
      : /^https?:\/\//i.test(tab.target) && tab.opens !== 'none' ? h('a', {href: tab.target, target: '_blank', rel: 'noopener noreferrer', title: tab.target}, label(tab), ' ↗')
        : h('span', {title: tab.target}, label(tab)))), button('+', () => void dialogs.addTab(this), {kind: 'quiet', label: t('chat.tabAdd')}));
  }

  /** Lets an outsider in. @param {import('./chat/room.js').View} view */
  #joining(view) {
    const {user_id, name, standing} = view.viewer;
    if (standing !== 'outsider' || !user_id) return null;
    const join = {...this.room.addMember(user_id), body: {}};
    return [' ', button(t('chat.addNamed', {name}), () => void this.perform(join), {kind: 'link'})];
  }

  /** Says that the person may not speak, and by which rule. */
  #silenced() {
    const speak = this.room.may('speak');
    if (!speak || speak.allowed) return null;
    const fix = speak.refusal?.fixes?.[0];
    return h('div', {class: 'note refused'}, t('chat.mayNotSpeak', {name: this.ctx.viewer.peek()?.name ?? ''}), ' ', speak.refusal ? because(speak.refusal) : null, ' ',
      h('code', {}, speak.setting ? `${speak.setting} = ${speak.value}` : speak.rule), ' ', fix ? button(this.#words(fix), () => void applyFix(this.ctx, fix), {kind: 'link'}) : null);
  }

  #showSide() {
    const {room} = this;
    const view = room.view.get();
    room.last.get();
    const at = this.aside.scrollTop;
    const close = button(t('app.close'), () => this.toggleSide(), {kind: 'quiet'});
    close.classList.add('narrow');
    replace(this.aside, view ? [close, side(room, view, this.#doings())] : null);
    this.aside.scrollTop = at;
  }

  toggleSide() {
    const wide = matchMedia('(min-width: 1200px)').matches;
    const open = this.node.dataset.side ? this.node.dataset.side === 'open' : wide;
    this.node.dataset.side = open ? 'closed' : 'open';
    if (!open) this.aside.querySelector('button')?.focus();
  }

  /** What an empty chat shows. */
  #nothing() {
    const {room, ctx} = this;
    const name = ctx.viewer.peek()?.name ?? '';
    const bot = room.view.peek()?.members.find(one => one.kind === 'bot');
    const text = bot ? `<at user_id="${bot.member}"></at> hello` : 'hello';
    return empty(t('chat.empty', {name}), h('div', {class: 'row'}, room.me ? button(t('chat.sayHello', {name}), () => void this.#say({text}), {kind: 'primary'}) : null,
      bot ? button(t('chat.startBot'), () => void dialogs.startBot(this, bot.member)) : null), h('p', {class: 'mono small'}, 'im.v1.message.create'));
  }

  // Keys.

  /** @returns {Message | undefined} */
  chosen() {
    return this.room.messages.peek()?.find(one => one.message_id === this.room.selected.peek());
  }

  /** @param {string} what */
  #onChosen(what) {
    return () => {
      const one = this.chosen();
      if (one) void this.act(what, one);
    };
  }

  /** What works by key and in the palette. @returns {import('../lib/keys.js').Key[]} */
  keys() {
    const on = (/** @type {string} */ key, /** @type {string} */ text, /** @type {() => void} */ run) => ({key, text, run});
    return [
      on('i', 'chat.write', () => this.#writer?.focus()), on('@', 'chat.mention', () => this.#writer?.mention()),
      on('j', 'chat.down', () => this.log.move(1)), on('k', 'chat.up', () => this.log.move(-1)),
      on('r', 'chat.replyTo', this.#onChosen('reply')), on('e', 'chat.react', this.#onChosen('choose')), on('p', 'chat.pin', this.#onChosen('pin')),
      on('x', 'chat.recall', this.#onChosen('recall')), on('u', 'chat.readAll', () => void this.readAll()), on('w', 'chat.edit', this.#onChosen('edit')),
      on('d', 'chat.json', this.#onChosen('json')),
      on('v', 'chat.see', () => [...document.querySelectorAll('select')].find(one => one.ariaLabel === t('app.viewer'))?.focus()), on('m', 'chat.details', () => this.toggleSide()),
      on('n', 'chat.new', () => void dialogs.newChat(this)), on('o', 'chat.p2p', () => void dialogs.openP2p(this)), on('b', 'chat.menu', () => void dialogs.clickMenu(this)),
      on('a', 'chat.member_add', () => void dialogs.addMember(this)), on('+', 'chat.tabAdd', () => void dialogs.addTab(this)),
      ...[on('Enter', 'chat.openCard', () => this.log.enter()), on('ArrowDown', 'chat.down', () => this.log.move(1)), on('ArrowUp', 'chat.up', () => this.log.move(-1)),
        on('Home', 'chat.first', () => this.log.move(-Infinity)), on('End', 'chat.last', () => this.log.move(Infinity))].map(one => ({...one, when: () => document.activeElement?.classList.contains('msg') ?? false})),
    ];
  }

}

/** The screen. @type {import('../app.js').Screen} */
export default {
  id: 'chat',
  key: 'c',
  title: 'chat.title',
  mount(ctx) {
    const screen = new Screen(ctx);
    const keys = screen.keys();
    return {node: screen.node, keys, params: params => screen.follow(params), actions: () => keys.map(({key, text, run}) => ({key, text, run: () => run(new KeyboardEvent('keydown'))}))};
  },
};
