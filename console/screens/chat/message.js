// One message: who said what, in its type, with its card, reactions and deliveries.
import {box, card, image, link, spans} from '../../lib/card.js';
import {h, replace} from '../../lib/dom.js';
import {has, number, plural, t} from '../../lib/i18n.js';
import {clock, moment, span} from '../../lib/time.js';
import {button, chip, mono} from '../../lib/ui.js';

/** @typedef {import('./room.js').Message} Message */
/** @typedef {import('./room.js').Room} Room */
/** @typedef {import('../../lib/card.js').Host} Host */
/** @typedef {import('../../lib/dom.js').Kid} Kid */
/**
 * What can be done with messages.
 * @typedef {object} Hands
 * @property {(message: Message) => Host} host
 * @property {(what: string, message: Message, more?: any) => void} act
 * @property {(fix: import('./room.js').Fix) => string} fix What a fix does, in words.
 * @property {() => number} now The time of the world.
 * @property {(hash: string) => string} href The address of something on another screen.
 */

/** The glyphs of the usual reactions; others are shown by name. */
export const EMOJI = new Map(Object.entries({
  THUMBSUP: '👍', OK: '👌', DONE: '✅', HEART: '❤️', SMILE: '🙂', LAUGH: '😄', APPLAUSE: '👏', THANKS: '🙏', PARTY: '🎉', FINGERHEART: '🫰', MUSCLE: '💪',
  JIAYI: '➕', LOVE: '😍', CRY: '😢', SOB: '😭', THINKING: '🤔', SURPRISED: '😮', ANGRY: '😠', CLAP: '👏', Fire: '🔥', ROSE: '🌹', CAKE: '🎂', BEER: '🍺', Get: '✔',
  LGTM: 'LGTM', OnIt: '🫡', ThumbsDown: '👎', CheckMark: '✔️', CrossMark: '❌', Alarm: '⏰', Coffee: '☕', EYES: '👀', SALUTE: '🫡', WINK: '😉', BLUSH: '😊',
}));
/** Those that are offered. */
export const OFFERED = ['THUMBSUP', 'OK', 'DONE', 'HEART', 'SMILE', 'PARTY', 'THINKING', 'CRY'];
/** The most characters of a text that are shown at first. */
const LONG = 1500;
const COLORS = ['blue', 'wathet', 'turquoise', 'green', 'orange', 'red', 'carmine', 'violet', 'purple', 'indigo'];

/**
 * The first letter of a name on a color of its own.
 * @param {string} id
 * @param {string} name
 * @returns {HTMLElement}
 */
export function avatar(id, name) {
  let sum = 0;
  for (const letter of id) sum = (sum * 31 + letter.charCodeAt(0)) % 9973;
  return h('span', {class: `avatar c-${COLORS[sum % COLORS.length]}`, 'aria-hidden': 'true'}, [...name.trim()][0] ?? '?');
}

/** @param {Message} message */
export function content(message) {
  try {
    return JSON.parse(message.stored ?? message.body.content);
  } catch {
    return null;
  }
}

/**
 * A message as a list item.
 * @param {Room} room
 * @param {Message} message
 * @param {Hands} hands
 * @returns {HTMLElement}
 */
export function item(room, message, hands) {
  const people = room.people.peek();
  const sender = message.sender ?? {id: message.app_id, sender_type: 'app'};
  const name = message.sender_name ?? sender.sender_name ?? people.name(sender.id);
  const mine = sender.id === room.me && Boolean(room.me);
  const gone = message.deleted || message.recalled;
  return h('li', {
    class: `msg${mine ? ' mine' : ''}${message.read === false ? ' unread' : ''}${gone ? ' gone' : ''}`, id: `m-${message.message_id}`, tabIndex: -1,
    'data-id': message.message_id, 'aria-label': `${name}: ${(message.line ?? '').slice(0, 120)}`,
  },
  avatar(sender.id, name),
  h('div', {class: 'msg-main'},
    head(message, name, sender, people, hands),
    message.parent_id && !message.thread_id ? h('p', {class: 'msg-parent'}, `↩ ${line(room, message.parent_id)}`) : null,
    gone ? recalled(message, people) : h('div', {class: 'msg-body'}, body(message, hands.host(message)), owned(message, people, hands.host(message))),
    outcome(room, message, hands),
    reactions(room, message, hands),
    deliveries(room, message, hands),
    message.ephemeral ? null : tools(room, message, mine, hands)));
}

