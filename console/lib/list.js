// <lk-list>: a grid that keeps only the rows in sight in the page, for lists of any length that grow while one looks.
import {h, replace, uid} from './dom.js';

/**
 * @template R
 * @typedef {object} Column
 * @property {string} key
 * @property {import('./dom.js').Kid} title words, already in the language
 * @property {string} width of a CSS grid column
 * @property {(row: R) => Node | string | number | null | undefined} [render]
 * @property {string} [narrow] its width in a list of less than 500 px
 * @property {number} [from] shown if the list is at least so wide, in px
 * @property {(cell: HTMLElement, row: R) => void} [fill] in place of `render`: changes what the cell has, so that nothing new is made
 * @property {string} [class]
 */
/**
 * @template R
 * @typedef {object} Options
 * @property {Column<R>[]} columns
 * @property {string} label name of the grid
 * @property {number} [rowHeight] px
 * @property {number} [max] the most rows that are kept; the last ones go
 * @property {(row: R) => string} id
 * @property {(row: R) => void} [onOpen]
 * @property {(row: R | null) => void} [onMove] the active row changed
 * @property {() => void} [onEnd] the last rows came into sight
 * @property {(row: R) => string} [rowClass]
 */

/** Rows made beyond those in sight, on each side. */
const SPARE = 6;
const NARROW = 500;
/** After so many new rows all rows are placed anew, so that no place becomes too far for a browser. */
const FAR = 100_000;

class ListElement extends HTMLElement {}
if (!customElements.get('lk-list')) customElements.define('lk-list', ListElement);

/**
 * @template R
 * @param {HTMLElement} cell
 * @param {Column<R>} column
 * @param {R} row
 */
function write(cell, column, row) {
  if (cell.title) cell.title = '';
  if (column.fill) return column.fill(cell, row);
  const value = column.render ? column.render(row) : '';
  if (value instanceof Node) return void cell.replaceChildren(value);
  const text = value === null || value === undefined ? '' : String(value);
  const only = cell.firstChild;
  if (only instanceof Text && !only.nextSibling) {
    if (only.data !== text) only.data = text;
  } else cell.textContent = text;
}

/** @template R */
export class List {
  /** @param {Options<R>} options */
  constructor(options) {
    this.options = options;
    this.rowHeight = options.rowHeight || 28;
    /** @type {R[]} */
    this.rows = [];
    /** How many rows were ever put before others: a row keeps its number while it is listed. */
    this.top = 0;
    /** Id of the active row. @type {string | null} */
    this.selected = null;
    this.active = -1;
    this.width = 0;
    this.height = 0;
    /** Whether there is little room: columns may say less. */
    this.narrow = false;
    this.prefix = uid('list');
    /** @type {{el: HTMLElement, cells: HTMLElement[], row: R | null, number: number, base: number, place: string, state: string}[]} */
    this.pool = [];
    /** @type {Column<R>[]} */
    this.shown = [];
    this.head = h('div', {class: 'lk-head', role: 'row', 'aria-rowindex': 1});
    /** All rows move by moving this one box: a row stays where it is in it. */
    this.inner = h('div', {class: 'lk-inner', role: 'presentation'});
    this.body = h('div', {class: 'lk-body', role: 'rowgroup'}, this.inner);
    /** The number of a row at the place 0 of the box. */
    this.base = 0;
    this.shift = NaN;
    this.sized = -1;
    this.node = /** @type {HTMLElement} */ (document.createElement('lk-list'));
    this.node.setAttribute('role', 'grid');
    this.node.setAttribute('aria-label', options.label);
    this.node.tabIndex = 0;
    this.node.append(h('div', {class: 'lk-top', role: 'rowgroup'}, this.head), this.body);
    /** Where the list is scrolled to, known without asking for a layout. */
    this.y = 0;
    this.node.addEventListener('scroll', () => {
      this.y = this.node.scrollTop;
      this.paint();
    }, {passive: true});
    this.node.addEventListener('keydown', event => this.pressed(event));
    this.node.addEventListener('click', event => this.clicked(event));
    this.node.addEventListener('mouseover', event => {
      const cell = event.target instanceof HTMLElement && event.target.closest('[role=gridcell]');
      if (cell instanceof HTMLElement && !cell.title && cell.scrollWidth > cell.clientWidth) cell.title = cell.textContent || '';
    });
    this.node.addEventListener('focus', () => {
      if (this.active < 0 && this.rows.length) this.move(0);
    });
    this.sizes = new ResizeObserver(() => this.resized());
    this.sizes.observe(this.node);
    this.painting = 0;
    this.columns();
  }

