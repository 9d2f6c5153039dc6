// The render tree of a card as elements. Whatever a card contains becomes text, never markup.
import {h} from './dom.js';
import {t} from './i18n.js';

/**
 * A piece of text with one style.
 * @typedef {{text: string, bold?: boolean, italic?: boolean, strike?: boolean, code?: boolean, color?: string, label?: boolean,
 *   href?: string, at?: {id: string}}} Span
 */
/** A node of the tree, by its `kind`. @typedef {{kind: string, [field: string]: any}} Node */
/**
 * @typedef {{header?: {title: Span[], subtitle: Span[], tags: Span[], color: string, icon?: string}, body: Node[],
 *   warnings: {address: string, text: string}[]}} Tree
 */
/** What a person did with an element, as the operation `larkspur.v1.message.click` takes it. @typedef {Record<string, unknown>} Use */
/**
 * What surrounds a card.
 * @typedef {object} Host
 * @property {(address: string, use: Use, source: HTMLElement) => void} use Someone uses the element at this address.
 * @property {(title: string, text: string) => Promise<boolean>} confirm Asks before a click.
 * @property {(key: string) => string} image The URL of an image.
 * @property {(key: string) => string} file The URL of a file.
 * @property {(id: string) => string} name The name of a person or bot; the id if it is not known.
 * @property {() => {id: string, name: string}[]} people Who can be chosen in menus of people.
 * @property {boolean} live Whether elements can be used.
 */

const WEB = /^https?:\/\//i;
const GLYPHS = new Map(Object.entries({
  add: '+', alarm: '⏰', bell: '♪', calendar: '▦', chat: '✉', close: '✕', delete: '✕', doc: '▤', done: '✓', down: '▾', edit: '✎',
  error: '✕', file: '▤', info: 'ℹ', like: '★', link: '↗', lock: '⚿', mail: '✉', maybe: '?', more: '⋯', robot: '⚙', search: '⌕',
  setting: '⚙', star: '★', succeed: '✓', time: '◷', todo: '☑', up: '▴', warning: '⚠', yes: '✓',
}));

/**
 * A card.
 * @param {Tree} tree
 * @param {Host} host
 * @returns {HTMLElement}
 */
export function card(tree, host) {
  const header = tree.header;
  const level = header ? 4 : 3;
  return h('article', {class: 'card', 'aria-label': header ? plain(header.title) || t('card.card') : t('card.card')},
    header && h('div', {class: `card-head c-${header.color || 'default'}`},
      header.icon && icon(header.icon, host),
      h('div', {class: 'card-titles'},
        h('h3', {}, spans(header.title, host)),
        header.subtitle.length > 0 && h('p', {}, spans(header.subtitle, host))),
      header.tags.map((tag) => h('span', {class: `tag c-${tag.color || 'default'}`}, tag.text))),
    h('div', {class: 'card-body'}, nodes(tree.body, host, level)),
    tree.warnings.length > 0 && warnings(tree.warnings));
}

/**
 * Texts in their styles.
 * @param {Span[]} list
 * @param {Pick<Host, 'name'>} host
 * @returns {(globalThis.Node | string)[]}
 */
export function spans(list, host) {
  return list.map((span) => {
    if (span.at) {
      const name = span.text && span.text !== span.at.id ? span.text : host.name(span.at.id);
      return h('span', {class: 'at'}, `@${span.at.id === 'all' ? t('card.all') : name}`);
    }
    if (span.label) return h('span', {class: `tag c-${span.color || 'default'}`}, span.text);
    /** @type {globalThis.Node | string} */
    let inner = span.text;
    if (span.code) inner = h('code', {}, inner);
    if (span.strike) inner = h('s', {}, inner);
    if (span.italic) inner = h('em', {}, inner);
    if (span.bold) inner = h('strong', {}, inner);
    if (span.color && span.color !== 'default') inner = h('span', {class: `ink c-${span.color}`}, inner);
    return span.href ? link(span.href, inner, span.text) : inner;
  });
}

/**
 * A link that shows where it leads. Only addresses of the web can be followed.
 * @param {string} href
 * @param {globalThis.Node | string} inner
 * @param {string} text
 * @returns {HTMLElement}
 */