/** @param {Room} room @param {string} id */
function line(room, id) {
  const found = room.messages.peek()?.find(one => one.message_id === id);
  return found ? found.line : id;
}

/** @param {Message} message @param {string} name @param {any} sender @param {import('./room.js').People} people @param {Hands} hands */
function head(message, name, sender, people, hands) {
  const kind = message.sender_kind ?? (sender.sender_type === 'app' ? 'bot' : sender.sender_type);
  const seen = message.read_by?.length ?? 0;
  const at = Number(message.create_time);
  return h('div', {class: 'msg-head'},
    h('b', {}, name),
    kind === 'bot' || kind === 'hook' ? h('span', {class: 'badge'}, t(`chat.${kind}`)) : null,
    h('time', {title: moment(at), dateTime: new Date(at).toISOString()}, clock(at, false)),
    message.ephemeral || message.own_card ? h('span', {class: 'badge'}, t('chat.onlyYou')) : null,
    message.edits > 0 ? h('span', {class: 'muted'}, plural('chat.edits', message.edits)) : null,
    message.pinned ? h('span', {class: 'muted'}, `⚲ ${t('chat.pinned')}`) : null,
    seen > 0 ? h('span', {class: 'muted', title: message.read_by.map((/** @type {string} */ id) => people.name(id)).join(', ')}, `👁 ${t('chat.readBy', {n: seen})}`) : null,
    message.log_id ? h('a', {class: 'small', href: hands.href(`traffic?sel=${message.log_id}`)}, t('chat.call')) : null);
}

/** @param {Message} message @param {import('./room.js').People} people */
function recalled(message, people) {
  const by = message.recalled?.by;
  const stored = message.stored && message.stored !== message.body?.content ? message.stored : '';
  return h('div', {class: 'msg-gone'}, by ? t('chat.recalledBy', {name: people.name(by)}) : t('chat.recalled'), stored ? box(t('chat.stored'), stored) : null);
}

/** What a message says. Content that is not as its type wants it is shown as it is. @param {Message} message @param {Host} host @returns {Kid} */
function body(message, host) {
  const make = TYPES[message.msg_type];
  const value = content(message);
  try {
    if (message.tree) return card(message.tree, host);
    return make && value && typeof value === 'object' ? make(value, host, message) : plainly(message);
  } catch {
    return plainly(message);
  }
}

/** The cards that single people see in place of the one that was sent. @param {Message} message @param {import('./room.js').People} people @param {Host} host */
function owned(message, people, host) {
  return (message.own_cards ?? []).map((/** @type {any} */ one) =>
    h('details', {}, h('summary', {}, t('chat.ownCard', {name: people.name(one.user_id)})), one.tree ? card(one.tree, host) : box(message.msg_type, one.content)));
}

/** A message of a type without a form of its own: its line and its JSON. @param {Message} message */
function plainly(message) {
  const line = h('p', {class: 'text'}, message.line);
  return message.msg_type === 'system' ? h('p', {class: 'muted'}, message.line) : [line, box(message.msg_type, message.stored ?? message.body?.content ?? '')];
}

