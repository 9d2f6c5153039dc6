// Dialogs, the palette and toasts. Destructive actions ask first; the focus starts on Cancel.
import {h, replace, uid} from './dom.js';
import {t} from './i18n.js';

/** @typedef {import('./dom.js').Kid} Kid */
/**
 * @typedef {object} Field
 * @property {string} name
 * @property {string} label
 * @property {'text' | 'textarea' | 'number' | 'select' | 'checkbox' | 'json' | 'password'} [type]
 * @property {any} [value]
 * @property {boolean} [required]
 * @property {[string, string][]} [options] of a select: value and words
 * @property {string} [hint]
 * @property {string} [placeholder]
 * @property {string[]} [suggest]
 * @property {number} [rows] of a text area
 * @property {(value: any) => string | null | undefined} [check] words for what is wrong
 */

/** Where toasts stand: in the open dialog, if there is one. @type {HTMLElement | null} */
let tray = null;

/**
 * Opens a dialog; it goes when it is closed, and the focus returns.
 * @param {string} title
 * @param {Kid} content
 * @param {{class?: string, onClose?: () => void}} [options]
 * @returns {HTMLDialogElement}
 */
export function open(title, content, options = {}) {
  const id = uid('dialog');
  const before = document.activeElement;
  const dialog = h('dialog', {class: options.class || null, 'aria-labelledby': id, on: {
    close: () => {
      if (tray && dialog.contains(tray)) document.body.append(tray);
      dialog.remove();
      if (before instanceof HTMLElement && before.isConnected) before.focus({preventScroll: true});
      if (options.onClose) options.onClose();
    },
    click: (/** @type {MouseEvent} */ event) => {
      if (event.target === dialog) dialog.close();
    },
  }}, h('div', {class: 'dialog-in'}, h('div', {class: 'dialog-head'}, h('h2', {id}, title),
    h('button', {type: 'button', class: 'quiet icon', 'aria-label': t('app.close'), on: {click: () => dialog.close()}}, '✕')), content));
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/**
 * Asks before something goes. The focus is on Cancel.
 * @param {{title: string, text: string, items?: string[], act: string}} what `items`: what goes, by name
 * @returns {Promise<boolean>}
 */
export function confirm(what) {
  return new Promise(resolve => {
    let answer = false;
    const cancel = h('button', {type: 'button', on: {click: () => dialog.close()}}, t('app.cancel'));
    const act = h('button', {type: 'button', class: 'danger', on: {click: () => {
      answer = true;
      dialog.close();
    }}}, what.act);
    const dialog = open(what.title, [h('p', null, what.text), what.items?.length ? h('ul', null, what.items.slice(0, 12).map(one => h('li', null, one))) : null,
      h('div', {class: 'dialog-foot'}, cancel, act)], {onClose: () => resolve(answer)});
    cancel.focus();
  });
}

/**
 * @param {Field} field
 * @param {string} id
 */
function control(field, id) {
  const common = {id, name: field.name, required: field.required || false, 'aria-describedby': `${id}-hint ${id}-error`, autocomplete: 'off', spellcheck: false};
  if (field.type === 'select') {
    const el = h('select', common, (field.options || []).map(([value, words]) => h('option', {value}, words)));
    el.value = field.value ?? field.options?.[0]?.[0] ?? '';
    return el;
  }
  if (field.type === 'checkbox') return h('input', {...common, type: 'checkbox', checked: Boolean(field.value)});
  if (field.type === 'textarea' || field.type === 'json') {
    const value = field.type === 'json' && typeof field.value !== 'string' && field.value !== undefined ? JSON.stringify(field.value, null, 2) : field.value ?? '';
    return h('textarea', {...common, class: field.type === 'json' ? 'mono' : null, rows: field.rows ?? (field.type === 'json' ? 10 : 4), value, placeholder: field.placeholder || ''});
  }
  return h('input', {...common, type: field.type || 'text', list: field.suggest ? `${id}-list` : null, step: 'any', value: field.value ?? '', placeholder: field.placeholder || ''});
}

/**
 * The value of a field; `[value, error]`.
 * @param {Field} field
 * @param {HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement} el
 * @returns {[any, string]}
 */
function entered(field, el) {
  if (field.type === 'checkbox') return [/** @type {HTMLInputElement} */ (el).checked, ''];
  const text = el.value;
  if (text.trim() === '') return [undefined, field.required ? t('app.required') : ''];
  /** @type {any} */
  let value = text;
  if (field.type === 'number') {
    value = Number(text);
    if (Number.isNaN(value)) return [undefined, t('app.notNumber')];
  }
  if (field.type === 'json') {
    try {
      value = JSON.parse(text);
    } catch (error) {
      return [undefined, t('app.notJson', {why: String(/** @type {Error} */ (error).message)})];
    }
  }
  return [value, field.check?.(value) || ''];
}

/**
 * A form in a dialog. `act` is called with the values; if it throws, the errors are shown at their fields and the form stays.
 * @param {{title: string, fields: Field[], submit: string, text?: Kid, act?: (values: Record<string, any>) => Promise<any> | any, preview?: (values: Record<string, any>) => Kid}} form
 * @returns {Promise<Record<string, any> | null>} the values, or null if it was cancelled
 */
export function form(form) {
  return new Promise(resolve => {
    /** @type {Record<string, any> | null} */
    let answer = null;
    const base = uid('form');
    const made = form.fields.map((field, i) => {
      const id = `${base}-${i}`;
      const el = control(field, id);
      const error = h('div', {class: 'error', id: `${id}-error`});
      const hint = h('div', {class: 'hint', id: `${id}-hint`}, field.hint || null);
      const list = field.suggest ? h('datalist', {id: `${id}-list`}, field.suggest.map(value => h('option', {value}))) : null;
      const label = h('label', {for: id}, field.label, field.required ? h('span', {class: 'muted'}, ` (${t('app.required')})`) : null);
      return {field, el, error, node: field.type === 'checkbox' ? h('div', {class: 'field check'}, el, label, hint, error) : h('div', {class: 'field'}, label, el, list, hint, error)};
    });
    const general = h('div', {class: 'error', role: 'alert'});
    const preview = h('div');
    const read = () => {
      /** @type {Record<string, any>} */
      const values = {};
      /** @type {Record<string, string>} */
      const errors = {};
      for (const {field, el} of made) {
        const [value, error] = entered(field, el);
        if (error) errors[field.name] = error;
        else if (value !== undefined) values[field.name] = value;
      }
      return {values, errors};
    };
    /** @param {Record<string, string>} errors */
    const show = errors => {
      let first = null;
      for (const {field, el, error} of made) {
        const words = errors[field.name] || '';
        error.textContent = words;
        if (words) el.setAttribute('aria-invalid', 'true');
        else el.removeAttribute('aria-invalid');
        if (words && !first) first = el;
      }
      if (first) first.focus();
      return first !== null;
    };
    const submit = async (/** @type {Event} */ event) => {
      event.preventDefault();
      const {values, errors} = read();
      general.textContent = '';
      if (show(errors)) return;
      try {
        if (form.act) await form.act(values);
        answer = values;
        dialog.close();
      } catch (error) {
        /** @type {any} */
        const refused = error;
        /** @type {Record<string, string>} */
        const at = {};
        for (const one of refused.fields || []) {
          const name = made.find(({field}) => one.field === field.name || one.field.startsWith(`${field.name}.`) || one.field.startsWith(`${field.name}[`) || one.field.endsWith(`.${field.name}`))?.field.name;
          if (name) at[name] = one.field === name ? one.description : `${one.field}: ${one.description}`;
        }
        if (!show(at)) general.textContent = refused.line || String(refused.message || refused);
      }
    };
    const see = () => {
      if (form.preview) replace(preview, form.preview(read().values));
    };
    const dialog = open(form.title, h('form', {noValidate: true, on: {submit, input: see}}, form.text ? h('div', null, form.text) : null, made.map(one => one.node), general, preview,
      h('div', {class: 'dialog-foot'}, h('button', {type: 'button', on: {click: () => dialog.close()}}, t('app.cancel')), h('button', {type: 'submit', class: 'primary'}, form.submit))),
    {onClose: () => resolve(answer)});
    see();
    made[0]?.el.focus();
  });
}

/**
 * A short message that disappears after some seconds.
 * @param {string} words
 * @param {'info' | 'failed'} [kind]
 * @param {{words: string, run: () => void}} [act]
 */
export function toast(words, kind = 'info', act) {
  if (!tray) {
    tray = h('div', {class: 'toasts', role: 'status', 'aria-live': 'polite'});
    document.body.append(tray);
  }
  const modal = document.querySelector('dialog[open] .dialog-in');
  (modal || document.body).append(tray);
  const el = h('div', {class: `toast ${kind}`}, h('span', null, words),
    act ? h('button', {type: 'button', class: 'link', on: {click: () => {
      el.remove();
      act.run();
    }}}, act.words) : null, h('button', {type: 'button', class: 'quiet icon', 'aria-label': t('app.close'), on: {click: () => el.remove()}}, '✕'));
  tray.append(el);
  while (tray.childElementCount > 4) tray.firstElementChild?.remove();
  setTimeout(() => el.remove(), kind === 'failed' ? 12_000 : 5000);
}

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
