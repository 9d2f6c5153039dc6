// Parts that all screens use.
import {h, replace, uid} from './dom.js';
import {t} from './i18n.js';
import {clock, moment} from './time.js';
import {toast} from './dialog.js';

/** @typedef {import('./dom.js').Kid} Kid */

/** Status words: glyph and class of each. */
const STATUS = /** @type {Record<string, [string, string]>} */ ({
  ok: ['✓', 'ok'], delivered: ['✓', 'ok'], acked: ['✓', 'ok'], used: ['✓', 'ok'], enabled: ['✓', 'ok'], valid: ['✓', 'ok'],
  refused: ['⊘', 'refused'], missing: ['⊘', 'refused'], not_sent: ['⊘', 'refused'], unrouted: ['⊘', 'refused'],
  failed: ['✕', 'failed'], cut: ['✕', 'failed'], dropped: ['✕', 'failed'], expired: ['✕', 'failed'],
  injected: ['⚡', 'injected'],
  waiting: ['⏳', 'waiting'], pending: ['⏳', 'waiting'], held: ['⏳', 'waiting'], unused: ['⏳', 'waiting'],
  soft: ['ℹ', 'info'], info: ['ℹ', 'info'],
});

/**
 * A status: glyph, word and colour.
 * @param {string} kind such as `ok`, `refused`, `failed`, `injected`, `waiting`, `info`
 * @param {string} [word] instead of the usual one (`status.KIND`)
 * @returns {HTMLElement}
 */
export function chip(kind, word) {
  const [glyph, name] = STATUS[kind] || STATUS.info;
  return h('span', {class: `chip ${name}`}, h('span', {'aria-hidden': 'true'}, glyph), ` ${word ?? t(`status.${kind}`)}`);
}

/**
 * Shows a status in a cell of a list, which keeps its element.
 * @param {HTMLElement} cell
 * @param {string} kind
 */
export function chipIn(cell, kind) {
  const el = cell.firstElementChild;
  if (!(el instanceof HTMLElement)) return void cell.replaceChildren(chip(kind));
  const [glyph, name] = STATUS[kind] || STATUS.info;
  const word = ` ${t(`status.${kind}`)}`;
  const {firstElementChild: mark, lastChild: text} = el;
  if (!mark || !(text instanceof Text) || text.data === word) return;
  el.className = `chip ${name}`;
  mark.textContent = glyph;
  text.data = word;
}

/**
 * A button; its key is shown and announced.
 * @param {string} words
 * @param {(event: MouseEvent) => void} click
 * @param {{key?: string, kind?: 'primary' | 'danger' | 'link' | 'quiet', label?: string, disabled?: boolean, pressed?: boolean}} [options]
 * @returns {HTMLButtonElement}
 */
export function button(words, click, options = {}) {
  return h('button', {
    type: 'button', class: options.kind || null, disabled: options.disabled || false, 'aria-label': options.label ?? null,
    'aria-pressed': options.pressed ?? null, 'aria-keyshortcuts': options.key ? options.key.replaceAll(' ', '+') : null, on: {click},
  }, words, options.key ? h('kbd', {'aria-hidden': 'true'}, options.key) : null);
}

/**
 * What a screen shows when there is nothing: words and one button.
 * @param {string} words
 * @param {Kid} [act]
 * @param {Kid} [more]
 * @returns {HTMLElement}
 */
export function empty(words, act, more) {
  return h('div', {class: 'empty'}, h('p', null, words), more, act);
}

/**
 * Says in a panel that something failed, or that the server does not have the operation.
 * @param {any} error
 * @returns {HTMLElement}
 */
export function failure(error) {
  const words = error?.missing ? t('app.missing', {operation: error.operation}) : error?.line || String(error?.message || error);
  return h('div', {class: 'note failed', role: 'alert'}, words, error?.log_id ? h('div', {class: 'mono small'}, error.log_id) : null);
}

/**
 * Tabs with their panels; a panel is made when it is first shown.
 * @param {string} label
 * @param {{id: string, title: string, make: () => Kid}[]} tabs
 * @param {{selected?: string, onSelect?: (id: string) => void}} [options]
 * @returns {HTMLElement}
 */