export function link(href, inner, text) {
  if (!WEB.test(href)) return h('span', {class: 'link-dead', title: href}, inner, h('small', {}, ` (${short(href)})`));
  const where = site(href);
  return h('a', {href, target: '_blank', rel: 'noopener noreferrer', title: href}, inner,
    text.includes(where) ? null : h('small', {class: 'host'}, ` ${where}`), h('span', {class: 'out'}, ' ↗'));
}

/** @param {string} href */
function site(href) {
  return URL.canParse(href) ? new URL(href).host : short(href);
}

/** @param {string} text */
function short(text) {
  return text.length > 40 ? `${text.slice(0, 39)}…` : text;
}

/** @param {Span[]} list */
function plain(list) {
  return list.map((span) => span.text).join('');
}

/** Elements of nodes; buttons that follow each other stand in a row. @param {Node[]} list @param {Host} host @param {number} level @returns {HTMLElement[]} */
function nodes(list, host, level) {
  /** @type {HTMLElement[]} */
  const made = [];
  /** @type {HTMLElement | null} */
  let row = null;
  for (const node of list) {
    const one = (MAKERS[node.kind] ?? unknown)(node, host, level);
    const small = node.kind === 'button' || node.tag === 'overflow';
    if (!small) {
      row = null;
      made.push(one);
      continue;
    }
    if (!row) {
      row = h('div', {class: 'card-row'});
      made.push(row);
    }
    row.append(one);
  }
  return made;
}

/** How each kind of node is made. @type {Record<string, (node: Node, host: Host, level: number) => HTMLElement>} */
const MAKERS = {
  text: (node, host) => h('p', {class: `size-${known(node.size, SIZES)} align-${known(node.align, ALIGNS)}`}, spans(node.spans, host)),
  heading: (node, host, level) => h('p', {class: `card-h card-h${node.level}`, role: 'heading', 'aria-level': String(level)},
    spans(node.spans, host)),
  list: (node, host) => h(node.ordered ? 'ol' : 'ul', {},
    node.items.map((/** @type {Span[]} */ item) => h('li', {}, spans(item, host)))),
  quote: (node, host) => h('blockquote', {}, spans(node.spans, host)),
  code: (node) => h('pre', {tabIndex: 0, 'aria-label': node.language || t('card.code'), role: 'group'}, h('code', {}, node.text)),
  rule: () => h('hr', {}),
  image: (node, host) => (node.alt === 'icon' && !node.key.startsWith('img_')
    ? h('p', {}, icon(node.key, host)) : image(node.key, node.alt, host)),
  columns: (node, host, level) => h('div', {class: 'card-columns'},
    node.columns.map((/** @type {{weight: number, nodes: Node[]}} */ column) => {
      const made = h('div', {}, nodes(column.nodes, host, level));
      made.style.flex = column.weight ? `${column.weight} 1 0` : '0 1 auto';
      return made;
    })),
  fields: (node, host) => h('div', {class: 'card-fields'},
    node.fields.map((/** @type {{short: boolean, spans: Span[]}} */ field) =>
      h('p', {class: field.short ? 'short' : ''}, spans(field.spans, host)))),
  note: (node, host, level) => h('div', {class: 'card-note'}, nodes(node.nodes, host, level)),
  panel: (node, host, level) => h('details', {class: 'card-panel', open: node.open},
    h('summary', {}, spans(node.title, host)), nodes(node.nodes, host, level)),
  table: (node) => table(node),
  form: (node, host, level) => form(node, host, level),
  container: (node, host, level) => container(node, host, level),
  button: (node, host) => button(node, host),
  input: (node, host) => input(node, host),
  select: (node, host) => (node.multiple ? several(node, host) : select(node, host)),
  picker: (node, host) => picker(node, host),
  checker: (node, host) => checker(node, host),
  box: (node) => box(node.tag, node.json),
  cut: () => h('p', {class: 'card-cut'}, t('card.cut')),
};
const SIZES = ['normal', 'heading', 'notation', 'xx-large', 'x-large', 'large', 'medium', 'small', 'x-small'];
const ALIGNS = ['left', 'center', 'right'];

/** @param {string | undefined} value @param {string[]} all */
function known(value, all) {
  return value && all.includes(value) ? value : all[0];
}

/** @param {Node} node */
function unknown(node) {
  return box(node.kind, JSON.stringify(node));
}

/**
 * An element that is shown as its JSON.
 * @param {string} tag
 * @param {string} json
 * @returns {HTMLElement}
 */
