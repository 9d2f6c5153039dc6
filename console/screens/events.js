// Events: what happened, who was told, who was not, and why.
import {get, quoted, run, W} from '../lib/api.js';
import {asCode} from '../lib/ascode.js';
import {fixList} from '../lib/call.js';
import {h, renew, replace} from '../lib/dom.js';
import {plural, t} from '../lib/i18n.js';
import {json} from '../lib/json.js';
import {List} from '../lib/list.js';
import {effect, signal} from '../lib/store.js';
import * as stream from '../lib/stream.js';
import {ago, clock, moment, span} from '../lib/time.js';
import {button, chip, chipIn, empty, facts, failure, mono, select, tabs, when} from '../lib/ui.js';

/** @typedef {import('../app.js').Context} Context */
/** @typedef {import('../lib/dom.js').Kid} Kid */
/** @typedef {{event_id: string, number: string, event_type: string, app_id: string, state: string, created_at_ms: number, attempt_count: number, attempts: any[], payload: any, failure?: string, status?: number, next_try_ms?: number, way?: string, cause?: any}} Delivery */
/** @typedef {{mode: string, request_url: string, verified: boolean, reason?: string, connections: any[]}} Receiver */

const PAGE = 100;
const STATES = ['waiting', 'held', 'delivered', 'dropped'];
const POLL_MS = 3000;

/** @type {import('../app.js').Screen} */
export default {id: 'events', key: 'e', title: 'events.title', mount};

/** @param {Delivery} one */
const keyOf = one => `${one.event_id}/${one.app_id}`;

/** When a waiting event is sent again. @param {Context} ctx @param {Delivery} one */
function nextTry(ctx, one) {
  if (!one.next_try_ms || one.state !== 'waiting') return '';
  return one.next_try_ms > ctx.now() ? ago(one.next_try_ms, ctx.now()) : t('events.due');
}

/** @param {Context} ctx @param {string} app_id */
const appName = (ctx, app_id) => ctx.apps.peek().find(one => one.app_id === app_id)?.name || app_id;

