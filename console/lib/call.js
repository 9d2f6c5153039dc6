// How a recorded call is shown: why it was answered so, and what would let it through.
import {actionOf, cli, get, Refused, run, send, W} from './api.js';
import {h, replace} from './dom.js';
import {has, reason, t} from './i18n.js';
import {json} from './json.js';
import {bytes, millis, span} from './time.js';
import {button, chip, code, copy, facts, failure, mono, panel, tabs, when} from './ui.js';

/** @typedef {import('../app.js').Context} Context */
/** @typedef {import('./dom.js').Kid} Kid */
/** @typedef {{id: string, path?: Record<string, string>, body?: any}} Fix */

const FORMATS = /** @type {[string, string][]} */ ([['curl', 'curl'], ['larkspur', 'CLI'], ['python', 'Python'], ['node', 'Node']]);
const FILES = /** @type {[string, string][]} */ ([['pytest', 'pytest'], ['vitest', 'vitest'], ['go', 'Go'], ['har', 'HAR'], ['ndjson', 'NDJSON'], ['html', 'HTML']]);

/**
 * A body in pairs: `settings.edit_permission = all_members`.
 * @param {any} body
 * @param {string} [path]
 * @returns {string[]}
 */
function pairs(body, path = '') {
  if (!body || typeof body !== 'object' || Array.isArray(body)) return [`${path} = ${typeof body === 'string' ? body : JSON.stringify(body)}`];
  return Object.entries(body).flatMap(([name, value]) => pairs(value, path ? `${path}.${name}` : name));
}

/**
 * What a fix does, in words.
 * @param {Context} ctx
 * @param {Fix} fix
 * @returns {{text: string, values: Record<string, any>}}
 */
export function fixLabel(ctx, fix) {
  const id = fix.id.replace('larkspur.v1.', '');
  const body = fix.body || {};
  if (id === 'app.update' && body.scopes) {
    const held = new Set(ctx.apps.peek().find(one => one.app_id === fix.path?.app_id)?.scopes || []);
    const wanted = body.scopes.filter((/** @type {string} */ scope) => !held.has(scope));
    return {text: 'call.grant', values: {scopes: (wanted.length ? wanted : body.scopes).join(', ')}};
  }
  if (id === 'world.clock' && body.advance_seconds) return {text: 'call.clock', values: {span: span(body.advance_seconds * 1000)}};
  if (id.endsWith('.token')) return {text: 'call.token', values: {}};
  if (id === 'chat.member_put') return {text: 'call.join', values: {member: fix.path?.member || ''}};
  const changes = pairs(body).join(', ');
  return changes ? {text: 'call.set', values: {changes}} : {text: 'call.do', values: {id}};
}

/**
 * Buttons for the fixes of a refusal.
 * @param {Context} ctx
 * @param {Fix[] | undefined} fixes
 * @param {() => void} [after]
 * @returns {HTMLElement | null}
 */
export function fixList(ctx, fixes, after) {
  if (!fixes?.length) return null;
  return h('div', {class: 'fixes'}, fixes.map((fix, i) => {
    const label = fixLabel(ctx, fix);
    const line = h('span', {class: 'mono muted small'});
    actionOf(fix, ctx.world.peek(), label).then(action => replace(line, `${action.method} ${action.path.replace(W(ctx.world.peek()), 'W')} ${action.body ? JSON.stringify(action.body).slice(0, 200) : ''}`)).catch(() => {});
    return h('div', {class: 'row'}, button(t(label.text, label.values), () => void applyFix(ctx, fix, after), {kind: 'primary', key: i ? undefined : '+'}),
      button(t('app.copy'), () => void actionOf(fix, ctx.world.peek(), label).then(action => copy(cli(action)), error => ctx.toast(error.line, 'failed')), {kind: 'quiet', label: t('call.copyFix')}), line);
  }));
}

/**
 * Does what a refusal names as its fix.
 * @param {Context} ctx
 * @param {Fix} fix
 * @param {() => void} [after]
 */
export async function applyFix(ctx, fix, after) {
  try {
    const action = await actionOf(fix, ctx.world.peek(), fixLabel(ctx, fix));
    const answer = await ctx.act(action);
    if (!answer) return;
    const token = Object.entries(answer.data || {}).find(([name, value]) => name.endsWith('_token') && typeof value === 'string');
    if (token) ctx.dialog.open(t('call.token'), [h('p', null, t('call.once')), code(token[1], token[0])]);
    else if (after) ctx.toast(t('call.fixed'), 'info', {words: t('call.replay'), run: after});
  } catch (error) {
    ctx.toast(error instanceof Refused ? error.line : String(error), 'failed');
  }
}

