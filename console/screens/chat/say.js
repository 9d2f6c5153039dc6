// Where one writes: a text with mentions, or the content of another type.
import {h, replace, uid} from '../../lib/dom.js';
import {t} from '../../lib/i18n.js';
import {effect} from '../../lib/store.js';
import {button, select} from '../../lib/ui.js';

/** @typedef {import('./room.js').Room} Room */
/** @typedef {{id: string, name: string, bot: boolean}} Person */

/** What other types than text begin with. @type {Record<string, any>} */
const BEGINNINGS = {
  post: {zh_cn: {title: 'Release 7', content: [[{tag: 'text', text: 'Notes '}, {tag: 'a', text: 'here', href: 'https://example.com'}]]}},
  interactive: {schema: '2.0', header: {title: {tag: 'plain_text', content: 'Approve?'}, template: 'blue'},
    body: {elements: [{tag: 'button', text: {tag: 'plain_text', content: 'Approve'}, type: 'primary', element_id: 'approve', behaviors: [{type: 'callback', value: {ok: true}}]}]}},
  image: {image_key: 'img_…'},
  file: {file_key: 'file_…'},
  audio: {file_key: 'file_…'},
  media: {file_key: 'file_…', image_key: 'img_…'},
  sticker: {file_key: 'file_…'},
  share_chat: {chat_id: 'oc_…'},
  share_user: {user_id: 'ou_…'},
};

/** What was written and not sent, by chat. @type {Map<string, string>} */
const drafts = new Map();

/**
 * The text with tags in place of the names after `@`.
 * @param {string} text
 * @param {Person[]} people
 * @returns {{text: string, named: Person[]}}
 */
export function tagged(text, people) {
  const longest = [...people].sort((a, b) => b.name.length - a.name.length);
  /** @type {Set<Person>} */
  const named = new Set();
  let out = '';
  for (let at = 0; at < text.length;) {
    const one = text[at] === '@' ? longest.find(person => text.startsWith(person.name, at + 1)) : undefined;
    if (one) {
      named.add(one);
      out += `<at user_id="${one.id}"></at>`;
      at += one.name.length + 1;
    } else {
      out += text[at];
      at += 1;
    }
  }
  return {text: out, named: [...named]};
}

/** The line to write in. */
export class Writer {
  #type = 'text';
  /** @type {Person[]} */ #found = [];
  #active = 0;
  #base = uid('say');

  /**
   * @param {Room} room
   * @param {object} how
   * @param {() => Person[]} how.people who can be mentioned, bots first
   * @param {(said: Record<string, any>) => Promise<boolean>} how.send
   * @param {string} how.name of the person who writes
   * @param {() => void} how.leave goes back to the messages
   */
  constructor(room, how) {
    this.room = room;
    this.how = how;
    const base = this.#base;
    const label = t('chat.writeAs', {name: how.name});
    this.area = h('textarea', {
      rows: 1, placeholder: label, 'aria-label': label, autocomplete: 'off', 'aria-autocomplete': 'list', 'aria-controls': `${base}-list`, 'aria-describedby': `${base}-hint`,
      on: {input: () => this.#changed(), keydown: (/** @type {KeyboardEvent} */ event) => this.#pressed(event), blur: () => setTimeout(() => this.#close(), 150)},
    });
    this.list = h('ul', {class: 'say-list', role: 'listbox', id: `${base}-list`, 'aria-label': t('chat.mention'), hidden: true});
    this.hint = h('p', {class: 'say-hint', id: `${base}-hint`});
    this.answer = h('div', {class: 'say-reply'});
    this.thread = h('input', {type: 'checkbox', id: `${base}-thread`});
    const types = Object.keys(BEGINNINGS).map(one => /** @type {[string, string]} */ ([one, one]));
    this.kind = select(t('chat.type'), [['text', t('chat.text')], ...types], 'text', type => this.#choose(type));
    this.go = h('button', {type: 'submit', class: 'primary'}, t('chat.send'));
    const at = button('@', () => this.mention(), {kind: 'quiet', label: t('chat.mention')});
    this.node = h('form', {class: 'say', on: {submit: (/** @type {Event} */ event) => {
      event.preventDefault();
      void this.#submit();
    }}}, this.answer, h('div', {class: 'say-row'}, this.kind, this.area, this.list, at, this.go), this.hint);
    this.area.value = drafts.get(room.chat) ?? '';
    requestAnimationFrame(() => this.#size());
    this.#tell();
    this.dispose = effect(() => this.#answers());
  }

  focus() {
    this.area.focus();
  }

  #size() {
    this.area.style.height = 'auto';
    this.area.style.height = `${Math.min(this.area.scrollHeight + 2, 240)}px`;
  }

  #changed() {
    if (this.#type === 'text') drafts.set(this.room.chat, this.area.value);
    this.#size();
    this.#suggest();
    this.#tell();
  }

  /** Says who is mentioned, how to send, or what is wrong. */
  #tell(error = '') {
    const text = this.#type === 'text';
    const names = text ? tagged(this.area.value, this.how.people()).named.map(one => one.name).join(', ') : '';
    this.hint.classList.toggle('error', Boolean(error));
    this.hint.textContent = error || (names ? t('chat.tells', {names}) : t(text ? 'chat.hint' : 'chat.hintJson'));
  }

  /** Shows to which message one replies. */
  #answers() {
    const to = this.room.reply.get();
    this.thread.checked = Boolean(to?.thread_id);
    this.answer.hidden = !to;
    const who = to && (to.sender_name ?? this.room.people.peek().name(to.sender?.id ?? ''));
    replace(this.answer, to ? [h('span', {class: 'say-quote'}, t('chat.replying', {line: `${who}: ${to.line}`})), h('label', {for: this.thread.id}, this.thread, ' ', t('chat.inThread')),
      button('✕', () => this.room.reply.set(null), {kind: 'quiet', label: t('app.cancel')})] : null);
    if (to) this.area.focus();
  }

  /** What is typed after the `@` before the cursor. */
  #typed() {
    const before = this.area.value.slice(0, this.area.selectionStart);
    const start = before.lastIndexOf('@');
    const word = before.slice(start + 1);
    return start < 0 || this.#type !== 'text' || word.length > 30 || word.includes('\n') ? null : {start, word};
  }