/** How messages of a type are shown. @type {Record<string, ((value: any, host: Host, message: Message) => Kid) | undefined>} */
const TYPES = {
  text: (value, host, message) => text(String(value.text ?? ''), message, host),
  post: (value, host, message) => post(value, host, message),
  image: (value, host) => image(String(value.image_key ?? ''), t('card.image'), host),
  sticker: (value, host) => image(String(value.file_key ?? ''), t('chat.sticker'), host),
  file: (value, host) => file('▤', value.file_name, value.file_key, host),
  folder: value => file('▧', value.file_name, value.file_key),
  audio: (value, host) => file('♪', t('chat.audio', {s: Math.round((value.duration ?? 0) / 1000)}), value.file_key, host),
  media: (value, host) => [value.image_key ? image(String(value.image_key), t('chat.cover', {name: String(value.file_name ?? '')}), host) : null, file('▶', value.file_name, value.file_key, host)],
  share_chat: value => file('☰', t('chat.shareChat'), value.chat_id),
  share_user: (value, host) => file('☺', t('chat.shareUser', {name: host.name(value.user_id)}), value.user_id),
};

/** What a message names by its key; a file can be saved. @param {string} glyph @param {string} name @param {string} key @param {Host} [host] */
function file(glyph, name, key, host) {
  const words = String(name ?? '') || String(key ?? '');
  return h('p', {class: 'file'}, h('span', {class: 'file-glyph', 'aria-hidden': 'true'}, glyph), h('span', {}, words), mono(key, 20),
    host && key ? h('a', {href: host.file(String(key)), download: '', 'aria-label': t('chat.saveNamed', {name: words})}, t('chat.save')) : null);
}

/** A text; what is long is shown on demand. @param {string} whole @param {Message} message @param {Host} host */
function text(whole, message, host) {
  const made = h('p', {class: 'text'}, mentioned(whole.slice(0, LONG), message, host));
  if (whole.length > LONG) {
    made.append(button(t('app.more', {n: number(whole.length - LONG)}), () => replace(made, mentioned(whole, message, host)), {kind: 'link'}));
  }
  return made;
}

/** A text with its mentions and links. @param {string} text @param {Message} message @param {Host} host @returns {Kid[]} */
function mentioned(text, message, host) {
  const known = new Map((message.mentions ?? []).map((/** @type {any} */ one) => [one.key, one]));
  return text.split(/(@_user_\d+|@_all|\[[^\]\n]{1,200}\]\(https?:\/\/[^\s)]+\)|https?:\/\/[^\s<>"']+)/).map(part => {
    const one = known.get(part);
    if (one) return h('span', {class: 'at'}, `@${one.name || host.name(one.id)}`);
    if (part === '@_all') return h('span', {class: 'at'}, `@${t('card.all')}`);
    const named = /^\[(.+)\]\((https?:.+)\)$/.exec(part);
    if (named) return link(named[2], named[1], named[1]);
    return /^https?:\/\//.test(part) ? link(part, part, part) : part;
  });
}

/** A rich text. @param {any} value @param {Host} host @param {Message} message */
function post(value, host, message) {
  const one = Array.isArray(value.content) ? value : Object.values(value).find(part => Array.isArray(part?.content)) ?? {};
  return h('div', {class: 'post'}, one.title ? h('p', {class: 'post-title'}, String(one.title)) : null,
    (one.content ?? []).map((/** @type {any[]} */ paragraph) => h('div', {class: 'text'}, (Array.isArray(paragraph) ? paragraph : []).map(part => piece(part, host, message)))));
}

/** @param {any} part @param {Host} host @param {Message} message @returns {Kid} */
function piece(part, host, message) {
  const text = String(part.text ?? '');
  const style = new Set(Array.isArray(part.style) ? part.style : []);
  const look = {bold: style.has('bold'), italic: style.has('italic'), strike: style.has('lineThrough')};
  switch (part.tag) {
    case 'text': return spans([{text, ...look}], host);
    case 'a': return link(String(part.href ?? ''), text, text);
    case 'at': return h('span', {class: 'at'}, `@${mentionName(part.user_id, message, host) || part.user_name}`);
    case 'img': return image(String(part.image_key ?? ''), t('card.image'), host);
    case 'media': return file('▶', part.file_name ?? '', part.file_key, host);
    case 'emotion': return EMOJI.get(part.emoji_type) ?? `[${part.emoji_type}]`;
    case 'hr': return h('hr', {});
    case 'code_block': return h('pre', {tabIndex: 0, role: 'group', 'aria-label': String(part.language ?? t('card.code'))}, text);
    case 'md': return h('span', {}, text);
    default: return box(String(part.tag), JSON.stringify(part));
  }
}

