// Coverage: what of the platform was used, what was asked for in vain, and what rests on an assumption.
import {get, operations, W} from '../lib/api.js';
import {h, replace} from '../lib/dom.js';
import {number, t} from '../lib/i18n.js';
import {List} from '../lib/list.js';
import {effect, signal} from '../lib/store.js';
import * as stream from '../lib/stream.js';
import {button, chip, copy, empty, facts, failure, mono, select, tabs, when} from '../lib/ui.js';

/** @typedef {import('../lib/api.js').Op} Op */
/** @typedef {import('../lib/api.js').Registry} Registry */
/** @typedef {{op: Op, calls: number, codes: Map<number, number>, assumed: string[]}} Row */
/** @typedef {{key: string, method: string, path: string, calls: number, log_id: string, stranger: boolean, near: any[]}} Unknown */
/** @typedef {{url: string, calls: number, failed: number, last_ms: number, what: string}} Outgoing */

/** @type {import('../app.js').Screen} */
export default {id: 'coverage', key: 'v', title: 'coverage.title', mount};

/**
 * Operations with what was seen of them.
 * @param {Registry} registry
 * @param {any[]} seen rows of the summary
 * @returns {Row[]}
 */
function rowsOf(registry, seen) {
  const basis = new Map(registry.behaviours.map(one => [one.name, one.basis]));
  /** @type {Map<string, Map<number, number>>} */
  const by = new Map();
  for (const one of seen) {
    if (!one.operation) continue;
    const codes = by.get(one.operation) || new Map();
    codes.set(one.code ?? 0, (codes.get(one.code ?? 0) || 0) + one.calls);
    by.set(one.operation, codes);
  }
  return registry.operations.filter(op => !op.id.startsWith('larkspur.')).map(op => {
    const codes = by.get(op.id) || new Map();
    return {op, codes, calls: [...codes.values()].reduce((sum, n) => sum + n, 0), assumed: (op.behaviours || []).filter(name => basis.get(name) === 'assumed')};
  }).sort((a, b) => b.calls - a.calls || a.op.id.localeCompare(b.op.id));
}