  #suggest() {
    const typed = this.#typed();
    const wanted = typed?.word.toLowerCase() ?? '';
    this.#found = typed ? this.how.people().filter(one => one.name.toLowerCase().startsWith(wanted) && one.name.length > wanted.length).slice(0, 8) : [];
    this.#active = 0;
    replace(this.list, this.#found.map((one, i) => h('li', {role: 'option', id: `${this.#base}-${i}`, on: {mousedown: (/** @type {Event} */ event) => {
      event.preventDefault();
      this.#pick(i);
    }}}, one.name, one.bot ? h('span', {class: 'badge'}, t('chat.bot')) : null)));
    this.#mark();
  }

  #mark() {
    this.list.hidden = !this.#found.length;
    [...this.list.children].forEach((one, i) => one.setAttribute('aria-selected', String(i === this.#active)));
    if (this.#found.length) this.area.setAttribute('aria-activedescendant', `${this.#base}-${this.#active}`);
    else this.area.removeAttribute('aria-activedescendant');
  }

  #close() {
    this.#found = [];
    this.#mark();
  }

  /** @param {number} i */
  #pick(i) {
    const typed = this.#typed();
    if (!typed || !this.#found[i]) return;
    this.area.setRangeText(`@${this.#found[i].name} `, typed.start, this.area.selectionStart, 'end');
    this.#changed();
    this.#close();
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    // Enter also ends the composition of Chinese words.
    if (event.isComposing) return;
    const {key} = event;
    if (this.#found.length && /^(ArrowDown|ArrowUp|Enter|Tab|Escape)$/.test(key)) {
      if (key === 'Enter' || key === 'Tab') this.#pick(this.#active);
      else if (key === 'Escape') this.#close();
      else this.#active = (this.#active + (key === 'ArrowDown' ? 1 : -1) + this.#found.length) % this.#found.length;
      this.#mark();
    } else if (key === 'Enter' && !event.shiftKey && (this.#type === 'text' || event.ctrlKey || event.metaKey)) void this.#submit();
    else if (key === 'Escape') {
      if (this.room.reply.peek()) this.room.reply.set(null);
      else this.how.leave();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {string} type */
  #choose(type) {
    this.#type = type;
    this.area.value = type === 'text' ? drafts.get(this.room.chat) ?? '' : JSON.stringify(BEGINNINGS[type], null, 2);
    this.area.classList.toggle('mono', type !== 'text');
    this.#size();
    this.#tell();
    this.area.focus();
  }

  /** What is to be sent; nothing, with the error shown, if it cannot be. */
  #said() {
    const {value} = this.area;
    if (this.#type === 'text') return value.trim() ? {text: tagged(value.trimEnd(), this.how.people()).text} : null;
    try {
      return {msg_type: this.#type, content: JSON.parse(value)};
    } catch (error) {
      this.#tell(t('app.notJson', {why: String(/** @type {Error} */ (error).message)}));
      return null;
    }
  }

  async #submit() {
    const said = this.#said();
    if (!said || this.go.disabled) return;
    const to = this.room.reply.peek();
    this.go.disabled = true;
    const sent = await this.how.send({...said, ...(to ? {reply_to: to.message_id, ...(this.thread.checked ? {in_thread: true} : {})} : {})});
    this.go.disabled = false;
    if (sent) {
      this.room.reply.set(null);
      if (this.#type === 'text') drafts.delete(this.room.chat);
      this.kind.value = 'text';
      this.#choose('text');
    }
    this.area.focus();
  }

  /** Mentions someone, or lets one choose. @param {Person} [person] */
  mention(person) {
    const {area} = this;
    area.focus();
    const gap = /\S$/.test(area.value.slice(0, area.selectionStart)) ? ' ' : '';
    area.setRangeText(`${gap}@${person ? `${person.name} ` : ''}`, area.selectionStart, area.selectionEnd, 'end');
    this.#changed();
    if (person) this.#close();
  }
}