/** @param {string} id @param {Message} message @param {Host} host */
function mentionName(id, message, host) {
  const known = (message.mentions ?? []).find((/** @type {any} */ one) => one.key === id);
  return known?.name || (/^@?_?all$/.test(id) ? t('card.all') : host.name(String(id ?? '')));
}

/** What the last click on a card did. @param {Room} room @param {Message} message @param {Hands} hands */
function outcome(room, message, hands) {
  const done = room.outcomes.peek().get(message.message_id);
  if (!done) return null;
  const data = done.data ?? {};
  const kind = done.failed || data.code ? 'failed' : 'ok';
  const told = data.way ? `→ ${t(`chat.way.${data.way}`)} · ${data.ms} ms` : data.opens ? `↗ ${data.opens}` : '';
  const word = toast(data.toast, room.locale());
  return h('div', {class: 'outcome'},
    h('p', {}, chip(kind, t(kind === 'ok' ? 'chat.clicked' : 'chat.notClicked', {name: done.who, element: done.address})), ' ', told,
      data.event_id ? h('a', {class: 'small', href: hands.href(`events?sel=${data.event_id}`)}, ` ${t('chat.event')}`) : null),
    word ? h('p', {class: `toast-line toast-${/^(success|warning|error)$/.test(data.toast?.type) ? data.toast.type : 'info'}`}, word) : null,
    done.failed ? h('p', {class: 'small'}, done.failed) : null,
    data.code ? h('p', {class: 'small'}, mono(data.code), ` ${data.meaning ?? ''} · ${data.failure ?? ''}`) : null);
}

/** @param {any} told @param {string} locale */
function toast(told, locale) {
  if (!told) return '';
  return String(told.i18n?.[locale] ?? told.content ?? '');
}

/** @param {Room} room @param {Message} message @param {Hands} hands */
function reactions(room, message, hands) {
  /** @type {Map<string, {names: string[], mine: string}>} */
  const kinds = new Map();
  for (const one of message.reactions ?? []) {
    const type = one.reaction_type.emoji_type;
    const kind = kinds.get(type) ?? {names: [], mine: ''};
    kind.names.push(room.people.peek().name(one.operator.operator_id));
    if (one.operator.operator_id === room.me) kind.mine = one.reaction_id;
    kinds.set(type, kind);
  }
  if (!kinds.size) return null;
  return h('div', {class: 'reactions'}, [...kinds].map(([type, kind]) => h('button', {
    type: 'button', class: 'reaction', 'aria-pressed': String(Boolean(kind.mine)), title: `${type}: ${kind.names.join(', ')}`, disabled: !room.me,
    'aria-label': `${type} ${kind.names.length}: ${kind.names.join(', ')}`,
    on: {click: () => hands.act(kind.mine ? 'unreact' : 'react', message, kind.mine || type)},
  }, h('span', {'aria-hidden': 'true'}, EMOJI.get(type) ?? type), ` ${kind.names.length}`)));
}

