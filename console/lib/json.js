// JSON to look at: folded by the keyboard (native disclosure), made as it is opened, bounded.
import {h, replace} from './dom.js';
import {t} from './i18n.js';

const MEMBERS = 100;
const CHARS = 2000;

/**
 * @param {any} value
 * @param {{open?: number}} [options] `open`: how many levels are unfolded at first
 * @returns {HTMLElement}
 */
export function json(value, options) {
  return h('div', {class: 'json'}, member(null, value, options?.open ?? 2));
}

/** @param {string | number | null} key */
function label(key) {
  return key === null ? null : [h('span', {class: typeof key === 'string' ? 'json-key' : 'json-index'}, String(key)), ': '];
}

/**
 * @param {string | number | null} key
 * @param {any} value
 * @param {number} open
 * @returns {HTMLElement}
 */
function member(key, value, open) {
  if (value === null || typeof value !== 'object') return h('div', {class: 'json-row'}, label(key), scalar(value));
  const list = Array.isArray(value);
  /** @type {[string | number, any][]} */
  const entries = list ? value.map((one, i) => [i, one]) : Object.entries(value);
  const [left, right] = list ? ['[', ']'] : ['{', '}'];
  if (!entries.length) return h('div', {class: 'json-row'}, label(key), left + right);
  const inside = h('div', {class: 'json-in'});
  let filled = false;
  const fill = () => {
    if (filled) return;
    filled = true;
    more(inside, entries, 0, open - 1);
  };
  const box = h('details', {open: open > 0, on: {toggle: () => box.open && fill()}},
    h('summary', null, label(key), left, h('span', {class: 'json-fold'}, ` ${entries.length} ${right}`)), inside);
  if (open > 0) fill();
  return box;
}

/**
 * @param {HTMLElement} inside
 * @param {[string | number, any][]} entries
 * @param {number} from
 * @param {number} open
 */
function more(inside, entries, from, open) {
  for (const [key, value] of entries.slice(from, from + MEMBERS)) inside.append(member(key, value, open));
  const left = entries.length - from - MEMBERS;
  if (left <= 0) return;
  const button = h('button', {class: 'link', on: {click: () => {
    button.remove();
    more(inside, entries, from + MEMBERS, open);
  }}}, t('app.more', {n: left}));
  inside.append(button);
}

/** @param {any} value */
function scalar(value) {
  if (typeof value !== 'string') return h('span', {class: 'json-word'}, String(value));
  const nested = embedded(value);
  const shown = h('span', {class: 'json-text'}, JSON.stringify(value.length > CHARS ? value.slice(0, CHARS) : value));
  if (nested) return [shown, h('details', {class: 'json-nested'}, h('summary', null, t('app.asJson')), member(null, nested, 3))];
  if (value.length <= CHARS) return shown;
  const all = h('button', {class: 'link', on: {click: () => {
    replace(shown, JSON.stringify(value));
    all.remove();
  }}}, t('app.more', {n: value.length - CHARS}));
  return [shown, ' ', all];
}

/**
 * What a string holds, if it is JSON in a string, as contents of messages are.
 * @param {string} text
 */
function embedded(text) {
  if (!/^[{[]/.test(text) || text.length > 65_536) return null;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