  /** Ends it; its node may be dropped then. */
  dispose() {
    this.sizes.disconnect();
    cancelAnimationFrame(this.painting);
  }

  resized() {
    const {clientWidth: width, clientHeight: height} = this.node;
    // A list that was taken out of the page and put back begins at its top.
    this.y = this.node.scrollTop;
    if (width === this.width && height === this.height) return;
    this.width = width;
    this.height = height;
    this.columns();
    this.draw();
  }

  /** Chooses the columns that fit. */
  columns() {
    const shown = this.options.columns.filter(column => !column.from || this.width >= column.from);
    const narrow = this.width > 0 && this.width < NARROW;
    if (shown.length === this.shown.length && narrow === this.narrow && this.pool.length) return;
    this.shown = shown;
    this.narrow = narrow;
    this.node.style.setProperty('--cols', shown.map(column => (narrow && column.narrow) || column.width).join(' '));
    this.node.setAttribute('aria-colcount', String(shown.length));
    replace(this.head, shown.map(column => h('div', {role: 'columnheader', class: column.class?.includes('num') ? 'num' : null}, column.title)));
    this.pool = [];
    replace(this.inner);
  }

  /** @param {R[]} rows newest or first one first */
  setRows(rows) {
    this.rows = this.options.max ? rows.slice(0, this.options.max) : rows.slice();
    this.top += rows.length;
    this.find();
    this.refresh();
  }

  /** @param {R[]} rows to put before all others, in their order */
  prepend(rows) {
    if (!rows.length) return;
    this.rows.unshift(...rows);
    this.top += rows.length;
    if (this.options.max && this.rows.length > this.options.max) this.rows.length = this.options.max;
    if (this.active >= 0) this.active = this.active + rows.length < this.rows.length ? this.active + rows.length : -1;
    if (this.y > this.rowHeight / 2) {
      this.size();
      this.scrollTo(this.y + rows.length * this.rowHeight);
    }
    this.paint();
  }

  /** @param {number} y */
  scrollTo(y) {
    this.node.scrollTop = y;
    this.y = this.node.scrollTop;
  }

  /** @param {R[]} rows to put after all others */
  append(rows) {
    this.rows.push(...rows);
    this.find();
    this.paint();
  }

  /**
   * Shows a row anew that has changed, if it is listed.
   * @param {R} row
   */
  update(row) {
    const id = this.options.id(row);
    const at = this.rows.findIndex(one => this.options.id(one) === id);
    if (at < 0) return;
    this.rows[at] = row;
    this.refresh();
  }

  /** Shows all rows anew: what their columns read has changed. */
  refresh() {
    this.pool.forEach(slot => {
      slot.row = null;
    });
    this.paint();
  }

  find() {
    this.active = this.selected === null ? -1 : this.rows.findIndex(row => this.options.id(row) === this.selected);
  }

  /**
   * Makes a row the active one, by its id.
   * @param {string | null} id
   */
  select(id) {
    this.selected = id;
    this.find();
    if (this.active >= 0) this.reveal();
    this.paint();
  }

  /** The active row. */
  current() {
    return this.active >= 0 ? this.rows[this.active] : null;
  }

  size() {
    if (this.sized === this.rows.length) return;
    this.sized = this.rows.length;
    this.body.style.setProperty('height', `${this.rows.length * this.rowHeight}px`);
    this.node.setAttribute('aria-rowcount', String(this.rows.length + 1));
  }

  /** Paints with the next frame. */
  paint() {
    if (!this.painting) this.painting = requestAnimationFrame(() => this.draw());
  }

  draw() {
    cancelAnimationFrame(this.painting);
    this.painting = 0;
    if (!this.height) return;
    const {rows, rowHeight, pool} = this;
    this.size();
    this.place();
    const from = Math.max(0, Math.floor(this.y / rowHeight) - SPARE);
    const wanted = Math.ceil(this.height / rowHeight) + 2 * SPARE;
    while (pool.length < wanted) this.grow();
    // A row that keeps its number keeps its element, so only rows that come into sight are written.
    const size = pool.length;
    for (let i = from; i < from + size; i += 1) {
      const number = this.top - i;
      const slot = pool[((number % size) + size) % size];
      if (i >= rows.length) this.hide(slot);
      else this.fill(slot, rows[i], i, number);
    }
    const row = this.active >= from && this.active < from + size ? `${this.prefix}-${((this.top - this.active) % size + size) % size}` : null;
    if (row) this.node.setAttribute('aria-activedescendant', row);
    else this.node.removeAttribute('aria-activedescendant');
    if (this.options.onEnd && rows.length && from + wanted >= rows.length) this.options.onEnd();
  }