export function box(tag, json) {
  return h('details', {class: 'card-box'}, h('summary', {}, t('card.box', {tag: tag || '?'})),
    h('pre', {tabIndex: 0, role: 'group', 'aria-label': 'JSON'}, json));
}

/**
 * An image of the store. What cannot be loaded is shown by its key.
 * @param {string} key
 * @param {string} alt
 * @param {Pick<Host, 'image'>} host
 * @returns {HTMLElement}
 */
export function image(key, alt, host) {
  const frame = h('figure', {class: 'picture'});
  const missing = () => frame.replaceChildren(h('span', {class: 'picture-none'}, `▨ ${alt || t('card.image')} `, h('code', {}, short(key))));
  if (!/^[\w-]+$/.test(key)) missing();
  else frame.append(h('a', {href: host.image(key), target: '_blank', rel: 'noopener noreferrer', title: t('card.whole')}, h('img', {loading: 'lazy', decoding: 'async', alt: alt || t('card.image'), src: host.image(key), on: {error: missing}})));
  return frame;
}

/** @param {string} key @param {Host} host */
function icon(key, host) {
  if (key.startsWith('img_')) return image(key, t('card.icon'), host);
  return h('span', {class: 'icon', title: key, 'aria-hidden': 'true'}, GLYPHS.get(key.split(/[-_]/)[0] ?? '') ?? '◆');
}

/** @param {Node} node */
function table(node) {
  const row = (/** @type {'th' | 'td'} */ tag) => (/** @type {string[]} */ cells) =>
    h('tr', {}, cells.map((cell) => h(tag, tag === 'th' ? {scope: 'col'} : {}, cell)));
  return h('div', {class: 'card-table', tabIndex: 0, role: 'group', 'aria-label': t('card.table')},
    h('table', {}, h('thead', {}, row('th')(node.columns)), h('tbody', {}, node.rows.map(row('td')))));
}

/** @param {{address: string, text: string}[]} list */
function warnings(list) {
  return h('details', {class: 'card-warnings'}, h('summary', {}, t('card.warnings', {n: list.length})),
    h('ul', {}, list.map((warning) => h('li', {}, warning.address && h('code', {}, warning.address), warning.address && ' ',
      h('span', {lang: 'en'}, warning.text)))));
}

/**
 * Uses an element. In a form, only its buttons tell the app.
 * @param {Host} host @param {HTMLElement} source @param {string} address @param {Use} use
 */
function tell(host, source, address, use) {
  if (host.live && (!source.closest('form') || use.submit || source.dataset.button)) {
    const {submit, ...rest} = use;
    host.use(address, rest, source);
  }
}

/** @param {Node} node @param {Host} host */
function button(node, host) {
  const {act, address, label, disabled} = node;
  const look = `button ${known(node.style.split('_')[0], ['default', 'primary', 'danger', 'laser', 'text'])}`;
  const text = label || t('card.button');
  if (act.does === 'open') {
    if (!WEB.test(act.url) || disabled) return h('button', {class: look, disabled: true, title: act.url}, text);
    return h('a', {class: look, href: act.url, target: '_blank', rel: 'noopener noreferrer', title: act.url, 'data-address': address},
      text, h('small', {}, ` ${short(new URL(act.url).host)} ↗`));
  }
  const made = h('button', {
    class: look, type: act.does === 'submit' ? 'submit' : 'button', disabled: disabled || !host.live, 'data-address': address, 'data-button': '1',
  }, text);
  if (node.confirm) made.dataset.confirm = JSON.stringify(node.confirm);
  if (act.does !== 'submit') {
    made.addEventListener('click', async () => {
      if (!(await agreed(made, host))) return;
      if (act.does === 'reset') made.closest('form')?.reset();
      else tell(host, made, address, {});
    });
  }
  return made;
}

/** Whether the person agrees to what a button asks. @param {HTMLElement} made @param {Host} host */
async function agreed(made, host) {
  if (!made.dataset.confirm) return true;
  const asked = JSON.parse(made.dataset.confirm);
  return host.confirm(asked.title, asked.text);
}

