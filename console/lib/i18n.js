// Words in two languages. What is on the wire is never translated.
import {signal} from './store.js';

/** @type {Record<string, () => Promise<{default: Record<string, string>}>>} */
const TABLES = {en: () => import('../text/en.js'), zh: () => import('../text/zh.js')};
const KEPT = 'larkspur.lang';

function first() {
  const asked = new URLSearchParams(location.search).get('lang') || localStorage.getItem(KEPT);
  if (asked && TABLES[asked]) return asked;
  return navigator.languages.some(one => one.toLowerCase().startsWith('zh')) ? 'zh' : 'en';
}

/** The language: `en` or `zh`. */
export const lang = signal(first());
/** Only the words of one language are loaded. */
let table = (await TABLES[lang.peek()]()).default;
document.documentElement.lang = lang.peek() === 'zh' ? 'zh-CN' : 'en';

/** @param {string} next */
export async function setLang(next) {
  localStorage.setItem(KEPT, next);
  table = (await TABLES[next]()).default;
  document.documentElement.lang = next === 'zh' ? 'zh-CN' : 'en';
  lang.set(next);
}

/**
 * Whether there are words for a key.
 * @param {string} key
 */
export function has(key) {
  return key in table;
}

/**
 * Words for a key; `{name}` is filled in.
 * @param {string} key
 * @param {Record<string, any>} [values]
 * @returns {string}
 */
export function t(key, values) {
  lang.get();
  const words = table[key] ?? key;
  if (!values) return words;
  return words.replace(/\{(\w+)\}/g, (all, name) => (name in values ? String(values[name]) : all));
}

/**
 * Words for a number of things: `key.one` or `key.other`, with `{n}`.
 * @param {string} key
 * @param {number} n
 * @param {Record<string, any>} [values]
 */
export function plural(key, n, values) {
  const kind = new Intl.PluralRules(lang.get()).select(n) === 'one' ? 'one' : 'other';
  return t(`${key}.${kind}`, {n: number(n), ...values});
}

/**
 * A number as the language writes it.
 * @param {number} n
 */
export function number(n) {
  return new Intl.NumberFormat(lang.get() === 'zh' ? 'zh-CN' : 'en').format(n);
}

/**
 * Why a call was refused, in words: `why.NAME`, else the note of the server.
 * @param {{code?: string, note?: string, facts?: Record<string, any>} | null | undefined} why
 */
export function reason(why) {
  if (!why) return '';
  const key = `why.${why.code}`;
  return has(key) ? t(key, why.facts || {}) : why.note || why.code || '';
}
