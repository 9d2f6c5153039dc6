// <lk-list>: a grid that keeps only the rows in sight in the page, for lists of any length that grow while one looks.
import {h, replace, uid} from './dom.js';

/**
 * @template R
 * @typedef {object} Column
 * @property {string} key
 * @property {string} title words, already in the language
 * @property {string} width of a CSS grid column
 * @property {(row: R) => Node | string | number | null | undefined} render
 * @property {number} [from] shown if the list is at least so wide, in px
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

const SPARE = 6;

class ListElement extends HTMLElement {}
if (!customElements.get('lk-list')) customElements.define('lk-list', ListElement);

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
    this.prefix = uid('list');
    /** @type {{el: HTMLElement, cells: HTMLElement[], row: R | null, number: number, state: string}[]} */
    this.pool = [];
    /** @type {Column<R>[]} */
    this.shown = [];
    this.head = h('div', {class: 'lk-head', role: 'row', 'aria-rowindex': 1});
    this.body = h('div', {class: 'lk-body', role: 'rowgroup'});
    this.node = /** @type {HTMLElement} */ (document.createElement('lk-list'));
    this.node.setAttribute('role', 'grid');
    this.node.setAttribute('aria-label', options.label);
    this.node.tabIndex = 0;
    this.node.append(h('div', {class: 'lk-top', role: 'rowgroup'}, this.head), this.body);
    this.node.addEventListener('scroll', () => this.paint(), {passive: true});
    this.node.addEventListener('keydown', event => this.pressed(event));
    this.node.addEventListener('click', event => this.clicked(event));
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
    if (width === this.width && height === this.height) return;
    this.width = width;
    this.height = height;
    this.columns();
    this.draw();
  }

  /** Chooses the columns that fit. */
  columns() {
    const shown = this.options.columns.filter(column => !column.from || this.width >= column.from);
    if (shown.length === this.shown.length && this.pool.length) return;
    this.shown = shown;
    this.node.style.setProperty('--cols', shown.map(column => column.width).join(' '));
    this.node.setAttribute('aria-colcount', String(shown.length));
    replace(this.head, shown.map(column => h('div', {role: 'columnheader', class: column.class?.includes('num') ? 'num' : null}, column.title)));
    this.pool = [];
    replace(this.body);
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
    const scrolled = this.node.scrollTop;
    if (scrolled > this.rowHeight / 2) {
      this.size();
      this.node.scrollTop = scrolled + rows.length * this.rowHeight;
    }
    this.paint();
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
    this.paint();
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
    this.body.style.setProperty('height', `${this.rows.length * this.rowHeight}px`);
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
    this.node.setAttribute('aria-rowcount', String(rows.length + 1));
    const from = Math.max(0, Math.floor(this.node.scrollTop / rowHeight) - SPARE);
    const wanted = Math.ceil(this.height / rowHeight) + 2 * SPARE;
    while (pool.length < wanted) this.grow();
    // A row that keeps its number keeps its element: of 1,000 rows in sight, only new ones are made.
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

  grow() {
    const el = h('div', {class: 'lk-row', role: 'row', id: `${this.prefix}-${this.pool.length}`, hidden: true});
    const cells = this.shown.map(column => h('div', {role: 'gridcell', class: column.class || null}));
    el.append(...cells);
    this.body.append(el);
    this.pool.forEach(slot => {
      slot.row = null;
    });
    this.pool.push({el, cells, row: null, number: -1, state: ''});
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
    el.style.setProperty('transform', `translateY(${index * this.rowHeight}px)`);
    el.setAttribute('aria-rowindex', String(index + 2));
    const state = index === this.active ? 'true' : 'false';
    if (slot.state !== state) {
      slot.state = state;
      el.setAttribute('aria-selected', state);
    }
    if (slot.row === row && slot.number === number) return;
    slot.row = row;
    slot.number = number;
    el.className = this.options.rowClass ? `lk-row ${this.options.rowClass(row)}` : 'lk-row';
    this.shown.forEach((column, i) => {
      const cell = slot.cells[i];
      const value = column.render(row);
      if (value instanceof Node) replace(cell, value);
      else {
        const text = value === null || value === undefined ? '' : String(value);
        if (cell.textContent !== text || cell.firstElementChild) cell.textContent = text;
        if (cell.title !== text) cell.title = text;
      }
    });
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

  reveal() {
    this.size();
    const head = this.head.offsetHeight;
    const y = this.active * this.rowHeight;
    const {scrollTop} = this.node;
    if (y < scrollTop) this.node.scrollTop = y;
    else if (y + this.rowHeight + head > scrollTop + this.height) this.node.scrollTop = y + this.rowHeight + head - this.height;
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