/** @param {Context} ctx @returns {import('../app.js').Mounted} */
function mount(ctx) {
  const world = ctx.world.peek();
  const filter = signal({type: ctx.params.get('type') || '', app_id: ctx.params.get('app') || '', state: ctx.params.get('state') || ''});
  const receivers = signal(/** @type {Map<string, Receiver>} */ (new Map()));
  /** @type {string | undefined} */
  let before;
  let loading = false;
  /** Whether the list is to be read again, since it was asked for while it was read. */
  let stale = false;
  /** Deliveries that came while the list was read. @type {Delivery[]} */
  let late = [];
  let left = false;
  let waiting = 0;
  let asking = 0;
  let shownFilter = '';
  let tab = 'delivery';
  /** @type {Delivery | null} */
  let active = null;
  /** @type {any} */
  let whole = null;

  /** @type {List<Delivery>} */
  const list = new List({
    label: t('events.title'), id: keyOf, max: 20_000, onOpen: row => void open(row), onEnd: more,
    onMove: row => {
      if (row && !detail.hidden) void open(row);
    },
    columns: [
      {key: 'time', title: t('events.time'), width: '6.5rem', narrow: '4.25rem', class: 'mono', render: row => clock(row.created_at_ms, !list.narrow)},
      {key: 'type', title: t('events.type'), width: 'minmax(6rem, 2fr)', class: 'mono', render: row => row.event_type},
      {key: 'app', title: t('events.app'), width: 'minmax(5rem, 1fr)', from: 430, render: row => appName(ctx, row.app_id)},
      {key: 'way', title: t('events.way'), width: '8rem', from: 700, render: row => t(`events.way.${wayOf(row)}`)},
      {key: 'state', title: t('events.state'), width: '7rem', fill: (cell, row) => chipIn(cell, row.state)},
      {key: 'attempts', title: t('events.attempts'), width: '4.5rem', class: 'num', from: 560, render: row => row.attempt_count},
      {key: 'next', title: t('events.next'), width: '6.5rem', from: 820, render: row => nextTry(ctx, row)},
      {key: 'failure', title: t('events.failure'), width: 'minmax(6rem, 2fr)', from: 900, render: row => row.failure || ''},
    ],
  });
  const rows = h('div', {class: 'list-box'}, list.node);
  const detail = h('section', {class: 'detail', hidden: true, 'aria-label': t('events.detail')});
  const split = h('div', {class: 'split'}, rows, detail);
  const receiverBox = h('div', {class: 'bar small receivers'});
  const typeField = h('input', {type: 'search', class: 'filter mono', value: filter.peek().type, placeholder: 'im.message.receive_v1', 'aria-label': t('events.filterType'), list: 'events-types', spellcheck: false, autocomplete: 'off', on: {change: () => change({type: typeField.value.trim()})}});
  const types = h('datalist', {id: 'events-types'});
  const appBox = h('span');

  /** @param {Delivery} row */
  function wayOf(row) {
    return row.way || row.attempts?.[0]?.way || (receivers.peek().get(row.app_id)?.mode === 'webhook' ? 'webhook' : 'websocket');
  }

  /** @param {Partial<{type: string, app_id: string, state: string}>} by */
  function change(by) {
    const next = {...filter.peek(), ...by};
    filter.set(next);
    ctx.put({type: next.type || null, app: next.app_id || null, state: next.state || null});
    void load();
  }

  /** Reads the list; once more if it is asked for meanwhile. */
  async function load() {
    stale = loading;
    if (loading) return;
    loading = true;
    const asked = filter.peek();
    try {
      const data = await get(W(world, 'events'), {limit: PAGE, ...asked});
      if (filter.peek() === asked) fill(data);
    } catch (error) {
      replace(rows, failure(error));
    }
    loaded();
  }

  function loaded() {
    loading = false;
    if (left) return;
    if (stale) return void load();
    const came = late;
    late = [];
    if (came.length) arrived(came);
  }

  /** @param {{events: Delivery[], before?: string}} data */
  function fill(data) {
    before = data.before;
    const known = list.rows.slice(0, 2000);
    const fresh = new Map(data.events.map((/** @type {Delivery} */ one) => [keyOf(one), one]));
    const last = data.events.at(-1)?.number;
    // What was read before and lies behind this page stays.
    const rest = last && data.before && !filterChanged() ? known.filter(one => !fresh.has(keyOf(one)) && BigInt(one.number) < BigInt(last)) : [];
    if (rest.length) before = rest[rest.length - 1].number;
    list.setRows([...data.events, ...rest]);
    shownFilter = JSON.stringify(filter.peek());
    replace(types, [...new Set(list.rows.map(one => one.event_type))].map(value => h('option', {value})));
    seen();
  }
  const filterChanged = () => JSON.stringify(filter.peek()) !== shownFilter;

  function seen() {
    if (list.rows.length) {
      if (!list.node.isConnected) replace(rows, list.node);
    } else if (filter.peek().type || filter.peek().app_id || filter.peek().state) replace(rows, empty(t('events.none'), button(t('events.clearFilter'), () => {
      typeField.value = '';
      change({type: '', app_id: '', state: ''});
    }, {kind: 'primary'})));
    else replace(rows, empty(t('events.empty'), button(t('events.toChat'), () => ctx.go('chat'), {kind: 'primary'})));
  }

  async function more() {
    if (loading || !before) return;
    loading = true;
    const asked = filter.peek();
    const data = await get(W(world, 'events'), {limit: PAGE, before, ...asked}).catch(() => ({events: []}));
    if (filter.peek() === asked) {
      before = data.before;
      if (data.events.length) list.append(data.events);
    }
    loaded();
  }

  /** How each app receives events, and its connections. */
  async function readReceivers() {
    const found = await Promise.all(ctx.apps.peek().map(async app => {
      const [events, open] = await Promise.all([get(W(world, 'apps', app.app_id, 'events')).catch(() => null), get(W(world, 'apps', app.app_id, 'connections')).catch(() => null)]);
      return /** @type {[string, Receiver]} */ ([app.app_id, {mode: 'websocket', request_url: '', verified: true, ...events, connections: open?.connections || []}]);
    }));
    receivers.set(new Map(found));
    list.refresh();
  }

  effect(() => {
    const all = [...receivers.get()];
    receiverBox.hidden = !all.length;
    replace(receiverBox, h('strong', null, t('events.receivers')), all.map(([app_id, one]) => receiverView(ctx, app_id, one, () => void readReceivers())));
  });
  effect(() => {
    const apps = ctx.apps.get();
    replace(appBox, select(t('events.filterApp'), [['', t('events.allApps')], ...apps.map(app => /** @type {[string, string]} */ ([app.app_id, app.name]))], filter.peek().app_id, app_id => change({app_id})));
    void readReceivers();
  });
  effect(() => {
    ctx.changed.get();
    soon();
  });

  function soon() {
    if (!waiting) waiting = window.setTimeout(async () => {
      waiting = 0;
      await load();
      if (active && !left) await open(active, true);
    }, 250);
  }

  /** Deliveries that are new or have changed. @param {Delivery[]} batch */
  function arrived(batch) {
    if (loading) return void late.push(...batch);
    const {type, app_id, state} = filter.peek();
    const at = new Map(list.rows.map((one, i) => [keyOf(one), i]));
    /** @type {Delivery[]} */
    const fresh = [];
    for (const one of batch) {
      const i = at.get(keyOf(one));
      if (i !== undefined) list.rows[i] = {...list.rows[i], failure: undefined, next_try_ms: undefined, ...one};
      else if ((!type || one.event_type === type) && (!app_id || one.app_id === app_id) && (!state || one.state === state)) fresh.push({...one, attempts: []});
    }
    list.prepend(fresh.reverse());
    list.refresh();
    seen();
    if (active && batch.some(one => one.event_id === active?.event_id)) again();
  }

  /** The open event, again. */
  function again() {
    if (!asking) asking = window.setTimeout(() => {
      asking = 0;
      if (active) void open(active, true);
    }, 150);
  }

  /** @param {Delivery} row @param {boolean} [quiet] whether only what changed is shown */
  async function open(row, quiet) {
    active = row;
    if (!quiet) ctx.put({sel: row.event_id});
    let read;
    try {
      read = await get(W(world, 'events', row.event_id));
    } catch {
      read = null;
    }
    if (active !== row) return;
    const present = list.rows.find(one => keyOf(one) === keyOf(row)) || row;
    const next = read ? {...read, payload: present.payload} : {event_id: row.event_id, event_type: row.event_type, created_at_ms: row.created_at_ms, payload: present.payload, deliveries: list.rows.filter(one => one.event_id === row.event_id), not_sent: await notSent(row)};
    if (active !== row || (quiet && JSON.stringify(next) === JSON.stringify(whole))) return;
    whole = next;
    show(quiet);
  }

  /** If the event cannot be read alone, the list says who is not sent such events. @param {Delivery} row */
  async function notSent(row) {
    const data = await get(W(world, 'events'), {limit: 1, type: row.event_type, chat_id: row.payload?.message?.chat_id || row.payload?.chat_id}).catch(() => null);
    return data?.not_sent || [];
  }

  /** @param {boolean} [quiet] */
  function show(quiet) {
    const one = /** @type {Delivery} */ (active);
    const cause = whole.cause || one.cause;
    const open = !detail.hidden;
    detail.hidden = false;
    split.classList.add('open');
    (quiet ? renew : replace)(detail, h('div', {class: 'detail-head'}, button('←', close, {kind: 'quiet', label: t('events.back')}), h('strong', {class: 'mono'}, whole.event_type), when(whole.created_at_ms), h('span', {class: 'grow'}), mono(whole.event_id),
      cause?.log_id ? button(t('events.cause'), () => ctx.go(`traffic?sel=${cause.log_id}`), {kind: 'link'}) : cause ? h('span', {class: 'muted'}, t(cause.clock ? 'events.causeClock' : 'events.causeControl')) : null),
    h('div', {class: 'row actions'}, button(t('events.resend'), () => void resend(), {key: 'r', kind: 'primary'}), button(t('events.steer'), steer, {key: 'h'}),
      whole.deliveries.some((/** @type {Delivery} */ each) => each.state === 'waiting') ? button(t('events.ladder', {span: span(ladder())}), () => void runLadder(), {key: '>'}) : null),
    tabs(t('events.detail'), [
      {id: 'delivery', title: t('events.deliveries'), make: () => deliveries(ctx, whole, wayOf, again)},
      {id: 'payload', title: t('events.payload'), make: () => json(whole.payload, {open: 4})},
      {id: 'code', title: t('app.asCode'), make: () => asCode([resendAction(one.app_id), {id: 'event.list', method: 'GET', path: W(world, 'events'), query: {type: whole.event_type, limit: 50}, text: 'events.title', cli: `larkspur event list --tenant ${world} --type ${quoted(whole.event_type)}`}])},
    ], {selected: tab, onSelect: id => {
      tab = id;
    }}));
    if (!open) requestAnimationFrame(() => list.select(list.selected));
  }

  /** @param {string} app_id @returns {import('../lib/api.js').Action} */
  function resendAction(app_id) {
    return {id: 'event.resend', method: 'POST', path: W(world, 'events', whole?.event_id || active?.event_id || '', 'resend'), body: {app_id}, text: 'events.resend', cli: `larkspur event resend ${whole?.event_id || ''} --tenant ${world} --app ${app_id}`};
  }

  function close() {
    active = null;
    whole = null;
    detail.hidden = true;
    split.classList.remove('open');
    ctx.put({sel: null});
    list.node.focus({preventScroll: true});
  }

  async function resend() {
    const row = active || list.current();
    if (!row) return;
    const event_id = row.event_id;
    const apps = [...new Set([...(whole?.deliveries || [row]), ...(whole?.not_sent || [])].map((/** @type {{app_id: string}} */ one) => one.app_id))];
    await ctx.dialog.form({
      title: t('events.resend'), submit: t('events.resend'), fields: [
        {name: 'app_id', label: t('events.app'), type: 'select', options: apps.map(id => /** @type {[string, string]} */ ([id, appName(ctx, id)])), value: row.app_id},
        {name: 'times', label: t('events.times'), type: 'number', value: 1, hint: t('events.timesHint')},
        {name: 'fresh_id', label: t('events.fresh'), type: 'checkbox'},
      ],
      act: values => perform({id: 'event.resend', method: 'POST', path: W(world, 'events', event_id, 'resend'), body: values, text: 'events.resend'}),
    });
  }

  async function inject() {
    const apps = ctx.apps.peek();
    const row = active || list.current();
    await ctx.dialog.form({
      title: t('events.inject'), submit: t('events.inject'), fields: [
        {name: 'app_id', label: t('events.app'), type: 'select', options: apps.map(app => /** @type {[string, string]} */ ([app.app_id, app.name])), value: row?.app_id || apps[0]?.app_id},
        {name: 'type', label: t('events.type'), required: true, value: row?.event_type || 'im.message.receive_v1', suggest: ['im.message.receive_v1', 'im.chat.updated_v1', 'im.chat.member.user.added_v1', 'im.message.reaction.created_v1', 'card.action.trigger', ...new Set(list.rows.map(one => one.event_type))]},
        {name: 'event', label: t('events.payload'), type: 'json', required: true, value: row?.payload || {message: {content: '{"text":"hello"}'}}},
        {name: 'raw', label: t('events.raw'), type: 'checkbox', value: !row},
      ],
      act: values => perform({id: 'event.send', method: 'POST', path: W(world, 'events'), body: values, text: 'events.inject'}),
    });
  }

  /** Does what a form says; the form shows what is wrong. @param {import('../lib/api.js').Action} action */
  async function perform(action) {
    await run(action);
    ctx.toast(t('app.done', {what: t(action.text)}));
    ctx.changed.set(ctx.changed.peek() + 1);
  }

  /** What is to be done with the next events for an app. */
  async function steer() {
    const apps = ctx.apps.peek();
    const app_id = active?.app_id || list.current()?.app_id || apps[0]?.app_id || '';
    await ctx.dialog.form({
      title: t('events.steer'), submit: t('events.steerDo'), fields: [
        {name: 'app_id', label: t('events.app'), type: 'select', options: apps.map(app => /** @type {[string, string]} */ ([app.app_id, app.name])), value: app_id},
        {name: 'action', label: t('events.steerHow'), type: 'select', options: ['hold', 'drop', 'delay', 'repeat', 'usual'].map(one => /** @type {[string, string]} */ ([one, t(`events.steer.${one}`)]))},
        {name: 'next', label: t('events.steerNext'), type: 'number', value: 1},
        {name: 'delay_ms', label: t('events.steerDelay'), type: 'number', hint: t('events.steerDelayHint')},
      ],
      act: async ({app_id: app, action, ...rest}) => {
        const path = W(world, 'apps', app, 'deliveries');
        const body = {action, next: rest.next, ...(action === 'delay' ? {delay_ms: rest.delay_ms || 1000} : {})};
        await perform(action === 'usual' ? {id: 'app.deliveries.delete', method: 'DELETE', path, text: 'events.steer.usual'} : {id: 'app.deliveries.put', method: 'PUT', path, body, text: `events.steer.${action}`});
      },
    });
  }

  /** Until the next attempt, at least 15 s. */
  function ladder() {
    const next = (whole?.deliveries || []).map((/** @type {Delivery} */ one) => one.next_try_ms || 0).filter(Boolean).sort()[0];
    return Math.max(15_000, next ? Math.ceil((next - ctx.now()) / 1000) * 1000 : 0);
  }

  async function runLadder() {
    await ctx.act({id: 'world.clock', method: 'PUT', path: W(world, 'clock'), body: {advance_seconds: Math.ceil(ladder() / 1000)}, text: 'events.ladder', values: {span: span(ladder())}});
    soon();
  }

  const off = [stream.on('events', arrived), stream.on('*', soon)];
  const timer = setInterval(() => {
    if (!document.hidden && (!stream.streams('events') || stream.state.peek().kind !== 'live')) soon();
  }, POLL_MS);
  void load().then(() => {
    const sel = ctx.params.get('sel');
    const row = sel && list.rows.find(one => one.event_id === sel);
    if (!sel) return;
    if (row) {
      list.select(keyOf(row));
      void open(row);
    } else void get(W(world, 'events', sel)).then(found => found.deliveries[0] && open(found.deliveries[0]), error => ctx.toast(error.missing ? t('events.gone') : error.line, 'failed'));
  });
  const commands = [
    {text: 'events.inject', key: 'i', run: () => void inject()}, {text: 'events.resend', key: 'r', run: () => void resend()}, {text: 'events.steer', key: 'h', run: () => void steer()},
    {text: 'events.ladderKey', key: '>', run: () => void runLadder()}, {text: 'events.filterType', key: '/', run: () => typeField.focus()},
  ];
  return {
    node: h('div', {class: 'screen'}, h('div', {class: 'bar'}, typeField, types, appBox, select(t('events.filterState'), [['', t('events.allStates')], ...STATES.map(one => /** @type {[string, string]} */ ([one, t(`status.${one}`)]))], filter.peek().state, state => change({state})),
      button(t('events.inject'), () => void inject(), {key: 'i'})), receiverBox, split),
    dispose() {
      left = true;
      off.forEach(end => end());
      clearInterval(timer);
      clearTimeout(waiting);
      clearTimeout(asking);
      list.dispose();
    },
    keys: [...list.bindings(), ...commands, {key: 'Escape', text: 'events.back', run: () => (document.activeElement === list.node && !detail.hidden ? close() : list.node.focus({preventScroll: true}))}],
    actions: () => [...commands, ...[...receivers.peek()].flatMap(([app_id, one]) => {
      const values = {app: appName(ctx, app_id)};
      if (one.mode === 'webhook') return one.request_url ? [{text: 'events.challengeOf', values, run: () => void challenge(ctx, app_id, () => void readReceivers())}] : [];
      return one.connections.length ? [{text: 'events.disconnectOf', values, run: () => void disconnect(ctx, app_id, () => void readReceivers())}] : [];
    })],
  };
}

