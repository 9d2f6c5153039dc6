// The palette: every action by name.
import {h, replace, uid} from './dom.js';
import {t} from './i18n.js';
import {open} from './dialog.js';

/** @typedef {{text: string, key?: string, group?: string, run: () => void}} Entry words, already in the language */

/**
 * How well words fit what was typed; 0 if they do not. Letters may be left out, but their order counts.
 * @param {string} words
 * @param {string} typed
 */
function fit(words, typed) {
  const text = words.toLowerCase();
  const at = text.indexOf(typed);
  if (at >= 0) return 1000 - at;
  let from = 0;
  for (const letter of typed) {
    if (letter === ' ') continue;
    from = text.indexOf(letter, from) + 1;
    if (!from) return 0;
  }
  return 100 - Math.min(90, from);
}

/**
 * @param {Entry[]} entries
 */
export function openPalette(entries) {
  const base = uid('palette');
  let active = 0;
  /** @type {Entry[]} */
  let found = [];
  const list = h('ul', {class: 'palette-list', role: 'listbox', id: `${base}-list`, 'aria-label': t('app.palette')});
  const field = h('input', {type: 'text', role: 'combobox', 'aria-expanded': 'true', 'aria-controls': `${base}-list`, 'aria-autocomplete': 'list', 'aria-label': t('app.palette'),
    autocomplete: 'off', spellcheck: false, placeholder: t('app.palettePlaceholder')});
  const mark = () => {
    [...list.children].forEach((el, i) => el.setAttribute('aria-selected', String(i === active)));
    const el = list.children[active];
    if (el) {
      field.setAttribute('aria-activedescendant', el.id);
      el.scrollIntoView({block: 'nearest'});
    } else field.removeAttribute('aria-activedescendant');
  };
  const search = () => {
    const typed = field.value.trim().toLowerCase();
    found = entries.map(entry => ({entry, score: typed ? fit(entry.text, typed) : 1})).filter(one => one.score > 0)
      .sort((a, b) => b.score - a.score).slice(0, 60).map(one => one.entry);
    active = 0;
    replace(list, found.map((entry, i) => h('li', {role: 'option', id: `${base}-${i}`, on: {click: () => choose(i)}},
      h('span', null, entry.text), entry.group ? h('span', {class: 'muted small'}, entry.group) : null, entry.key ? h('kbd', null, entry.key) : null)));
    mark();
  };
  /** @param {number} i */
  const choose = i => {
    const entry = found[i];
    if (!entry) return;
    dialog.close();
    // After the focus has returned to where it was.
    setTimeout(entry.run);
  };
  field.addEventListener('input', search);
  field.addEventListener('keydown', event => {
    const n = found.length;
    if (event.key === 'ArrowDown' && n) active = (active + 1) % n;
    else if (event.key === 'ArrowUp' && n) active = (active + n - 1) % n;
    else if (event.key === 'Enter') choose(active);
    else return;
    event.preventDefault();
    mark();
  });
  const dialog = open(t('app.palette'), [field, list], {class: 'palette'});
  search();
  field.focus();
}
