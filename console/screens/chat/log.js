// The messages of a chat, from the oldest to the latest. What has not changed stays as it is, with what one has entered in it.
import {exchange} from '../../lib/card.js';
import {h, replace} from '../../lib/dom.js';
import {lang, plural, t} from '../../lib/i18n.js';
import {day} from '../../lib/time.js';
import {button, empty} from '../../lib/ui.js';
import {item} from './message.js';

/** @typedef {import('./room.js').Message} Message */
/** @typedef {import('./room.js').Room} Room */
/**
 * What the log cannot do itself.
 * @typedef {object} Help
 * @property {() => import('./message.js').Hands} hands
 * @property {() => void} readAll
 * @property {() => HTMLElement} nothing What an empty chat shows.
 * @property {(words: string) => void} say Tells those who do not see the page.
 */

/** The log of a chat. */
export class Log {
  /** @type {Map<string, {key: string, node: HTMLElement}>} */ #made = new Map();
  #said = 0;
  /** Whether the latest message is shown, and stays so. */ #follows = true;
  #count = -1;
  #first = '';
  /** A message to go to, once it is there. */ want = '';
  /** How many messages came below what is shown. */ #below = 0;

  /** @param {Room} room @param {Help} help */
  constructor(room, help) {
    this.room = room;
    this.help = help;
    this.list = h('ol', {class: 'msgs', 'aria-label': t('chat.messages'), tabIndex: 0});
    this.jump = button('', () => this.bottom(), {kind: 'primary'});
    this.jump.classList.add('jump');
    this.jump.hidden = true;
    this.nodes = [this.list, h('div', {class: 'jump-box'}, this.jump)];
    this.list.addEventListener('scroll', () => {
      this.#follows = this.#atBottom();
      if (this.#follows) this.bottom();
    }, {passive: true});
    // A picture that arrives makes the list longer; tabs, announcement and a smaller window make less of it visible.
    const stay = () => {
      if (this.#follows) this.bottom();
    };
    this.list.addEventListener('load', stay, true);
    new ResizeObserver(stay).observe(this.list);
    this.list.addEventListener('focusin', event => {
      const one = /** @type {Element} */ (event.target).closest('.msg');
      if (one instanceof HTMLElement) room.selected.set(one.dataset.id ?? '');
    });
  }

  /** Makes all messages anew. */
  forget() {
    this.#made.clear();
  }

  /** Begins with another chat. */
  clear() {
    this.forget();
    replace(this.list);
    this.jump.hidden = true;
    this.#count = -1;
    this.#first = '';
    this.#follows = true;
    this.#below = 0;
  }

  /** Shows what the room knows. */
  show() {
    const {room, list} = this;
    const messages = room.messages.get();
    const own = room.own.get();
    const parts = [room.ways.get(), room.absent.get(), room.outcomes.get(), room.people.get(), lang.get()];
    if (!messages) {
      if (!room.chat) replace(list, h('li', {}, empty(t('chat.choose'))));
      return;
    }
    const height = list.scrollHeight;
    const top = list.scrollTop;
    const grewAbove = Boolean(this.#first) && messages[0]?.message_id !== this.#first && messages.some(one => one.message_id === this.#first);
    const shared = JSON.stringify([parts[1], room.me, parts[4]]);
    const all = [...messages, ...own.map(one => ({...one, ephemeral: true, msg_type: 'interactive', body: {content: one.content}}))];
    const nodes = this.#lines(all, one => this.#line(one, shared));
    if (!all.length) nodes.push(h('li', {}, this.help.nothing()));
    if (room.more.get()) nodes.unshift(h('li', {class: 'older'}, button(t('chat.older'), () => void room.older(), {kind: 'link'})));
    arrange(list, nodes);
    if (grewAbove) {
      list.scrollTop = top + list.scrollHeight - height;
      this.#count = messages.length;
    } else if (this.#follows || !this.#first) this.bottom();
    this.#first = messages[0]?.message_id ?? '';
    this.#announce(messages.length);
    const wanted = this.want && document.getElementById(`m-${this.want}`);
    if (wanted) {
      this.want = '';
      wanted.focus();
    }
  }

  /** The element of a message: the one that is there, unless the message has changed. @param {Message} one @param {string} shared */
  #line(one, shared) {
    const id = one.message_id;
    const {room} = this;
    const key = JSON.stringify([one, room.ways.peek().get(id), room.outcomes.peek().get(id), shared]);
    const made = this.#made.get(id);
    if (made?.key === key) return made.node;
    const node = item(room, one, this.help.hands());
    if (made?.node.isConnected) {
      const focused = made.node.contains(document.activeElement);
      exchange(made.node, node);
      if (focused && !node.contains(document.activeElement)) node.focus({preventScroll: true});
    }
    this.#made.set(id, {key, node});
    return node;
  }

  /** Messages with the days, the mark of the first unread one, and threads folded under their roots. @param {Message[]} all @param {(one: Message) => HTMLElement} line */
  #lines(all, line) {
    /** @type {HTMLElement[]} */
    const nodes = [];
    /** @type {Map<string, HTMLElement[]>} */
    const threads = new Map();
    const shown = new Set(all.map(one => one.message_id));
    let today = '';
    let marked = false;
    for (const one of all) {
      const root = one.thread_id && one.root_id && shown.has(one.root_id) ? one.root_id : '';
      if (root) {
        const replies = threads.get(root) ?? [];
        if (!replies.length) nodes.push(this.#thread(root, replies));
        threads.set(root, replies);
        replies.push(line(one));
        continue;
      }
      const date = day(Number(one.create_time));
      if (date !== today) nodes.push(this.#rule('day', date));
      today = date;
      if (one.read === false && !marked) {
        marked = true;
        const rule = this.#rule('new', t('chat.new_messages'));
        rule.append(button(t('chat.readAll'), () => this.help.readAll(), {kind: 'link', key: 'u'}));
        nodes.push(rule);
      }
      nodes.push(line(one));
    }
    for (const [root, replies] of threads) this.#fill(root, replies);
    return nodes;
  }

  /** The fold of a thread. @param {string} root @param {HTMLElement[]} replies */
  #thread(root, replies) {
    const key = `thread ${root}`;
    const kept = this.#made.get(key);
    if (kept) return kept.node;
    const node = h('li', {class: 'thread'}, h('details', {open: true}, h('summary', {}), h('ol', {}, replies)));
    this.#made.set(key, {key, node});
    return node;
  }

  /** @param {string} root @param {HTMLElement[]} replies */
  #fill(root, replies) {
    const node = this.#made.get(`thread ${root}`)?.node;
    const list = node?.querySelector('ol');
    const summary = node?.querySelector('summary');
    if (list) arrange(list, replies);
    if (summary) summary.textContent = plural('chat.replies', replies.length);
  }

  /** @param {string} kind @param {string} words */
  #rule(kind, words) {
    const key = `rule ${kind} ${words}`;
    const node = this.#made.get(key)?.node ?? h('li', {class: `rule ${kind}`}, h('span', {}, words));
    if (kind === 'day') this.#made.set(key, {key, node});
    return node;
  }

  #atBottom() {
    const {list} = this;
    return list.scrollHeight - list.scrollTop - list.clientHeight < 60;
  }

