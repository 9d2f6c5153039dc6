// Dialogs and toasts. Destructive actions ask first; the focus starts on Cancel.
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

/** @type {HTMLElement | null} */
let tray = null;

/**
 * A short message that goes by itself.
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