/** @param {Node} node @param {Host} host @param {number} level */
function container(node, host, level) {
  const inside = nodes(node.nodes, host, level);
  const made = h('div', {class: 'card-container', 'data-address': node.address, 'data-button': '1'}, inside);
  const web = node.act.does === 'open' && WEB.test(node.act.url);
  if (node.disabled || !host.live || (node.act.does === 'open' && !web)) return made;
  const label = web ? `${t('card.open')} ${short(new URL(node.act.url).host)} ↗` : t('card.use');
  const go = web
    ? h('a', {class: 'button text', href: node.act.url, target: '_blank', rel: 'noopener noreferrer'}, label)
    : h('button', {class: 'button text', type: 'button', 'data-button': '1', on: {click: () => tell(host, go, node.address, {})}}, label);
  made.classList.add('live');
  made.append(go);
  made.addEventListener('click', (event) => {
    const target = /** @type {Element} */ (event.target);
    if (!target.closest('a,button,input,select,textarea,label,summary')) go.click();
  });
  return made;
}

let fields = 0;

/**
 * A field with its label and the place of its error.
 * @param {Node} node @param {HTMLElement} control @param {string} label @param {() => unknown} value
 */
function field(node, control, label, value) {
  const id = `card-field-${(fields += 1)}`;
  control.id = id;
  control.dataset.address = node.address;
  control.dataset.name = node.name;
  if (node.required) control.setAttribute('aria-required', 'true');
  const made = h('div', {class: 'card-field'},
    label ? h('label', {htmlFor: id}, label, node.required && h('span', {'aria-hidden': 'true'}, ' *')) : null, control);
  if (!label) control.setAttribute('aria-label', node.placeholder || node.name || t('card.field'));
  VALUES.set(control, {name: node.name, required: Boolean(node.required), value});
  return made;
}

/** What the fields of forms contain. @type {WeakMap<Element, {name: string, required: boolean, value: () => unknown}>} */
const VALUES = new WeakMap();

/** @param {Node} node @param {Host} host */
function input(node, host) {
  const control = h('input', {
    type: 'text', value: node.value, defaultValue: node.value, placeholder: node.placeholder, disabled: node.disabled || !host.live,
    autocomplete: 'off', on: {change: () => tell(host, control, node.address, {input: control.value})},
  });
  return field(node, control, node.label, () => control.value);
}

/** The texts of the options; menus of people list those of the chat. @param {Node} node @param {Host} host @returns {{value: string, text: string}[]} */
function options(node, host) {
  const people = /person/.test(node.tag);
  if (people && node.options.length === 0) return host.people().map((one) => ({value: one.id, text: one.name}));
  return node.options.map((/** @type {{value: string, text: string}} */ option) =>
    ({value: option.value, text: option.text || (people ? host.name(option.value) : option.value)}));
}

/** @param {Node} node @param {Host} host */
function select(node, host) {
  const more = node.tag === 'overflow';
  const first = more ? `⋯ ${t('card.more')}` : node.placeholder || t('card.choose');
  const control = h('select', {
    disabled: node.disabled || !host.live,
    on: {
      change: () => {
        const option = control.value;
        if (option) tell(host, control, node.address, {option});
        if (more) control.value = '';
      },
      // The arrow keys of a closed menu would choose at once.
      keydown: (/** @type {KeyboardEvent} */ event) => {
        if (!control.form && /^Arrow(Up|Down)$/.test(event.key) && 'showPicker' in control) {
          event.preventDefault();
          control.showPicker();
        }
      },
    },
  }, h('option', {value: ''}, first), options(node, host).map(({value, text}) => h('option', {
    value, selected: node.chosen.includes(value), defaultSelected: node.chosen.includes(value),
  }, text)));
  return field(node, control, '', () => control.value || null);
}

/** A menu of several. @param {Node} node @param {Host} host */
function several(node, host) {
  const boxes = options(node, host).map(({value, text}) => ({text, tick: h('input', {
    type: 'checkbox', value, checked: node.chosen.includes(value), defaultChecked: node.chosen.includes(value), disabled: node.disabled || !host.live,
  })}));
  const chosen = () => boxes.filter(({tick}) => tick.checked).map(({tick}) => tick.value);
  const label = h('summary', {});
  const count = () => label.replaceChildren(chosen().length ? t('card.chosen', {n: chosen().length}) : node.placeholder || t('card.choose'));
  const done = h('button', {class: 'button', type: 'button', on: {
    click: () => {
      made.open = false;
      tell(host, made, node.address, {options: chosen()});
    },
  }}, t('card.done'));
  const made = h('details', {class: 'card-several', on: {change: count}}, label,
    boxes.map(({text, tick}) => h('label', {}, tick, ' ', text)), done);
  count();
  return field(node, made, '', chosen);
}