/**
 * Sends the challenge again and shows each step.
 * @param {Context} ctx
 * @param {string} app_id
 * @param {() => void} after
 */
async function challenge(ctx, app_id, after) {
  const done = await ctx.act({id: 'app.events.challenge', method: 'POST', path: W(ctx.world.peek(), 'apps', app_id, 'challenge'), text: 'events.challenge'});
  if (!done) return;
  ctx.dialog.open(t('events.challenge'), [h('p', {class: 'mono'}, done.data.request_url), h('ul', {class: 'plain'}, done.data.steps.map((/** @type {any} */ step) => h('li', null, chip(step.ok ? 'ok' : 'failed'), ' ', h('span', {class: 'mono'}, step.step), step.why ? h('div', {class: 'small'}, step.why) : null)))]);
  after();
}

/**
 * Closes the long connections of an app.
 * @param {Context} ctx
 * @param {string} app_id
 * @param {() => void} after
 */
async function disconnect(ctx, app_id, after) {
  await ctx.act({id: 'app.connections.delete', method: 'DELETE', path: W(ctx.world.peek(), 'apps', app_id, 'connections'), text: 'events.disconnect'});
  after();
}

/**
 * How an app receives events, with what one can do about it.
 * @param {Context} ctx
 * @param {string} app_id
 * @param {Receiver} one
 * @param {() => void} again
 */
