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

/**
 * The line to write in.
 * @param {Room} room
 * @param {() => Person[]} people who can be mentioned, bots first
 * @param {(said: Record<string, any>) => Promise<boolean>} send
 * @param {string} name of the person who writes
 * @param {() => void} leave goes back to the messages
 * @returns {{node: HTMLElement, focus: () => void, mention: (person?: Person) => void, dispose: () => void}}
 */
export function writer(room, people, send, name, leave) {
  const base = uid('say');
  let type = 'text';
  /** @type {Person[]} */
  let found = [];
  let active = 0;
  const area = h('textarea', {
    id: `${base}-area`, rows: 1, placeholder: t('chat.writeAs', {name}), 'aria-label': t('chat.writeAs', {name}), autocomplete: 'off', 'aria-autocomplete': 'list', 'aria-controls': `${base}-list`, 'aria-describedby': `${base}-hint`,
    on: {input: changed, keydown: pressed, blur: () => setTimeout(close, 150)},
  });
  const list = h('ul', {class: 'say-list', role: 'listbox', id: `${base}-list`, 'aria-label': t('chat.mention'), hidden: true});
  const hint = h('p', {class: 'say-hint', id: `${base}-hint`});
  const answer = h('div', {class: 'say-reply'});
  const thread = h('input', {type: 'checkbox', id: `${base}-thread`});
  const kind = select(t('chat.type'), [['text', t('chat.text')], ...Object.keys(BEGINNINGS).map(one => /** @type {[string, string]} */ ([one, one]))], 'text', chooseType);
  const at = button('@', () => mention(), {kind: 'quiet', label: t('chat.mention')});
  const go = h('button', {type: 'submit', class: 'primary'}, t('chat.send'));
  const node = h('form', {class: 'say', on: {submit: (/** @type {Event} */ event) => {
    event.preventDefault();
    submit();
  }}}, answer, h('div', {class: 'say-row'}, kind, area, list, at, go), hint);

  function size() {
    area.style.height = 'auto';
    area.style.height = `${Math.min(area.scrollHeight + 2, 240)}px`;
  }

  function changed() {
    drafts.set(room.chat, type === 'text' ? area.value : '');
    size();
    suggest();
    tell();
  }

  function tell(/** @type {string} */ error = '') {
    const {named} = type === 'text' ? tagged(area.value, people()) : {named: []};
    hint.classList.toggle('error', Boolean(error));
    replace(hint, error || (named.length ? t('chat.tells', {names: named.map(one => one.name).join(', ')}) : t(type === 'text' ? 'chat.hint' : 'chat.hintJson')));
  }

  /** What stands after the `@` before the cursor. */
  function typed() {
    const before = area.value.slice(0, area.selectionStart);
    const start = before.lastIndexOf('@');
    if (start < 0 || type !== 'text') return null;
    const word = before.slice(start + 1);
    return word.length > 30 || /\n/.test(word) ? null : {start, word};
  }

  function suggest() {
    const word = typed();
    const wanted = word?.word.toLowerCase() ?? '';
    found = word ? people().filter(one => one.name.toLowerCase().startsWith(wanted) && one.name.length > wanted.length).slice(0, 8) : [];
    active = 0;
    replace(list, found.map((one, i) => h('li', {role: 'option', id: `${base}-${i}`, on: {mousedown: (/** @type {Event} */ event) => {
      event.preventDefault();
      pick(i);
    }}}, one.name, one.bot ? h('span', {class: 'badge'}, t('chat.bot')) : null)));
    mark();
  }

  function mark() {
    list.hidden = !found.length;
    [...list.children].forEach((one, i) => one.setAttribute('aria-selected', String(i === active)));
    if (found.length) area.setAttribute('aria-activedescendant', `${base}-${active}`);
    else area.removeAttribute('aria-activedescendant');
  }

  function close() {
    found = [];
    mark();
  }

  /** @param {number} i */
  function pick(i) {
    const word = typed();
    if (!word || !found[i]) return;
    area.setRangeText(`@${found[i].name} `, word.start, area.selectionStart, 'end');
    close();
    changed();
    close();
  }

  /** @param {KeyboardEvent} event */
  function pressed(event) {
    if (event.isComposing) return;
    if (found.length) {
      const step = {ArrowDown: 1, ArrowUp: -1}[event.key];
      if (step) active = (active + step + found.length) % found.length;
      else if (event.key === 'Enter' || event.key === 'Tab') pick(active);
      else if (event.key === 'Escape') close();
      else return;
      event.preventDefault();
      event.stopPropagation();
      mark();
    } else if (event.key === 'Enter' && !event.shiftKey && (type === 'text' || event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      submit();
    } else if (event.key === 'Escape') {
      event.stopPropagation();
      if (room.reply.peek()) room.reply.set(null);
      else leave();
    }
  }

  /** @param {string} next */
  function chooseType(next) {
    type = next;
    area.value = next === 'text' ? drafts.get(room.chat) ?? '' : JSON.stringify(BEGINNINGS[next], null, 2);
    area.classList.toggle('mono', next !== 'text');
    size();
    tell();
    area.focus();
  }

  /** What is to be sent; nothing, with the error shown, if it cannot be. */
  function said() {
    if (type === 'text') return area.value.trim() ? {text: tagged(area.value.trimEnd(), people()).text} : null;
    try {
      return {msg_type: type, content: JSON.parse(area.value)};
    } catch (error) {
      tell(t('app.notJson', {why: String(/** @type {Error} */ (error).message)}));
      return null;
    }
  }

  async function submit() {
    const what = said();
    if (!what || go.disabled) return;
    const to = room.reply.peek();
    go.disabled = true;
    const sent = await send({...what, ...(to ? {reply_to: to.message_id, ...(thread.checked ? {in_thread: true} : {})} : {})});
    go.disabled = false;
    if (sent) {
      area.value = '';
      drafts.delete(room.chat);
      room.reply.set(null);
      if (type !== 'text') {
        kind.value = 'text';
        chooseType('text');
      }
      size();
      tell();
    }
    area.focus();
  }

  /** Mentions someone, or lets one choose. @param {Person} [person] */
  function mention(person) {
    area.focus();
    const gap = area.selectionStart && !/\s$/.test(area.value.slice(0, area.selectionStart)) ? ' ' : '';
    area.setRangeText(`${gap}@${person ? `${person.name} ` : ''}`, area.selectionStart, area.selectionEnd, 'end');
    changed();
    if (person) close();
  }

  const dispose = effect(() => {
    const to = room.reply.get();
    thread.checked = Boolean(to?.thread_id);
    replace(answer, to ? [h('span', {class: 'say-quote'}, t('chat.replying', {line: `${to.sender_name ?? room.people.peek().name(to.sender?.id ?? '')}: ${to.line}`})),
      h('label', {for: `${base}-thread`}, thread, ' ', t('chat.inThread')),
      button('✕', () => room.reply.set(null), {kind: 'quiet', label: t('app.cancel')})] : null);
    answer.hidden = !to;
    if (to) area.focus();
  });
  area.value = drafts.get(room.chat) ?? '';
  requestAnimationFrame(size);
  tell();
  return {node, focus: () => area.focus(), mention, dispose};
}