/** Under what a person said: one line for each bot. @param {Room} room @param {Message} message @param {Hands} hands */
function deliveries(room, message, hands) {
  if (message.sender?.sender_type !== 'user' || message.deleted) return null;
  const told = room.ways.peek().get(message.message_id) ?? [];
  const heard = new Set(told.map(one => one.app_id));
  const people = room.people.peek();
  const absent = room.absent.peek().filter(one => !heard.has(one.app_id) && people.has(one.app_id));
  const silent = people.bots().filter(app => !heard.has(app.app_id) && !absent.some(one => one.app_id === app.app_id));
  const untold = (/** @type {import('./room.js').Absent} */ one) => {
    const fix = one.fixes?.[0] ?? room.remedy(one);
    return h('li', {}, chip('not_sent', people.name(one.app_id)), ` ${t('chat.undelivered', {why: reason(one)})} `,
      fix ? button(hands.fix(fix), () => hands.act('fix', message, fix), {kind: 'link'}) : null);
  };
  const outside = absent.filter(one => one.reason === 'bot_absent');
  if (!told.length && !absent.length) return null;
  return h('div', {class: 'ways'}, h('ul', {'aria-label': t('chat.deliveries')},
    told.map(one => h('li', {}, way(one, people, hands), ' ', one.state === 'dropped' || one.state === 'waiting'
      ? button(t('chat.resend'), () => hands.act('resend', message, one), {kind: 'link'}) : null,
    one.state === 'waiting' && one.failure && !one.attempts?.at(-1)?.request_url ? [' ', button(t('chat.startBot'), () => hands.act('start', message, one), {kind: 'link'})] : null)),
    absent.filter(one => one.reason !== 'bot_absent').map(untold),
    silent.map(app => h('li', {}, chip('not_sent', app.name), ` ${t('chat.undelivered', {why: t('chat.reason.unknown')})}`))),
  outside.length ? h('details', {}, h('summary', {}, plural('chat.outside', outside.length)), h('ul', {}, outside.map(untold))) : null);
}

/** @param {import('./room.js').Absent} one */
function reason(one) {
  const key = `chat.reason.${one.reason}`;
  return [has(key) ? t(key) : one.reason, ...(one.needs ?? [])].join(' ');
}

/** One delivery in a line. @param {import('./room.js').Delivery} one @param {import('./room.js').People} people @param {Hands} hands */
function way(one, people, hands) {
  const last = one.attempts?.at(-1);
  const by = last ? t(`chat.way.${last.way ?? (last.request_url ? 'webhook' : 'connection')}`) : '';
  const result = one.state === 'delivered' ? (last ? t('chat.acked', {ms: last.took_ms}) : t('status.delivered'))
    : [last?.status ? `HTTP ${last.status}` : '', one.failure ?? '', one.next_try_ms ? t('chat.next', {span: span(Math.max(0, one.next_try_ms - hands.now()))}) : t(`status.${one.state}`)].filter(Boolean).join(' · ');
  return h('a', {href: hands.href(`events?sel=${one.event_id}`)}, chip(one.state, people.name(one.app_id)), ` ${[by, result].filter(Boolean).join(' · ')}`);
}

/** @param {Room} room @param {Message} message @param {boolean} mine @param {Hands} hands */
function tools(room, message, mine, hands) {
  const act = (/** @type {string} */ what) => () => hands.act(what, message);
  const gone = message.deleted || message.recalled;
  return h('div', {class: 'msg-tools', role: 'group', 'aria-label': t('chat.tools')},
    room.me && !gone ? [
      tool('↩', t('chat.replyTo'), act('reply')), tool('☺', t('chat.react'), act('choose')),
      tool('⚲', t(message.pinned ? 'chat.unpin' : 'chat.pin'), act('pin')),
      message.read === false ? tool('✓', t('chat.read'), act('read')) : null,
      mine && message.msg_type === 'text' ? tool('✎', t('chat.edit'), act('edit')) : null,
      tool('⌫', t('chat.recall'), act('recall')),
    ] : null,
    tool('{}', t('chat.json'), act('json')));
}

/** @param {string} glyph @param {string} words @param {() => void} run */
function tool(glyph, words, run) {
  return h('button', {type: 'button', class: 'quiet tool', title: words, 'aria-label': words, on: {click: run}}, glyph);
}