/**
 * @param {Context} ctx
 * @param {any} entry
 * @param {() => void} replay
 * @returns {Kid}
 */
function why(ctx, entry, replay) {
  const all = [];
  const {why: decided} = entry;
  if (entry.outcome === 'injected' || entry.outcome === 'cut') {
    all.push(h('div', {class: 'note'}, h('strong', null, t('call.injected', {fault: entry.fault || ''})), decided ? h('div', null, mono(decided.code), ' ', h('span', {lang: 'en'}, reason(decided))) : null),
      h('div', null, button(t('call.toFault'), () => ctx.go(`faults?sel=${encodeURIComponent(entry.fault || '')}`))));
  } else if (decided) {
    const words = t(entry.outcome === 'soft' ? 'call.softAt' : 'call.refusedAt', {step: decided.step, code: decided.code});
    const note = reason(decided);
    all.push(h('div', {class: `note ${entry.outcome === 'soft' ? '' : 'refused'}`}, h('strong', null, words), h('div', has(`why.${decided.code}`) ? null : {lang: 'en'}, note)));
    const known = Object.entries(decided.facts || {});
    all.push(facts([
      [t('call.rule'), decided.rule ? mono(decided.rule) : null],
      [t('call.basis'), decided.basis ? [t(`basis.${decided.basis}`), decided.reference ? h('span', {class: 'mono muted'}, ` ${decided.reference}`) : null] : decided.reference ? h('span', {class: 'mono muted'}, decided.reference) : null],
      [t('call.facts'), known.length ? known.map(([name, value]) => h('div', {class: 'mono'}, `${name} = ${typeof value === 'object' ? JSON.stringify(value) : value}`)) : null],
    ]));
    if (decided.fixes?.length) all.push(panel(t('call.fix'), fixList(ctx, decided.fixes, replay)));
  } else if (entry.outcome === 'unrouted') {
    all.push(h('div', {class: 'note refused'}, h('strong', null, t('call.unrouted', {method: entry.method, path: entry.path}))));
    all.push(entry.near?.length ? h('ul', {class: 'near'}, entry.near.map((/** @type {any} */ one) => h('li', null, h('span', {class: 'mono'}, `${one.method} ${one.path}`), ' ', h('span', {class: 'muted'}, one.operation), one.differs ? h('div', {class: 'small', lang: 'en'}, one.differs) : null)))
      : h('p', {class: 'muted'}, t('call.noNear')));
  } else if (entry.outcome === 'failed') {
    all.push(h('div', {class: 'note failed'}, t('call.failed', {status: entry.status})));
  } else if (entry.outcome === 'refused') {
    all.push(h('div', {class: 'note refused'}, h('strong', null, `${entry.code ?? entry.status}`), ' ', entry.answer?.body?.msg || ''));
  } else {
    all.push(h('div', {class: 'note ok'}, t('call.passed')));
  }
  if (entry.fault && entry.outcome !== 'injected' && entry.outcome !== 'cut') {
    all.push(h('div', {class: 'note'}, t('call.slowed', {fault: entry.fault})), h('div', null, button(t('call.toFault'), () => ctx.go(`faults?sel=${encodeURIComponent(entry.fault)}`))));
  }
  if (entry.behaviours?.length) {
    all.push(h('details', {open: !decided}, h('summary', null, t('call.behaviours')), h('ul', {class: 'plain'}, entry.behaviours.map((/** @type {any} */ one) => h('li', null,
      mono(one.name), ' ', chip(one.basis === 'assumed' ? 'info' : 'ok', t(`basis.${one.basis}`)))))));
  }
  return all;
}

/**
 * Headers and body of a request or an answer.
 * @param {any} part
 * @param {Kid} first
 */