function receiverView(ctx, app_id, one, again) {
  const name = appName(ctx, app_id);
  const hook = one.mode === 'webhook';
  const links = one.connections.map(each => [each.client, t('events.since', {span: span(Date.now() - each.since_ms)}), plural('events.pending', each.pending)].join(' · '));
  return h('details', {class: 'receiver'}, h('summary', null, name, ' ', hook ? chip(one.verified ? 'ok' : 'waiting', t(one.verified ? 'events.verified' : 'events.unverified')) : chip(one.connections.length ? 'ok' : 'waiting', plural('events.connections', one.connections.length))),
    h('div', {class: 'receiver-in'}, hook ? h('div', {class: 'mono'}, one.request_url || t('events.noUrl')) : links.map(line => h('div', null, line)), one.reason ? h('div', null, one.reason) : null, !hook && !links.length ? h('div', {class: 'muted'}, t('events.noConnection')) : null,
      h('div', {class: 'row'}, hook && one.request_url ? button(t('events.challenge'), () => void challenge(ctx, app_id, again)) : null, links.length ? button(t('events.disconnect'), () => void disconnect(ctx, app_id, again)) : null, button(t('events.toApp'), () => ctx.go(`apps?sel=${encodeURIComponent(app_id)}`), {kind: 'link'}))));
}