const PICKERS = new Map([['date_picker', 'date'], ['picker_time', 'time'], ['picker_datetime', 'datetime-local']]);

/** @param {Node} node @param {Host} host */
function picker(node, host) {
  const start = node.value.replace(/ ?[+-]\d{4}$/, '').replace(' ', 'T');
  const control = h('input', {
    type: PICKERS.get(node.tag) ?? 'text', value: start, defaultValue: start, disabled: node.disabled || !host.live,
    on: {change: () => tell(host, control, node.address, {option: value() ?? ''})},
  });
  const value = () => (control.value ? `${control.value.replace('T', ' ')} +0800` : null);
  return field(node, control, node.placeholder, value);
}

/** @param {Node} node @param {Host} host */
function checker(node, host) {
  const control = h('input', {
    type: 'checkbox', checked: node.checked, defaultChecked: node.checked, disabled: node.disabled || !host.live,
    on: {change: () => tell(host, control, node.address, {checked: control.checked})},
  });
  control.dataset.address = node.address;
  control.dataset.name = node.name;
  VALUES.set(control, {name: node.name, required: false, value: () => control.checked});
  return h('label', {class: 'card-check'}, control, ' ', h('span', {}, spans(node.spans, host)));
}

/** @param {Node} node @param {Host} host @param {number} level */
function form(node, host, level) {
  const made = h('form', {class: 'card-form', noValidate: true},
    nodes(node.nodes, host, level));
  made.addEventListener('submit', async (event) => {
    event.preventDefault();
    const source = /** @type {HTMLElement | null} */ (event.submitter) ?? made.querySelector('[type=submit]');
    if (!(source instanceof HTMLElement) || !complete(made) || !(await agreed(source, host))) return;
    tell(host, source, source.dataset.address ?? '', {form: filled(made), submit: true});
  });
  return made;
}

/** The fields of a form. @param {HTMLElement} made */
function parts(made) {
  return [...made.querySelectorAll('[data-name]')].flatMap((control) => {
    const part = VALUES.get(control);
    return part?.name ? [{control: /** @type {HTMLElement} */ (control), ...part}] : [];
  });
}

/** @param {HTMLElement} made */
function filled(made) {
  /** @type {Record<string, unknown>} */
  const values = {};
  for (const {name, value} of parts(made)) {
    const content = value();
    if (content !== null && content !== undefined) values[name] = content;
  }
  return values;
}

/** Whether a form has what it requires. Marks the fields that are empty, and focuses on the first. @param {HTMLElement} made */
function complete(made) {
  made.querySelectorAll('.field-error').forEach((error) => error.remove());
  const empty = parts(made).filter(({control, required, value}) => {
    const content = value();
    const lacks = required && (content === null || content === '' || (Array.isArray(content) && content.length === 0));
    control.setAttribute('aria-invalid', String(lacks));
    if (lacks) {
      const id = `${control.id}-error`;
      control.setAttribute('aria-describedby', id);
      control.after(h('p', {class: 'field-error', id}, t('card.required')));
    } else control.removeAttribute('aria-describedby');
    return lacks;
  });
  empty[0]?.control.focus();
  return empty.length === 0;
}

/**
 * Puts a new form of a card in place of the old one, and keeps what the person has entered and where the focus is.
 * @param {HTMLElement} old
 * @param {HTMLElement} fresh
 */
export function exchange(old, fresh) {
  const focus = document.activeElement instanceof HTMLElement && old.contains(document.activeElement)
    ? document.activeElement.dataset.address : undefined;
  const named = new Map([...fresh.querySelectorAll('[data-address]')].map((one) => [/** @type {HTMLElement} */ (one).dataset.address, one]));
  for (const control of old.querySelectorAll('input[data-address], select[data-address]')) {
    const twin = named.get(/** @type {HTMLElement} */ (control).dataset.address);
    if (control instanceof HTMLInputElement && twin instanceof HTMLInputElement) {
      if (control.value !== control.defaultValue) twin.value = control.value;
      if (control.checked !== control.defaultChecked) twin.checked = control.checked;
    } else if (control instanceof HTMLSelectElement && twin instanceof HTMLSelectElement && control.form) twin.value = control.value;
  }
  old.replaceWith(fresh);
  const target = focus === undefined ? undefined : named.get(focus);
  if (target instanceof HTMLElement) target.focus({preventScroll: true});
}