function message(part, first) {
  return [h('div', {class: 'mono'}, first), part.query ? h('div', {class: 'mono muted'}, `?${part.query}`) : null,
    h('details', null, h('summary', null, t('call.headers', {n: part.headers?.length || 0})), h('dl', {class: 'facts mono'}, (part.headers || []).map((/** @type {[string, string]} */ [name, value]) => h('div', null, h('dt', null, name), h('dd', null, value))))),
    part.body === undefined || part.body === null || part.body === '' ? h('p', {class: 'muted'}, part.bytes ? t('call.notKept', {size: bytes(part.bytes)}) : t('call.emptyBody'))
      : typeof part.body === 'string' ? h('pre', null, part.body) : json(part.body, {open: 4}),
    part.cut ? h('p', {class: 'muted small'}, t('call.cutBody', {size: bytes(part.bytes)})) : null];
}

/** @param {any} entry */
function steps(entry) {
  const caller = entry.caller || {};
  return [facts([
    [t('call.app'), caller.app_id ? [entry.app || '', ' ', mono(caller.app_id)] : null],
    [t('call.user'), entry.user ? mono(entry.user) : null],
    [t('call.tokenKind'), [typeof caller.token === 'string' ? caller.token : entry.token, ' ', caller.expires_in_s === undefined ? null : h('span', {class: 'muted'}, caller.expires_in_s < 0 ? t('call.expired', {span: span(caller.expires_in_s * 1000)}) : t('call.expires', {span: span(caller.expires_in_s * 1000)}))]],
    [t('call.sdk'), caller.sdk], ['uuid', entry.uuid ? t(`call.uuid.${entry.uuid}`) : null],
    [t('call.delay'), entry.delay_ms ? span(entry.delay_ms) : null],
  ]), h('div', {class: 'scroll', tabIndex: 0, role: 'region', 'aria-label': t('call.steps')}, h('table', {class: 'table'},
    h('thead', null, h('tr', null, ['call.step', 'call.took', 'call.found'].map(key => h('th', {scope: 'col'}, t(key))))),
    h('tbody', null, (entry.steps || []).map((/** @type {any} */ one) => h('tr', null, h('th', {scope: 'row'}, h('span', {class: 'mono'}, one.step), h('div', {class: 'muted small'}, t(`step.${one.step}`))),
      h('td', {class: 'num'}, `${millis(one.us)} ms`),
      h('td', null, one.any_of ? h('div', null, t('call.anyOf', {scopes: one.any_of.join(', ')})) : null, one.used ? h('div', null, t('call.used', {scope: one.used})) : null,
        (one.windows || []).map((/** @type {any} */ window) => h('div', null, t(window.used === undefined ? 'call.window' : 'call.windowUsed', {used: window.used, cap: window.cap, span: span(window.seconds * 1000)}))),
        one.statements === undefined ? null : h('div', null, t('call.statements', {n: one.statements})))))))),
  ];
}

/**
 * @param {Context} ctx
 * @param {any} entry
 */
function events(ctx, entry) {
  const ids = entry.events || [];
  if (!ids.length) return h('p', {class: 'muted'}, t('call.noEvents'));
  return h('ul', {class: 'plain'}, ids.map((/** @type {any} */ one) => {
    const id = typeof one === 'string' ? one : one.event_id;
    return h('li', null, button(id, () => ctx.go(`events?sel=${encodeURIComponent(id)}`), {kind: 'link'}), typeof one === 'string' ? null : ` ${one.event_type || ''}`);
  }));
}

/**
 * What the server exports of some calls in a format.
 * @param {string} world
 * @param {string[]} ids
 * @param {string} as
 * @param {typeof run} how `run` if someone asked for it, `send` if it is only shown
 * @returns {Promise<string>}
 */
export async function exported(world, ids, as, how = run) {
  return (await how({method: 'POST', path: W(world, 'traffic', 'export'), body: {log_ids: ids, as}, id: 'traffic.export'})).data.text;
}

/**
 * @param {Context} ctx
 * @param {string[]} ids
 * @param {[string, string][]} formats
 * @param {string} label
 * @param {typeof run} [how]
 */
function exports(ctx, ids, formats, label, how) {
  return tabs(label, formats.map(([id, title]) => ({id, title, make: () => {
    const box = h('div', null, h('p', {class: 'muted'}, '…'));
    exported(ctx.world.peek(), ids, id, how).then(text => replace(box, code(text, title)), error => replace(box, failure(error)));
    return box;
  }})));
}

/**
 * Calls as tests and files, in a dialog.
 * @param {Context} ctx
 * @param {string[]} ids
 */