/**
 * Deliveries by way, side by side, and who got nothing.
 * @param {Context} ctx
 * @param {any} whole
 * @param {(one: Delivery) => string} wayOf
 * @param {() => void} after
 */
function deliveries(ctx, whole, wayOf, after) {
  /** @type {Delivery[]} */
  const all = whole.deliveries;
  const column = (/** @type {string} */ way) => {
    const mine = all.filter(one => (wayOf(one) === 'webhook') === (way === 'webhook'));
    return h('section', {class: 'panel'}, h('h2', null, t(`events.way.${way}`)), mine.length ? mine.map(one => deliveryView(ctx, one)) : h('p', {class: 'muted'}, t('events.noApp')));
  };
  const left = whole.not_sent || [];
  return [h('div', {class: 'two'}, column('webhook'), column('websocket')), left.length ? h('section', {class: 'panel'}, h('h2', null, t('events.notSent')), h('ul', {class: 'plain not-sent'}, left.map((/** @type {any} */ one) => h('li', null,
    chip('not_sent'), ' ', h('strong', null, one.app || appName(ctx, one.app_id)), ' ', t(`events.reason.${one.reason}`), one.needs?.length ? h('span', {class: 'mono muted small'}, ` ${one.needs.join(', ')}`) : null,
    one.fixes?.length ? fixList(ctx, one.fixes, after) : one.fix ? h('div', {class: 'small muted', lang: 'en'}, one.fix) : null)))) : null];
}