  /** Moves the box, so that the newest row is at the top. */
  place() {
    if (this.top - this.base > FAR) {
      this.base = this.top;
      this.pool.forEach(slot => {
        slot.row = null;
      });
    }
    const shift = (this.top - this.base) * this.rowHeight;
    if (shift === this.shift) return;
    this.shift = shift;
    this.inner.style.setProperty('transform', `translateY(${shift}px)`);
  }

  grow() {
    const el = h('div', {class: 'lk-row', role: 'row', id: `${this.prefix}-${this.pool.length}`, hidden: true});
    const cells = this.shown.map(column => h('div', {role: 'gridcell', class: column.class || null}));
    el.append(...cells);
    this.inner.append(el);
    this.pool.forEach(slot => {
      slot.row = null;
    });
    this.pool.push({el, cells, row: null, number: NaN, base: NaN, place: '', state: ''});
  }

  /** @param {List<R>['pool'][number]} slot */
  hide(slot) {
    if (!slot.el.hidden) slot.el.hidden = true;
    slot.row = null;
  }

  /**
   * @param {List<R>['pool'][number]} slot
   * @param {R} row
   * @param {number} index
   * @param {number} number
   */
  fill(slot, row, index, number) {
    const {el} = slot;
    if (el.hidden) el.hidden = false;
    const place = String(index + 2);
    if (slot.place !== place) {
      slot.place = place;
      el.setAttribute('aria-rowindex', place);
    }
    const state = index === this.active ? 'true' : 'false';
    if (slot.state !== state) {
      slot.state = state;
      el.setAttribute('aria-selected', state);
    }
    if (slot.row === row && slot.number === number) return;
    slot.row = row;
    if (slot.number !== number || slot.base !== this.base) {
      slot.number = number;
      slot.base = this.base;
      el.style.setProperty('transform', `translateY(${(this.base - number) * this.rowHeight}px)`);
    }
    const name = this.options.rowClass ? `lk-row ${this.options.rowClass(row)}` : 'lk-row';
    if (el.className !== name) el.className = name;
    this.shown.forEach((column, i) => write(slot.cells[i], column, row));
  }

  /** @param {number} to */
  move(to) {
    if (!this.rows.length) return;
    this.active = Math.max(0, Math.min(this.rows.length - 1, to));
    this.selected = this.options.id(this.rows[this.active]);
    this.reveal();
    this.draw();
    if (this.options.onMove) this.options.onMove(this.rows[this.active]);
  }

  /** Scrolls the active row into sight. */
  reveal() {
    this.size();
    const head = this.head.offsetHeight;
    const y = this.active * this.rowHeight;
    if (y < this.y) this.scrollTo(y);
    else if (y + this.rowHeight + head > this.y + this.height) this.scrollTo(y + this.rowHeight + head - this.height);
  }

  openActive() {
    const row = this.current();
    if (row && this.options.onOpen) this.options.onOpen(row);
  }

  /**
   * The keys of a list for its screen.
   * @returns {import('./keys.js').Key[]}
   */
  bindings() {
    const step = (/** @type {number} */ by) => {
      this.node.focus({preventScroll: true});
      this.move(this.active + by);
    };
    return [{key: 'j', text: 'app.next', run: () => step(1)}, {key: 'k', text: 'app.previous', run: () => step(-1)}];
  }

  /** @param {KeyboardEvent} event */
  pressed(event) {
    if (event.target !== this.node || event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor(this.height / this.rowHeight) - 2);
    /** @type {Record<string, () => void>} */
    const moves = {
      ArrowDown: () => this.move(this.active + 1),
      ArrowUp: () => this.move(this.active - 1),
      Home: () => this.move(0),
      End: () => this.move(this.rows.length - 1),
      PageDown: () => this.move(this.active + page),
      PageUp: () => this.move(this.active - page),
      Enter: () => this.openActive(),
    };
    const act = moves[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  /** @param {MouseEvent} event */
  clicked(event) {
    const target = /** @type {Element} */ (event.target);
    if (target.closest('button, a, input, select')) return;
    const el = target.closest('.lk-row');
    const slot = this.pool.find(one => one.el === el);
    if (!slot || !slot.row) return;
    this.node.focus({preventScroll: true});
    this.move(this.top - slot.number);
    this.openActive();
  }
}
