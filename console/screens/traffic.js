// Traffic: every call of the world, live, and why it was answered so.
import {current, get, run, W} from '../lib/api.js';
import {applyFix, callView, diffDialog, exportDialog, exported, replay} from '../lib/call.js';
import {h, replace} from '../lib/dom.js';
import {number, plural, t} from '../lib/i18n.js';
import {List} from '../lib/list.js';
import {effect, signal} from '../lib/store.js';
import * as stream from '../lib/stream.js';
import {clock, millis, span} from '../lib/time.js';
import {button, chip, chipIn, code, copy, empty, failure, mono, tabs} from '../lib/ui.js';

/** @typedef {{seq: number, log_id: string, ms: number, outcome: string, status: number, code: number | undefined, what: string, app_id: string, token: string, user: string, us: number, fault: string}} Row */

const KEEP = 100_000;
const PAGE = 200;
/** More new rows at once than one can read: they are shown a few times a second. */
const CROWD = 20;
const CROWD_MS = 180;
const STRANGERS_MS = 15_000;
const FILTERS = ['outcome:refused', 'outcome:injected,cut', 'outcome:failed', 'outcome:unrouted', 'status:>=400', 'token:user', 'kind:control', 'operation:im.v1.message.*', 'header.user-agent:~python'];

/** Words that repeat are kept once. @type {Map<string, string>} */
const words = new Map();
/** @param {string | undefined} word */
function once(word) {
  if (!word) return '';
  const known = words.get(word);
  if (known !== undefined) return known;
  if (words.size < 5000) words.set(word, word);
  return word;
}

/**
 * What the list needs of a call; the rest is read when it is opened.
 * @param {any} one
 * @returns {Row}
 */
function rowOf(one) {
  return {
    seq: one.seq, log_id: one.log_id, ms: one.world_at_ms ?? one.at_ms, outcome: once(one.outcome), status: one.status, code: one.code, what: once(one.operation || `${one.method} ${one.path}`),
    app_id: once(one.app_id), token: once(one.token), user: once(one.user), us: one.us, fault: once(one.fault),
  };
}

/**
 * The filter line as a query: `operation:im.v1.* code:232055 body.uuid:x status:>=500`. A bare word is part of an operation's name, a number is a code.
 * @param {string} line
 * @returns {Record<string, string[]>}
 */
export function filterQuery(line) {
  /** @type {Record<string, string[]>} */
  const query = {};
  for (const [, name, quoted, plain, bare] of line.matchAll(/([\w.[\]*-]+):(?:"([^"]*)"|(\S*))|(\S+)/g)) {
    if (bare !== undefined) {
      const [field, value] = /^\d+$/.test(bare) ? ['code', bare] : ['operation', bare.includes('*') ? bare : `*${bare}*`];
      (query[field] ||= []).push(value);
    } else if (quoted || plain) (query[name] ||= []).push(...(quoted !== undefined ? [quoted] : plain.split(',')));
  }
  return query;
}

/** Not a call of this page. @param {any} one */
const isPlatform = one => one.kind !== 'control' && !one.path.startsWith('/larkspur/') && one.path !== '/favicon.ico';

/** @type {import('../app.js').Screen} */
export default {id: 'traffic', key: 't', title: 'traffic.title', mount};

