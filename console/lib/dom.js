// The only maker of elements. Text goes in as text nodes: no string ever becomes markup.

/** @typedef {Node | string | number | null | undefined | boolean | readonly any[]} Kid */
/** @typedef {Record<string, any>} Props */

/** Names that are attributes, not properties of the element. */
const ATTRIBUTES = new Set(['class', 'id', 'for', 'role', 'lang', 'colspan', 'rowspan', 'list', 'form', 'autocomplete', 'rel', 'target']);

/**
 * Makes an element.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Props | null} [props] `on: {click}`, `style: {width}`, attributes (`class`, `aria-…`, `data-…`), else properties
 * @param {...Kid} kids
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, props, ...kids) {
  const el = document.createElement(tag);
  set(el, props || {});
  append(el, kids);
  return el;
}

/**
 * Sets attributes, properties, styles and listeners of an element.
 * @param {HTMLElement} el
 * @param {Props} props
 */
export function set(el, props) {
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined) continue;
    if (name === 'on') {
      for (const [type, run] of Object.entries(value)) if (run) el.addEventListener(type, /** @type {EventListener} */ (run));
    } else if (name === 'style') {
      for (const [key, css] of Object.entries(value)) el.style.setProperty(key, String(css));
    } else if (name.startsWith('aria-') || name.startsWith('data-') || ATTRIBUTES.has(name)) {
      if (value === null || (value === false && !name.startsWith('aria-'))) el.removeAttribute(name);
      else el.setAttribute(name, String(value));
    } else {
      /** @type {any} */ (el)[name] = value;
    }
  }
}

/**
 * @param {Node} parent
 * @param {readonly Kid[]} kids
 */
function append(parent, kids) {
  for (const kid of kids) {
    if (kid === null || kid === undefined || typeof kid === 'boolean') continue;
    if (Array.isArray(kid)) append(parent, kid);
    else parent.appendChild(kid instanceof Node ? kid : document.createTextNode(String(kid)));
  }
}

/**
 * Replaces what an element holds.
 * @template {Element} E
 * @param {E} node
 * @param {...Kid} kids
 * @returns {E}
 */
export function replace(node, ...kids) {
  const all = document.createDocumentFragment();
  append(all, kids);
  node.replaceChildren(all);
  return node;
}

/**
 * Replaces what an element holds by the same, newer; what was unfolded, scrolled and focused stays so.
 * @param {HTMLElement} node
 * @param {...Kid} kids
 */
export function renew(node, ...kids) {
  const folds = () => [...node.querySelectorAll('details')];
  const stops = () => /** @type {HTMLElement[]} */ ([...node.querySelectorAll('button, a, input, select, textarea, summary, [tabindex]')]);
  const panel = () => node.querySelector('.tab-panel');
  const open = folds().map(fold => fold.open);
  const focus = stops().indexOf(/** @type {HTMLElement} */ (document.activeElement));
  const scroll = [node.scrollTop, panel()?.scrollTop || 0];
  replace(node, kids);
  folds().forEach((fold, i) => {
    if (i in open) fold.open = open[i];
  });
  if (focus >= 0) stops()[focus]?.focus({preventScroll: true});
  node.scrollTop = scroll[0];
  const inner = panel();
  if (inner) inner.scrollTop = scroll[1];
}

let last = 0;

/**
 * An id that no other element has.
 * @param {string} [prefix]
 */
export function uid(prefix = 'n') {
  last += 1;
  return `${prefix}-${last}`;
}