/** @param {Context} ctx @param {Delivery} one */
function deliveryView(ctx, one) {
  return h('div', {class: 'delivery'}, h('div', {class: 'row'}, h('strong', null, appName(ctx, one.app_id)), chip(one.state), one.next_try_ms && one.state === 'waiting' ? h('span', {class: 'muted', title: moment(one.next_try_ms)}, t('events.nextTry', {when: nextTry(ctx, one)})) : null),
    one.failure && !one.attempts.length ? h('div', {class: 'small'}, one.failure) : null,
    one.attempts.map(attemptView));
}

/** @param {any} one */
function attemptView(one) {
  const good = !one.failure;
  const sum = h('summary', null, `${one.n} `, chip(good ? 'ok' : 'failed', one.status === undefined ? t(good ? 'status.ok' : 'status.failed') : String(one.status)), ` ${t('time.ms', {n: one.took_ms})}`, checksLine(one.checks));
  return h('details', {class: 'attempt'}, sum, h('div', {class: 'attempt-in'}, facts([
    [t('events.time'), when(one.world_at_ms ?? one.at_ms, one.at_ms)], ['URL', one.request_url ? mono(one.request_url) : null], [t('events.connection'), one.connection ? mono(one.connection) : null], [t('events.failure'), one.failure],
    ...Object.entries(one.request?.headers || {}).map(([name, value]) => /** @type {[string, Kid]} */ ([name, mono(value)])),
  ]), one.request?.body ? [h('h3', null, t('events.sent')), body(one.request.body)] : null, one.answer ? [h('h3', null, t('events.answer')), body(one.answer)] : null, one.checks ? [h('h3', null, t('events.checks')), checks(one.checks)] : null));
}

/** @param {string} text */
function body(text) {
  try {
    return json(JSON.parse(text), {open: 2});
  } catch {
    return h('pre', {class: 'small'}, text);
  }
}

const CHECKS = ['signature', 'encrypt', 'token'];

/** @param {any} all */
function checksLine(all) {
  if (!all) return null;
  return CHECKS.filter(name => all[name]).map(name => [' ', chip(all[name].ok === false ? 'failed' : all[name].ok ? 'ok' : 'waiting', t(`events.check.${name}`))]);
}

/** Each value that the receiver must compute. @param {any} all */
function checks(all) {
  return CHECKS.filter(name => all[name]).map(name => facts([[t(`events.check.${name}`), chip(all[name].ok === false ? 'failed' : all[name].ok ? 'ok' : 'waiting')],
    ...Object.entries(all[name]).filter(([key]) => key !== 'ok').map(([key, value]) => /** @type {[string, Kid]} */ ([key, mono(value)]))]));
}