  /** Shows the latest messages. */
  bottom() {
    this.list.scrollTop = this.list.scrollHeight;
    this.#follows = true;
    this.#below = 0;
    this.jump.hidden = true;
  }

  /** Says that messages came, at most every 5 seconds; a button leads to those below. @param {number} count */
  #announce(count) {
    const fresh = this.#count < 0 ? 0 : count - this.#count;
    this.#count = count;
    if (fresh <= 0) return;
    if (!this.#follows) {
      this.#below += fresh;
      this.jump.textContent = `${plural('chat.arrived', this.#below)} ↓`;
      this.jump.hidden = false;
    }
    if (Date.now() - this.#said > 5000) {
      this.#said = Date.now();
      this.help.say(plural('chat.arrived', fresh));
    }
  }

  /** Marks the chosen message. */
  select() {
    const wanted = this.room.selected.get();
    for (const one of this.list.querySelectorAll('.msg.selected')) one.classList.remove('selected');
    document.getElementById(`m-${wanted}`)?.classList.add('selected');
  }

  /** Goes to another message. @param {number} step */
  move(step) {
    const all = [...this.list.querySelectorAll('.msg')];
    const at = all.findIndex(one => /** @type {HTMLElement} */ (one).dataset.id === this.room.selected.peek());
    const next = all[at < 0 ? all.length - 1 : Math.min(all.length - 1, Math.max(0, at + step))];
    if (next instanceof HTMLElement) next.focus();
  }

  /** Goes into the chosen message: to its first control. */
  enter() {
    const one = document.getElementById(`m-${this.room.selected.peek()}`);
    const control = one?.querySelector('.card button:not(:disabled), .card input, .card select, .card a, .msg-tools button');
    if (control instanceof HTMLElement) control.focus();
  }
}

/** Puts nodes into a list, in their order, and leaves alone those that are in place. @param {HTMLElement} list @param {HTMLElement[]} nodes */
function arrange(list, nodes) {
  const wanted = new Set(nodes);
  for (const old of [...list.children]) if (!wanted.has(/** @type {HTMLElement} */ (old))) old.remove();
  let at = list.firstElementChild;
  for (const node of nodes) {
    if (node === at) at = at.nextElementSibling;
    else list.insertBefore(node, at);
  }
}
