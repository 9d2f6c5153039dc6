// The fields in which two values differ.
import {h} from './dom.js';
import {t} from './i18n.js';

/** @typedef {{path: string, a?: any, b?: any}} Change */

/**
 * @param {any} a
 * @param {any} b
 * @param {string} [path]
 * @returns {Change[]}
 */
export function diff(a, b, path = '') {
  if (Object.is(a, b)) return [];
  const both = a && b && typeof a === 'object' && typeof b === 'object' && Array.isArray(a) === Array.isArray(b);
  if (!both) return JSON.stringify(a) === JSON.stringify(b) ? [] : [{path, a, b}];
  const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])];
  return keys.flatMap(key => diff(a[key], b[key], Array.isArray(a) ? `${path}[${key}]` : path ? `${path}.${key}` : key));
}

/** @param {any} value */
const shown = value => (value === undefined ? '—' : typeof value === 'string' ? value : JSON.stringify(value));

/**
 * A table of changes.
 * @param {Change[]} changes
 * @param {string} a what the first value is
 * @param {string} b
 * @returns {HTMLElement}
 */
export function diffView(changes, a, b) {
  if (!changes.length) return h('p', {class: 'muted'}, t('app.same'));
  return h('div', {class: 'scroll', tabIndex: 0, role: 'region', 'aria-label': t('app.diff')}, h('table', {class: 'table diff'},
    h('thead', null, h('tr', null, h('th', {scope: 'col'}, t('app.field')), h('th', {scope: 'col'}, a), h('th', {scope: 'col'}, b))),
    h('tbody', null, changes.slice(0, 500).map(one => h('tr', null,
      h('th', {scope: 'row', class: 'mono'}, one.path || '.'), h('td', {class: 'mono gone'}, shown(one.a)), h('td', {class: 'mono new'}, shown(one.b)))))));
}