/** @param {import('../app.js').Context} ctx @returns {import('../app.js').Mounted} */
function mount(ctx) {
  const world = ctx.world.peek();
  const line = signal(ctx.params.get('q') || '');
  const paused = signal(false);
  const held = signal(0);
  const shown = signal(0);
  const kept = signal(0);
  const marked = signal(/** @type {string[]} */ ([]));
  /** Whether the calls of unknown callers are shown: those with a wrong app or without a token. */
  const strangers = signal(ctx.params.get('who') === 'none');
  const unknown = signal(0);
  let newest = 0;
  /** @type {number | undefined} */
  let before;
  let loading = false;
  /** Which reading of the list is the newest: an older one that ends later is ignored. */
  let turn = 0;
  let reading = false;
  /** Calls that came and are not in the list yet. @type {any[]} */
  let waiting = [];
  let gathering = 0;
  let tab = 'why';
  /** @type {any} */
  let entry = null;

  /** @type {List<Row>} */
  const list = new List({
    label: t('traffic.title'), id: row => row.log_id, max: KEEP, onOpen: row => void open(row.log_id, true), onEnd: more,
    onMove: row => {
      if (row && !detail.hidden) void open(row.log_id, false);
    },
    columns: [
      {key: 'mark', title: h('span', {class: 'away'}, t('traffic.mark')), width: '.75rem', from: 500, render: row => (marked.peek().includes(row.log_id) ? '◆' : '')},
      {key: 'time', title: t('traffic.time'), width: '6.5rem', narrow: '4.25rem', class: 'mono', render: row => clock(row.ms, !list.narrow)},
      {key: 'outcome', title: t('traffic.outcome'), width: '7.25rem', fill: (cell, row) => chipIn(cell, row.outcome)},
      {key: 'status', title: 'HTTP', width: '2.5rem', class: 'num', from: 700, render: row => row.status},
      {key: 'code', title: t('traffic.code'), width: '5rem', class: 'num mono', from: 420, render: row => row.code ?? ''},
      {key: 'what', title: t('traffic.operation'), width: 'minmax(6rem, 3fr)', class: 'mono', render: row => row.what},
      {key: 'app', title: t('traffic.app'), width: 'minmax(4rem, 1fr)', from: 620, render: row => ctx.apps.peek().find(one => one.app_id === row.app_id)?.name || row.app_id},
      {key: 'token', title: t('traffic.token'), width: '4rem', from: 820, render: row => row.token},
      {key: 'user', title: t('traffic.user'), width: '6rem', from: 940, render: row => ctx.users.peek().find(one => one.user_id === row.user)?.name || row.user},
      {key: 'ms', title: 'ms', width: '3.5rem', class: 'num', from: 520, render: row => millis(row.us)},
      {key: 'fault', title: t('traffic.fault'), width: '5rem', from: 1040, render: row => row.fault},
    ],
  });
  const rows = h('div', {class: 'list-box'}, list.node);
  const detail = h('section', {class: 'detail', hidden: true, 'aria-label': t('traffic.detail')});
  const split = h('div', {class: 'split'}, rows, detail);
  const polite = h('div', {class: 'away', role: 'status'});
  const filterError = h('div', {class: 'error', id: 'traffic-error'});
  const filter = h('input', {type: 'search', class: 'filter mono', value: line.peek(), placeholder: t('traffic.filter'), 'aria-label': t('traffic.filterLabel'), 'aria-describedby': 'traffic-error', list: 'traffic-filters', spellcheck: false, autocomplete: 'off'});
  let typing = 0;
  filter.addEventListener('input', () => {
    clearTimeout(typing);
    typing = window.setTimeout(() => setLine(filter.value), 250);
  });
  const head = h('div', {class: 'bar small summary', hidden: true});

  /** @param {string} next */
  function setLine(next) {
    if (filter.value !== next) filter.value = next;
    line.set(next.trim());
    ctx.put({q: next.trim() || null});
    void load();
  }

  /** @param {Record<string, any>} query */
  const read = query => (strangers.peek() ? get('/larkspur/v1/traffic', {world: 'none', ...query, limit: 1000}) : get(W(world, 'traffic'), query));

  async function load() {
    const mine = ++turn;
    loading = true;
    reading = true;
    clearTimeout(asking);
    asking = 0;
    try {
      const data = await read({limit: PAGE, ...filterQuery(line.peek())});
      if (mine !== turn) return;
      if (strangers.peek()) data.entries = data.entries.filter(isPlatform);
      filterError.textContent = '';
      newest = Math.max(newest, data.newest ?? 0);
      // What came after the server looked is not in its answer.
      waiting = waiting.filter(one => one.seq > (data.newest ?? 0));
      before = data.next_before;
      held.set(0);
      list.setRows(data.entries.map(rowOf));
      seen(data.recording);
      summarize();
    } catch (error) {
      if (mine !== turn) return;
      const refused = /** @type {any} */ (error);
      list.setRows([]);
      before = undefined;
      if (refused.fields?.length) filterError.textContent = refused.fields.map((/** @type {any} */ one) => `${one.field}: ${one.description}`).join('; ');
      else replace(rows, failure(error));
    }
    loading = false;
    reading = false;
    take();
  }

  /** Shows the list, or what to do while it is empty. @param {boolean} [recording] */
  function seen(recording = true) {
    shown.set(list.rows.length);
    if (list.rows.length) {
      if (!list.node.isConnected) replace(rows, list.node);
    } else if (recording === false) replace(rows, empty(t('traffic.off')));
    else if (strangers.peek()) replace(rows, empty(t('traffic.noStrangers'), button(t('traffic.ofWorld'), () => strange(false), {kind: 'primary'})));
    else if (line.peek()) replace(rows, empty(t('traffic.none'), button(t('traffic.clearFilter'), () => setLine(''), {kind: 'primary'})));
    else replace(rows, firstSteps(ctx));
  }

  async function more() {
    if (loading || before === undefined || strangers.peek() || list.rows.length >= KEEP) return;
    const mine = turn;
    loading = true;
    try {
      const data = await get(W(world, 'traffic'), {limit: PAGE, before, ...filterQuery(line.peek())});
      if (mine !== turn) return;
      before = data.next_before;
      list.append(data.entries.map(rowOf));
      shown.set(list.rows.length);
    } catch (error) {
      if (mine !== turn) return;
      ctx.toast(/** @type {any} */ (error).line || t('app.gone'), 'failed');
    }
    loading = false;
  }

  let asking = 0;
  /** Rows came: the newest last. More than one can read at once are shown a few times a second. @param {any[]} batch */
  function arrived(batch) {
    if (!batch.length) return;
    waiting.push(...batch.filter(one => one.seq > newest && one.kind !== 'control'));
    newest = Math.max(newest, batch[batch.length - 1].seq);
    if (batch.length > CROWD) gathering ||= window.setTimeout(take, CROWD_MS);
    else if (!gathering) take();
  }

  /** Shows what waits, unless the whole list is being read. */
  function take() {
    gathering = 0;
    if (reading || !waiting.length) return;
    const fresh = waiting;
    waiting = [];
    kept.set(kept.peek() + fresh.length);
    announce(fresh);
    summarize();
    if (strangers.peek()) return;
    if (paused.peek()) held.set(held.peek() + fresh.length);
    else if (!line.peek()) add(fresh.reverse().map(rowOf));
    else if (!asking) asking = window.setTimeout(filtered, 200);
  }

  /** @param {Row[]} fresh */
  function add(fresh) {
    list.prepend(fresh);
    seen();
  }

  /** With a filter, the server says which of the new calls are meant. */
  async function filtered() {
    asking = 0;
    const mine = turn;
    const first = list.rows[0]?.seq || 0;
    const data = await get(W(world, 'traffic'), {limit: 1000, after: first, ...filterQuery(line.peek())}).catch(() => null);
    if (data && mine === turn && !paused.peek()) add(data.entries.filter((/** @type {any} */ one) => one.seq > (list.rows[0]?.seq || 0)).map(rowOf));
  }

  let refusals = 0;
  let announcing = 0;
  /** A screen reader hears of refusals, at most every 5 s. @param {any[]} fresh */
  function announce(fresh) {
    for (const one of fresh) if (one.outcome === 'refused' || one.outcome === 'failed') refusals += 1;
    if (!refusals || announcing) return;
    announcing = window.setTimeout(() => {
      announcing = 0;
      polite.textContent = plural('traffic.newRefusals', refusals);
      refusals = 0;
    }, 5000);
  }

  /** @param {boolean} on */
  function strange(on) {
    strangers.set(on);
    ctx.put({who: on ? 'none' : null, sel: null});
    if (!detail.hidden) close();
    void load();
  }

  /** Whether there are calls of unknown callers: a wrong app, or no token. */
  async function lookForStrangers() {
    if (document.hidden) return;
    const data = await get('/larkspur/v1/traffic', {world: 'none', limit: 20}).catch(() => null);
    if (data) unknown.set(data.entries.filter(isPlatform).length);
  }

  let summarizing = 0;
  let outdated = false;
  function summarize() {
    outdated = true;
    if (summarizing) return;
    summarizing = window.setTimeout(async () => {
      outdated = false;
      const data = await get(W(world, 'traffic', 'summary')).catch(() => null);
      summarizing = 0;
      if (outdated) summarize();
      if (!data) return;
      kept.set(data.calls);
      showSummary(data);
    }, 400);
  }

  /** @param {any} data */
  function showSummary(data) {
    const over = data.peaks.filter((/** @type {any} */ one) => one.over).sort((/** @type {any} */ a, /** @type {any} */ b) => b.calls / b.cap - a.calls / a.cap)[0];
    const top = over || data.peaks.slice().sort((/** @type {any} */ a, /** @type {any} */ b) => b.calls / b.cap - a.calls / a.cap)[0];
    const peak = top ? h('span', {class: over ? 'warn' : 'muted'}, over ? '⚠ ' : '', t('traffic.peak', {operation: top.operation, calls: number(top.calls), cap: number(top.cap), span: span(top.seconds * 1000)})) : null;
    const causes = data.refused.slice(0, 4).map((/** @type {any} */ one) => button(`${one.code} ${one.rule || ''} × ${number(one.calls)}`, () => setLine(`code:${one.code}`), {kind: 'link'}));
    head.hidden = !peak && !causes.length;
    replace(head, peak, causes.length ? h('span', {class: 'muted'}, t('traffic.refusedBy')) : null, causes);
  }

  /** @param {string} log_id @param {boolean} focus */
  async function open(log_id, focus) {
    ctx.put({sel: log_id});
    if (list.selected !== log_id) list.select(log_id);
    try {
      const found = await get(strangers.peek() ? `/larkspur/v1/traffic/${encodeURIComponent(log_id)}` : W(world, 'traffic', log_id));
      if (ctx.params.get('sel') !== log_id) return;
      entry = found;
    } catch (error) {
      if (ctx.params.get('sel') !== log_id) return;
      entry = null;
      show(failure(error));
      return;
    }
    const view = callView(ctx, entry, {tab, onTab: id => {
      tab = id;
    }});
    show(h('div', {class: 'detail-head'}, button('←', close, {kind: 'quiet', label: t('traffic.back')}), chip(entry.outcome), h('strong', {class: 'mono'}, entry.operation || entry.path), h('span', {class: 'grow'}),
      mono(entry.log_id), entry.world ? [button(t('traffic.markShort'), mark, {key: 'x'}), button(t('traffic.copyCurl'), copyCurl, {key: 'y'}), button(t('call.replay'), () => void replay(ctx, entry.log_id), {key: 'r'}),
        button(t('traffic.test'), () => exportDialog(ctx, chosen()), {key: 't'}), entry.code ? button(t('traffic.plan'), plan, {key: 'Shift+F'}) : null] : null), view);
    if (focus && matchMedia('(max-width: 899px)').matches) /** @type {HTMLElement | null} */ (detail.querySelector('button'))?.focus();
  }

  /** @param {...Node} content */
  function show(...content) {
    detail.hidden = false;
    split.classList.add('open');
    replace(detail, content);
    // The list is lower now: its row stays in sight.
    requestAnimationFrame(() => list.select(list.selected));
  }

  function close() {
    entry = null;
    detail.hidden = true;
    split.classList.remove('open');
    ctx.put({sel: null});
    list.node.focus({preventScroll: true});
  }

  function escape() {
    if (document.activeElement === list.node && !detail.hidden) close();
    else list.node.focus({preventScroll: true});
  }

  const chosen = () => (marked.peek().length ? marked.peek() : [entry?.log_id || list.current()?.log_id].filter(Boolean));

  function mark() {
    const row = list.current();
    if (!row) return;
    const all = marked.peek();
    marked.set(all.includes(row.log_id) ? all.filter(id => id !== row.log_id) : [...all, row.log_id].slice(-200));
    list.refresh();
  }

  function compare() {
    const ids = marked.peek().slice(-2);
    if (ids.length === 1 && entry && entry.log_id !== ids[0]) ids.push(entry.log_id);
    if (ids.length === 2) void diffDialog(ctx, ids[0], ids[1]);
    else ctx.toast(t('traffic.markTwo'));
  }

  async function copyCurl() {
    const ids = chosen();
    if (!ids.length) return;
    try {
      await copy(await exported(world, ids, 'curl'));
    } catch (error) {
      ctx.toast(/** @type {any} */ (error).line, 'failed');
    }
  }

  const selected = () => entry?.log_id || list.current()?.log_id;
  const again = () => {
    if (selected()) void replay(ctx, selected());
  };
  const fixFirst = () => {
    const fix = entry?.why?.fixes?.[0];
    if (fix) void applyFix(ctx, fix, again);
  };

  /** The same answer again, for the next call, as a rule. */
  async function plan() {
    const one = entry || list.current();
    if (!one?.code) return;
    const operation = one.operation || one.what;
    const done = await ctx.act({id: 'fault.add', method: 'POST', path: W(world, 'faults'), body: {name: `${operation} ${one.code}`, match: {operation}, effect: {refuse: {code: one.code}}, times: 1}, text: 'traffic.plan'});
    if (done) ctx.go(`faults?sel=${encodeURIComponent(done.data.id)}`);
  }

  function pause() {
    paused.set(!paused.peek());
    if (!paused.peek()) void load();
  }

  async function clear() {
    const done = await ctx.act({id: 'traffic.clear', method: 'DELETE', path: W(world, 'traffic'), text: 'traffic.forget', danger: t('traffic.clearText', {n: number(kept.peek())})});
    if (!done) return;
    close();
    marked.set([]);
    await load();
  }

  const marks = h('div', {class: 'bar small', hidden: true});
  effect(() => {
    const n = marked.get().length;
    marks.hidden = !n;
    replace(marks, plural('traffic.marked', n), button(t('traffic.compareShort'), compare, {key: 'd'}), button(t('traffic.test'), () => exportDialog(ctx, chosen()), {key: 't'}), button(t('traffic.unmark'), () => {
      marked.set([]);
      list.refresh();
    }));
  });
  const whose = h('div', {class: 'bar small summary', hidden: true});
  effect(() => {
    const [on, n] = [strangers.get(), unknown.get()];
    whose.hidden = !on && !n;
    replace(whose, h('span', {class: 'warn'}, on ? t('traffic.strangers') : plural('traffic.unknown', n)), button(t(on ? 'traffic.ofWorld' : 'traffic.show'), () => strange(!on), {kind: 'link'}));
  });
  const firstLook = setTimeout(() => void lookForStrangers(), 1500);
  const looking = setInterval(() => void lookForStrangers(), STRANGERS_MS);
  const counts = h('span', {class: 'muted small nowrap'});
  const pauseBox = h('span');
  effect(() => {
    replace(counts, t('traffic.counts', {shown: number(shown.get()), kept: number(Math.max(kept.get(), shown.get()))}));
  });
  effect(() => {
    replace(pauseBox, button(paused.get() ? t('traffic.resume', {n: number(held.get())}) : t('traffic.pause'), pause, {key: 'p', kind: paused.get() ? 'primary' : undefined}));
  });
  effect(() => {
    ctx.apps.get();
    ctx.users.get();
    list.refresh();
  });
  const off = stream.on('traffic', arrived);
  const lost = stream.on('*', (data, event) => {
    if (event !== 'gap') return;
    // A server that was started again counts from 1.
    if (data.restarted) {
      newest = 0;
      waiting = [];
    }
    if (!paused.peek()) void load();
  });
  void load().then(() => {
    const sel = ctx.params.get('sel');
    if (sel) void open(sel, false);
  });
  return {
    node: h('div', {class: 'screen'}, h('div', {class: 'bar'}, filter, h('datalist', {id: 'traffic-filters'}, FILTERS.map(value => h('option', {value}))), counts, pauseBox, button(t('traffic.forget'), () => void clear())), filterError, whose, head, marks, split, polite),
    dispose() {
      off();
      lost();
      clearInterval(looking);
      clearTimeout(firstLook);
      clearTimeout(gathering);
      clearTimeout(asking);
      // Nothing that is still read is shown.
      turn += 1;
      list.dispose();
      for (const timer of [typing, asking, announcing, summarizing]) clearTimeout(timer);
    },
    params(params) {
      if ((params.get('who') === 'none') !== strangers.peek()) {
        strangers.set(params.get('who') === 'none');
        void load();
      }
      if ((params.get('q') || '') !== line.peek()) setLine(params.get('q') || '');
      const sel = params.get('sel');
      if (sel && sel !== entry?.log_id) void open(sel, false);
      else if (!sel && !detail.hidden) close();
    },
    keys: [
      ...list.bindings(), {key: '/', text: 'traffic.filterLabel', run: () => filter.focus()}, {key: 'p', text: 'traffic.pauseKey', run: pause}, {key: 'r', text: 'call.replay', run: again}, {key: 'y', text: 'traffic.copyCurl', run: () => void copyCurl()},
      {key: 't', text: 'traffic.test', run: () => exportDialog(ctx, chosen())}, {key: 'x', text: 'traffic.mark', run: mark}, {key: 'd', text: 'traffic.compare', run: compare}, {key: '+', text: 'traffic.fixFirst', run: fixFirst},
      {key: 'Shift+F', text: 'traffic.plan', run: () => void plan()}, {key: 'Shift+C', text: 'traffic.forget', run: () => void clear()}, {key: 'Escape', text: 'traffic.back', run: escape},
    ],
    actions: () => [
      {text: 'traffic.pauseKey', key: 'p', run: pause}, {text: 'traffic.filterLabel', key: '/', run: () => filter.focus()}, {text: 'traffic.forget', key: 'Shift+C', run: () => void clear()},
      ...(selected() ? [{text: 'call.replay', key: 'r', run: again}, {text: 'traffic.copyCurl', key: 'y', run: () => void copyCurl()}, {text: 'traffic.test', key: 't', run: () => exportDialog(ctx, chosen())},
        {text: 'traffic.mark', key: 'x', run: mark}, {text: 'traffic.compare', key: 'd', run: compare}, {text: 'traffic.plan', key: 'Shift+F', run: () => void plan()}] : []),
      {text: strangers.peek() ? 'traffic.ofWorld' : 'traffic.strangers', run: () => strange(!strangers.peek())},
      ...(entry?.why?.fixes?.length ? [{text: 'traffic.fixFirst', key: '+', run: fixFirst}] : []),
    ],
  };
}