export function exportDialog(ctx, ids) {
  if (!ids.length) return ctx.toast(t('call.choose'));
  ctx.dialog.open(t('call.export', {n: ids.length}), exports(ctx, ids, [...FILES.slice(0, 2), ...FORMATS, ...FILES.slice(2)], t('call.export', {n: ids.length})), {class: 'wide'});
}

/**
 * Two calls side by side, in a dialog.
 * @param {Context} ctx
 * @param {string} a
 * @param {string} b
 */
export async function diffDialog(ctx, a, b) {
  try {
    const {data} = await run({id: 'traffic.diff', method: 'GET', path: W(ctx.world.peek(), 'traffic', 'diff'), query: {a, b}});
    showDiff(ctx, data, 'A', 'B');
  } catch (error) {
    ctx.toast(/** @type {any} */ (error).line, 'failed');
  }
}

/** @param {any} value */
const shown = value => (value === undefined ? '—' : typeof value === 'string' ? value : JSON.stringify(value));

/**
 * A table of changes.
 * @param {{path: string, a?: any, b?: any}[]} changes
 * @param {string} a what the first value is
 * @param {string} b
 * @returns {HTMLElement}
 */
function diffView(changes, a, b) {
  if (!changes.length) return h('p', {class: 'muted'}, t('app.same'));
  return h('div', {class: 'scroll', tabIndex: 0, role: 'region', 'aria-label': t('app.diff')}, h('table', {class: 'table diff'},
    h('thead', null, h('tr', null, h('th', {scope: 'col'}, t('app.field')), h('th', {scope: 'col'}, a), h('th', {scope: 'col'}, b))),
    h('tbody', null, changes.slice(0, 500).map(one => h('tr', null,
      h('th', {scope: 'row', class: 'mono'}, one.path || '.'), h('td', {class: 'mono gone'}, shown(one.a)), h('td', {class: 'mono new'}, shown(one.b)))))));
}

/** What differs most tellingly stands first. */
const FIRST = ['outcome', 'answer.status', 'answer.code', 'answer.body.code', 'answer.body.msg'];

/**
 * @param {Context} ctx
 * @param {any} data of a diff or a replay
 * @param {string} a what the first call is
 * @param {string} b
 */
function showDiff(ctx, data, a, b) {
  const rank = (/** @type {string} */ path) => (FIRST.indexOf(path) + 1 || FIRST.length + 1);
  const changes = data.changes.slice().sort((/** @type {any} */ x, /** @type {any} */ y) => rank(x.path) - rank(y.path));
  const head = (/** @type {any} */ one) => (one?.log_id ? h('div', {class: 'row'}, chip(one.outcome), h('strong', null, `${one.status} · ${one.code ?? ''}`), mono(one.operation || one.path), mono(one.log_id)) : null);
  ctx.dialog.open(t('app.diff'), [head(data.a), head(data.b), diffView(changes, a, b)], {class: 'wide'});
}

/**
 * Calls again and shows both answers.
 * @param {Context} ctx
 * @param {string} log_id
 */
export async function replay(ctx, log_id) {
  const answer = await ctx.act({id: 'traffic.replay', method: 'POST', path: W(ctx.world.peek(), 'traffic', log_id, 'replay'), body: {}, text: 'call.replay'});
  if (answer) showDiff(ctx, answer.data, t('call.recorded'), t('call.replayed'));
}

/**
 * The detail of a call.
 * @param {Context} ctx
 * @param {any} entry
 * @param {{tab?: string, onTab?: (id: string) => void}} [options]
 * @returns {HTMLElement}
 */
export function callView(ctx, entry, options = {}) {
  const again = () => void replay(ctx, entry.log_id);
  return tabs(t('traffic.detail'), [
    {id: 'why', title: t('call.why'), make: () => why(ctx, entry, again)},
    {id: 'request', title: t('call.request'), make: () => message(entry.request, `${entry.method} ${entry.path}`)},
    {id: 'answer', title: t('call.answer'), make: () => message(entry.answer, [`HTTP ${entry.status} `, when(entry.world_at_ms ?? entry.at_ms, entry.at_ms), ` · ${millis(entry.us)} ms`])},
    {id: 'steps', title: t('call.steps'), make: () => steps(entry)},
    {id: 'events', title: t('call.events'), make: () => events(ctx, entry)},
    {id: 'code', title: t('app.asCode'), make: () => exports(ctx, [entry.log_id], FORMATS, t('app.asCode'), send)},
  ], {selected: options.tab, onSelect: options.onTab});
}