export function tabs(label, tabs, options = {}) {
  const base = uid('tabs');
  const panel = h('div', {class: 'tab-panel', role: 'tabpanel', id: `${base}-panel`, tabIndex: 0});
  const heads = tabs.map(tab => h('button', {type: 'button', role: 'tab', id: `${base}-${tab.id}`, 'aria-controls': `${base}-panel`, on: {click: () => show(tab.id, true)}}, tab.title));
  /** @param {string} id @param {boolean} told */
  const show = (id, told) => {
    const at = Math.max(0, tabs.findIndex(tab => tab.id === id));
    heads.forEach((head, i) => {
      head.setAttribute('aria-selected', String(i === at));
      head.tabIndex = i === at ? 0 : -1;
    });
    panel.setAttribute('aria-labelledby', heads[at].id);
    replace(panel, tabs[at].make());
    panel.scrollTop = 0;
    if (told && options.onSelect) options.onSelect(tabs[at].id);
  };
  const list = h('div', {class: 'tab-list', role: 'tablist', 'aria-label': label, on: {keydown: (/** @type {KeyboardEvent} */ event) => {
    const at = heads.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement));
    const to = {ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: heads.length - 1}[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    const next = (to + heads.length) % heads.length;
    show(tabs[next].id, true);
    heads[next].focus();
  }}}, heads);
  show(options.selected || tabs[0].id, false);
  return h('div', {class: 'tabs'}, list, panel);
}

/**
 * Names with their values.
 * @param {[string, Kid][]} pairs those without a value are left out
 * @returns {HTMLElement}
 */
export function facts(pairs) {
  return h('dl', {class: 'facts'}, pairs.filter(([, value]) => value !== undefined && value !== null && value !== '' && value !== false)
    .map(([name, value]) => h('div', null, h('dt', null, name), h('dd', null, value))));
}

/**
 * An id: monospaced, whole in the tooltip.
 * @param {any} id
 * @param {number} [chars] shown at most
 */
export function mono(id, chars) {
  const text = String(id ?? '');
  return h('span', {class: 'mono', title: text}, chars && text.length > chars ? `${text.slice(0, chars)}…` : text);
}

/**
 * A time of the world; the date and the real time are in the tooltip.
 * @param {number} world_ms
 * @param {number} [real_ms]
 */
export function when(world_ms, real_ms) {
  const title = real_ms && real_ms !== world_ms ? t('time.both', {world: moment(world_ms), real: new Date(real_ms).toLocaleString()}) : moment(world_ms);
  return h('time', {class: 'mono', dateTime: new Date(world_ms).toISOString(), title}, clock(world_ms));
}

/**
 * Copies text and says so.
 * @param {string} text
 */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const field = h('textarea', {value: text, class: 'away'});
    document.body.append(field);
    field.select();
    document.execCommand('copy');
    field.remove();
  }
  toast(t('app.copied'));
}

/**
 * A box of code with a Copy button.
 * @param {string} text
 * @param {string} label
 */
export function code(text, label) {
  return h('div', {class: 'code'}, h('pre', {tabIndex: 0, role: 'region', 'aria-label': label}, text),
    button(t('app.copy'), () => copy(text), {kind: 'quiet', label: `${t('app.copy')}: ${label}`}));
}

/**
 * A section with a heading.
 * @param {string} title
 * @param {...Kid} kids
 */
export function panel(title, ...kids) {
  const id = uid('panel');
  return h('section', {class: 'panel', 'aria-labelledby': id}, h('h2', {id}, title), kids);
}

/**
 * A labelled select.
 * @param {string} label
 * @param {[string, string][]} options value and words
 * @param {string} value
 * @param {(value: string) => void} change
 */
export function select(label, options, value, change) {
  const el = h('select', {'aria-label': label, on: {change: () => change(el.value)}}, options.map(([one, words]) => h('option', {value: one}, words)));
  el.value = value;
  return el;
}