/** @param {import('../app.js').Context} ctx @returns {import('../app.js').Mounted} */
function mount(ctx) {
  const world = ctx.world.peek();
  const kind = signal(ctx.params.get('show') || 'used');
  /** @type {Registry} */
  let registry = {operations: [], behaviours: [], codes: []};
  /** @type {Row[]} */
  let rows = [];
  /** @type {Unknown[]} */
  let unknown = [];
  /** @type {Outgoing[]} */
  let outgoing = [];
  let loaded = false;
  let tab = ctx.params.get('tab') || 'operations';

  /** @type {List<Row>} */
  const list = new List({
    label: t('coverage.operations'), id: row => row.op.id, onOpen: open, onMove: row => {
      if (row && !detail.hidden) open(row);
    },
    columns: [
      {key: 'id', title: t('coverage.operation'), width: 'minmax(10rem, 2fr)', class: 'mono', render: row => row.op.id},
      {key: 'summary', title: t('coverage.summary'), width: 'minmax(8rem, 2fr)', from: 900, render: row => row.op.summary},
      {key: 'calls', title: t('coverage.calls'), width: '4rem', class: 'num', render: row => (row.calls ? number(row.calls) : '')},
      {key: 'codes', title: t('coverage.codes'), width: 'minmax(6rem, 2fr)', class: 'mono', from: 480, render: row => [...row.codes].map(([code, n]) => `${code} × ${n}`).join('  ')},
      {key: 'assumed', title: t('coverage.assumed'), width: '6rem', class: 'num', from: 640, render: row => row.assumed.length || ''},
    ],
  });
  const detail = h('section', {class: 'detail', hidden: true, 'aria-label': t('coverage.detail')});
  const split = h('div', {class: 'split'}, h('div', {class: 'list-box'}, list.node), detail);
  const counts = h('span', {class: 'muted small'});
  const box = h('div', {class: 'screen'});

  function fill() {
    const shown = kind.peek() === 'used' ? rows.filter(row => row.calls) : kind.peek() === 'unused' ? rows.filter(row => !row.calls) : rows;
    list.setRows(shown);
    const used = rows.filter(row => row.calls).length;
    replace(counts, t('coverage.counts', {used: number(used), all: number(rows.length), unknown: number(unknown.length)}));
    if (loaded && tab === 'operations' && !rows.some(row => row.calls) && kind.peek() === 'used') replace(split, empty(t('coverage.nothing'), button(t('coverage.showAll'), () => kind.set('all'), {kind: 'primary'})));
    else if (!list.node.isConnected) replace(split, h('div', {class: 'list-box'}, list.node), detail);
  }

  async function load() {
    try {
      const [known, summary, failed, strange, events] = await Promise.all([operations().catch(() => null), get(W(world, 'traffic', 'summary')), get(W(world, 'traffic'), {outcome: 'unrouted', limit: 500}), get('/larkspur/v1/traffic', {world: 'none', outcome: 'unrouted', limit: 500}), get(W(world, 'events'), {limit: 200})]);
      registry = known || {operations: summary.rows.filter((/** @type {any} */ one) => one.operation).map((/** @type {any} */ one) => ({id: one.operation, method: '', path: '', summary: ''})), behaviours: [], codes: []};
      rows = rowsOf(registry, summary.rows);
      await readUnknown([...failed.entries, ...strange.entries.filter((/** @type {any} */ one) => !one.path.startsWith('/larkspur/') && one.path !== '/favicon.ico')]);
      outgoing = outgoingOf(events.events);
      loaded = true;
      fill();
      if (tab !== 'operations') show();
    } catch (error) {
      replace(split, failure(error));
    }
  }

  /** Paths that the platform does not have, each once, with the routes that are like it. @param {any[]} entries */
  async function readUnknown(entries) {
    /** @type {Map<string, Unknown>} */
    const by = new Map();
    for (const one of entries) {
      const key = `${one.method} ${one.path.replace(/\b(oc|ou|om|on|cli)_\w+/g, '$1_…')}`;
      const same = by.get(key);
      if (same) same.calls += 1;
      else by.set(key, {key, method: one.method, path: one.path, calls: 1, log_id: one.log_id, stranger: !one.world, near: unknown.find(each => each.key === key)?.near || []});
    }
    unknown = [...by.values()];
    await Promise.all(unknown.filter(one => !one.near.length).slice(0, 20).map(async one => {
      const entry = await get(`/larkspur/v1/traffic/${encodeURIComponent(one.log_id)}`).catch(() => null);
      one.near = entry?.near || [];
    }));
  }

  /** @param {Row} row */
  function open(row) {
    const {op} = row;
    ctx.put({sel: op.id});
    const names = new Map(registry.codes.map(one => [one.code, one]));
    const rules = (op.behaviours || []).map(name => registry.behaviours.find(one => one.name === name) || {name, rule: '', basis: '', switch: false});
    detail.hidden = false;
    split.classList.add('open');
    replace(detail, h('div', {class: 'detail-head'}, button('←', close, {kind: 'quiet', label: t('coverage.back')}), h('strong', {class: 'mono'}, op.id), h('span', {class: 'grow'}),
      row.calls ? button(t('coverage.inTraffic'), () => ctx.go(`traffic?q=${encodeURIComponent(`operation:${op.id}`)}`), {key: 'o', kind: 'primary'}) : null),
    h('div', {class: 'tab-panel'}, h('p', {lang: 'en'}, op.summary), facts([
      [t('coverage.route'), mono(`${op.method} ${op.path}`)], [t('coverage.access'), op.access], [t('coverage.scopes'), op.scopes?.length ? mono(op.scopes.join(', ')) : null], [t('coverage.limit'), op.tier], [t('coverage.emits'), op.emits?.length ? mono(op.emits.join(', ')) : null],
      [t('coverage.seen'), row.codes.size ? [...row.codes].map(([code, n]) => h('div', null, mono(code), ` × ${number(n)} `, h('span', {class: 'muted', lang: 'en'}, code ? names.get(code)?.msg || '' : ''))) : t('coverage.never')],
    ]), rules.length ? [h('h3', null, t('coverage.behaviours')), h('ul', {class: 'plain'}, rules.map(one => h('li', {class: 'rule-line'}, mono(one.name), ' ', one.basis ? basisChip(one.basis) : null, h('div', {class: 'small', lang: 'en'}, one.rule))))] : null));
    requestAnimationFrame(() => list.select(op.id));
  }

  function close() {
    detail.hidden = true;
    split.classList.remove('open');
    ctx.put({sel: null});
    list.node.focus({preventScroll: true});
  }

  /** Operations in use whose answers rest on an assumption. */
  const assumptions = () => {
    /** @type {Map<string, Row[]>} */
    const by = new Map();
    for (const row of rows) if (row.calls) for (const name of row.assumed) by.set(name, [...(by.get(name) || []), row]);
    return [...by];
  };

  const parts = () => [
    {id: 'operations', title: t('coverage.operations'), make: () => {
      queueMicrotask(fill);
      return h('div', {class: 'screen'}, split);
    }},
    {id: 'unknown', title: t('coverage.unknown', {n: unknown.length}), make: () => (unknown.length ? table([t('coverage.asked'), t('coverage.calls'), t('coverage.nearest'), ''], unknown.map(one => [mono(`${one.method} ${one.path}`), number(one.calls),
      one.near.length ? one.near.map(each => h('div', null, mono(`${each.method} ${each.path}`), ' ', h('span', {class: 'muted small', lang: 'en'}, each.differs || ''))) : h('span', {class: 'muted'}, t('call.noNear')),
      button(t('coverage.inTraffic'), () => ctx.go(`traffic?${one.stranger ? 'who=none&' : ''}sel=${one.log_id}`), {kind: 'link', label: `${t('coverage.inTraffic')}: ${one.method} ${one.path}`})])) : empty(t('coverage.noUnknown'), button(t('coverage.toTraffic'), () => ctx.go('traffic'), {kind: 'primary'})))},
    {id: 'assumed', title: t('coverage.assumptions'), make: () => {
      const all = assumptions();
      return all.length ? table([t('coverage.behaviour'), t('coverage.rule'), t('coverage.usedBy')], all.map(([name, by]) => [mono(name), h('span', {lang: 'en'}, registry.behaviours.find(one => one.name === name)?.rule || ''), by.map(row => h('div', null, mono(row.op.id)))])) : empty(t('coverage.noAssumed'));
    }},
    {id: 'outgoing', title: t('coverage.outgoing'), make: () => (outgoing.length ? table(['URL', t('coverage.calls'), t('coverage.failed'), t('coverage.last')], outgoing.map(one => [[mono(one.url), h('div', {class: 'muted small'}, one.what)], number(one.calls), one.failed ? chip('failed', number(one.failed)) : '0', when(one.last_ms)])) : empty(t('coverage.noOutgoing')))},
  ];

  function show() {
    const which = select(t('coverage.which'), ['used', 'unused', 'all'].map(one => /** @type {[string, string]} */ ([one, t(`coverage.${one}`)])), kind.peek(), value => kind.set(value));
    which.hidden = tab !== 'operations';
    replace(box, h('div', {class: 'bar'}, which, counts, h('span', {class: 'grow'}), button(t('coverage.copy'), () => void copy(report()), {key: 'y'})), tabs(t('coverage.title'), parts(), {selected: tab, onSelect: id => {
      tab = id;
      which.hidden = tab !== 'operations';
      ctx.put({tab: id === 'operations' ? null : id});
    }}));
  }

  /** What to send to those who ask what a bot needs. */
  function report() {
    const lines = ['# Coverage', '', '| operation | calls | codes |', '|---|---|---|', ...rows.filter(row => row.calls).map(row => `| ${row.op.id} | ${row.calls} | ${[...row.codes].map(([code, n]) => `${code} × ${n}`).join(', ')} |`)];
    if (unknown.length) lines.push('', '## Unknown paths', '', ...unknown.map(one => `- ${one.method} ${one.path} × ${one.calls}${one.near[0] ? ` (near: ${one.near[0].method} ${one.near[0].path})` : ''}`));
    const all = assumptions();
    if (all.length) lines.push('', '## Assumptions', '', ...all.map(([name, by]) => `- ${name}: ${by.map(row => row.op.id).join(', ')}`));
    return `${lines.join('\n')}\n`;
  }

  let waiting = 0;
  const soon = () => {
    if (!waiting) waiting = window.setTimeout(() => {
      waiting = 0;
      void load();
    }, 2000);
  };
  const off = stream.on('traffic', soon);
  effect(() => {
    ctx.put({show: kind.get() === 'used' ? null : kind.get()});
    fill();
  });
  show();
  void load().then(() => {
    show();
    const row = rows.find(one => one.op.id === ctx.params.get('sel'));
    if (row) open(row);
  });
  const inTraffic = () => {
    const row = list.current();
    if (row) ctx.go(`traffic?q=${encodeURIComponent(`operation:${row.op.id}`)}`);
  };
  return {
    node: box,
    dispose() {
      off();
      clearTimeout(waiting);
      list.dispose();
    },
    keys: [...list.bindings(), {key: 'y', text: 'coverage.copy', run: () => void copy(report())}, {key: 'o', text: 'coverage.inTraffic', run: inTraffic}, {key: 'Escape', text: 'coverage.back', run: () => (detail.hidden || document.activeElement !== list.node ? list.node.focus() : close())}],
    actions: () => [{text: 'coverage.copy', key: 'y', run: () => void copy(report())}, {text: 'coverage.inTraffic', key: 'o', run: inTraffic}],
  };
}

/** @param {string} basis */
const basisChip = basis => chip(basis === 'assumed' ? 'info' : 'ok', t(`basis.${basis}`));

/**
 * @param {string[]} heads
 * @param {import('../lib/dom.js').Kid[][]} rows
 */
function table(heads, rows) {
  return h('table', {class: 'table'}, h('thead', null, h('tr', null, heads.map(head => (head ? h('th', {scope: 'col'}, head) : h('td'))))), h('tbody', null, rows.map(row => h('tr', null, row.map(cell => h('td', null, cell))))));
}

/**
 * Calls that the server made: to webhooks.
 * @param {any[]} events
 * @returns {Outgoing[]}
 */
function outgoingOf(events) {
  /** @type {Map<string, Outgoing>} */
  const by = new Map();
  for (const one of events) {
    for (const attempt of one.attempts) {
      if (!attempt.request_url) continue;
      const all = by.get(attempt.request_url) || {url: attempt.request_url, calls: 0, failed: 0, last_ms: 0, what: one.app_id};
      all.calls += 1;
      if (attempt.failure) all.failed += 1;
      all.last_ms = Math.max(all.last_ms, attempt.at_ms);
      by.set(attempt.request_url, all);
    }
  }
  return [...by.values()];
}