/**
 * Nothing was called yet: how to point an SDK here, and two calls to look at.
 * @param {import('../app.js').Context} ctx
 */
function firstSteps(ctx) {
  const app = ctx.apps.peek()[0];
  const id = app ? app.app_id : 'cli_…';
  const {base_url: base} = current();
  const ways = /** @type {[string, string][]} */ ([
    ['Python', `import os, lark_oapi\n\nclient = (lark_oapi.Client.builder()\n          .app_id("${id}")\n          .app_secret(os.environ["APP_SECRET"])\n          .domain("${base}")\n          .build())`],
    ['Node', `const lark = require('@larksuiteoapi/node-sdk');\n\nconst client = new lark.Client({\n  appId: '${id}',\n  appSecret: process.env.APP_SECRET,\n  domain: '${base}',\n});`],
    ['Go', `client := lark.NewClient("${id}", os.Getenv("APP_SECRET"),\n    lark.WithOpenBaseUrl("${base}"))`],
    ['curl', `curl -s ${base}/open-apis/auth/v3/tenant_access_token/internal \\\n  -d '{"app_id":"${id}","app_secret":"'"$APP_SECRET"'"}'`],
  ]);
  return empty(t('traffic.empty', {url: base}), h('div', {class: 'row'}, app ? button(t('traffic.try', {app: app.name}), () => void tryCalls(ctx, id), {kind: 'primary'}) : null, button(t('traffic.toChat'), () => ctx.go('chat'))),
    tabs('SDK', ways.map(([title, text]) => ({id: title, title, make: () => code(text, title)}))));
}

/**
 * Two calls of an app: one that passes, and one with a token that has expired.
 * @param {import('../app.js').Context} ctx
 * @param {string} app_id
 */
async function tryCalls(ctx, app_id) {
  try {
    for (const expires_in of [7200, -60]) {
      const issued = await run({method: 'POST', path: W(ctx.world.peek(), 'apps', app_id, 'tokens'), body: {expires_in}, id: 'app.token'});
      await fetch('/open-apis/im/v1/chats', {headers: {Authorization: `Bearer ${issued.data.access_token}`}, credentials: 'omit'});
    }
  } catch (error) {
    ctx.toast(/** @type {any} */ (error).line || String(error), 'failed');
  }
}
