// Tokens and sign-in: what a token is, who granted what, and the last sign-ins step by step.
import {W, current, get, run} from '../lib/api.js';
import {asCode} from '../lib/ascode.js';
import {fixList} from '../lib/call.js';
import {h, replace} from '../lib/dom.js';
import {number, plural, t} from '../lib/i18n.js';
import {effect, signal} from '../lib/store.js';
import {on} from '../lib/stream.js';
import {moment, span} from '../lib/time.js';
import {button, chip, code, copy, empty, facts, failure, mono, panel, when} from '../lib/ui.js';

/** @typedef {import('../lib/api.js').Action} Action */
/** @typedef {import('../app.js').Context} Context */
/** @typedef {{user_id: string, name: string, status: string, scopes: string[], revocations: number, refresh_tokens: number, refresh_until_ms?: number}} Grant */
/** @typedef {Record<string, any> & {log_id: string, operation: string, outcome: string, world_at_ms: number, app_id?: string}} Row */
/** @typedef {import('../lib/store.js').Signal<any>} Problem */

const STEPS = /^(authen\.|auth\.v3\.)/;
/** Calls of one sign-in are not further apart than this. */
const APART_MS = 600_000;

/**
 * Calls of sign-ins, grouped: each begins with the page, or after a pause. The newest first.
 * @param {Row[]} rows the newest first
 * @returns {Row[][]}
 */
export function flows(rows) {
  /** @type {Row[][]} */
  const all = [];
  for (const row of rows.filter(one => STEPS.test(one.operation ?? '')).reverse()) {
    const open = all.find(flow => flow[0].app_id === row.app_id && row.world_at_ms - flow[flow.length - 1].world_at_ms < APART_MS);
    if (!open || row.operation === 'authen.v1.authorize.show' || row.operation.startsWith('auth.v3.')) all.unshift([row]);
    else open.push(row);
  }
  return all;
}

/** What the server tells of a token. @param {Context} ctx @param {any} told */
function inspected(ctx, told) {
  const {refusal} = told;
  const left = told.expires_in_s;
  return [
    h('p', null, chip(told.valid ? 'valid' : 'refused', t(told.valid ? 'login.valid' : 'login.invalid')), ' ',
      told.known ? told.of_this_world ? '' : t('login.otherWorld') : t('login.unknown')),
    refusal ? h('div', {class: 'note refused'}, h('strong', null, mono(`${refusal.code} ${refusal.name ?? ''}`)), h('div', {lang: 'en'}, refusal.note ?? refusal.msg)) : null,
    refusal ? fixList(ctx, refusal.fixes) : null,
    facts([
      [t('login.kind'), told.kind && told.kind !== 'unknown' ? t(`login.kind.${told.kind}`) : ''], [t('login.tail'), told.tail ? mono(`…${told.tail}`) : ''],
      [t('login.app'), told.app ? [told.app.name, ' ', mono(told.app.app_id)] : ''], [t('login.user'), told.user ? [told.user.name, ' ', mono(told.user.open_id ?? told.user.user_id)] : ''],
      [t('login.expires'), told.expires_at_ms ? `${moment(told.expires_at_ms)} · ${left > 0 ? t('time.in', {span: span(left * 1000)}) : t('time.ago', {span: span(-left * 1000)})}` : ''],
      [t('login.scopes'), told.scopes?.length ? h('details', null, h('summary', null, number(told.scopes.length)), h('p', {class: 'mono small'}, told.scopes.join(' '))) : ''],
    ]),
  ];
}

/** Paste a token, and see what it is. @param {Context} ctx */
function inspector(ctx) {
  const answer = h('div', {'aria-live': 'polite'});
  const field = h('input', {type: 'password', autocomplete: 'off', spellcheck: false, 'aria-label': t('login.token'), placeholder: 't-… u-…', required: true});
  /** @returns {import('../lib/api.js').Action} */
  const call = () => ({id: 'token.inspect', method: 'POST', path: W(ctx.world.peek(), 'tokens', 'inspect'), body: {token: field.value.trim()}, text: 'login.inspect'});
  const ask = async (/** @type {Event} */ event) => {
    event.preventDefault();
    if (!field.value.trim()) return;
    try {
      replace(answer, inspected(ctx, (await run(call())).data));
    } catch (error) {
      replace(answer, failure(error));
    }
  };
  const node = panel(t('login.inspect'), h('p', {class: 'muted'}, t('login.inspectHow')),
    h('form', {class: 'row', on: {submit: ask}}, h('div', {class: 'grow'}, field), h('button', {type: 'submit', class: 'primary'}, t('login.inspectDo'))), answer);
  return {node, focus: () => field.focus()};
}

/** Issues a token, and shows it once. @param {Context} ctx */
function issue(ctx) {
  const users = ctx.users.peek();
  const apps = ctx.apps.peek();
  const me = ctx.viewer.peek()?.user_id ?? '';
  return ctx.dialog.form({title: t('login.issue'), submit: t('login.issue'), text: h('p', {class: 'muted'}, t('login.issueHow')), fields: [
    {name: 'who', label: t('login.whose'), type: 'select', value: me, options: [...users.map(one => /** @type {[string, string]} */ ([one.user_id, one.name])), ['', t('login.tenantToken')]]},
    {name: 'app', label: t('login.app'), type: 'select', options: apps.map(one => [one.app_id, one.name])},
    {name: 'expires_in', label: t('login.seconds'), type: 'number', value: 7200, hint: t('login.secondsHint')},
    {name: 'scopes', label: t('login.scopes'), placeholder: 'im:chat im:message', hint: t('login.scopesHint')},
    {name: 'revoke_previous', label: t('login.revokePrevious'), type: 'checkbox'},
  ], act: async ({who, app, expires_in, scopes, revoke_previous}) => {
    const world = ctx.world.peek();
    const own = {expires_in};
    /** @type {import('../lib/api.js').Deed} */
    const action = who ? {method: 'POST', id: 'user.token', path: W(world, 'users', who, 'tokens'), body: {app_id: app, ...own, ...(scopes ? {scopes: scopes.split(/[\s,]+/).filter(Boolean)} : {}), ...(revoke_previous ? {revoke_previous} : {})}}
      : {method: 'POST', id: 'app.token', path: W(world, 'apps', app, 'tokens'), body: own};
    const {data} = await run(action);
    ctx.changed.set(ctx.changed.peek() + 1);
    setTimeout(() => ctx.dialog.open(t('login.issued'), [h('p', null, t('login.once')), code(data.access_token, t('login.token')),
      data.expires_in > 0 ? h('p', {class: 'muted'}, `${t('login.expires')}: ${t('time.in', {span: span(data.expires_in * 1000)})}`) : h('p', null, chip('expired', t('login.expired'))), asCode({...action, text: 'login.issue'})]));
  }});
}

/** @param {Context} ctx @param {string} app_id @param {Grant} grant @returns {Action} */
function revoke(ctx, app_id, grant) {
  return {id: 'token.revoke', method: 'POST', path: W(ctx.world.peek(), 'tokens', 'revoke'), body: {user_id: grant.user_id, app_id}, text: 'login.revoke', danger: t('login.revokeAsk', {name: grant.name})};
}

/** Who granted what to the chosen app. @param {Context} ctx @param {string} app_id @param {Grant[]} list */
function grants(ctx, app_id, list) {
  if (!list.length) return empty(t('login.noGrant'), button(t('login.issue'), () => void issue(ctx), {kind: 'primary'}));
  return h('div', {class: 'scroll', tabIndex: 0, role: 'group', 'aria-label': t('login.grants')}, h('table', {class: 'table'},
    h('thead', null, h('tr', null, [t('login.user'), t('login.scopes'), t('login.refresh')].map(one => h('th', {scope: 'col'}, one)), h('th', {scope: 'col'}, h('span', {class: 'away'}, t('login.revoke'))))),
    h('tbody', null, list.map(grant => h('tr', null, h('th', {scope: 'row'}, grant.name, ' ', grant.status === 'active' ? null : chip('refused', grant.status)),
      h('td', null, h('details', null, h('summary', null, plural('login.scopeCount', grant.scopes.length)), h('span', {class: 'mono small'}, grant.scopes.join(' ')))),
      h('td', null, number(grant.refresh_tokens), grant.refresh_until_ms ? h('div', {class: 'muted small'}, moment(grant.refresh_until_ms)) : null),
      h('td', null, button(t('login.revoke'), () => void ctx.act(revoke(ctx, app_id, grant)), {kind: 'danger', label: `${t('login.revoke')}: ${grant.name}`})))))));
}

/** Builds the URL of the sign-in page. @param {import('../app.js').App} app @param {string[]} addresses */
function builder(app, addresses) {
  const value = {redirect_uri: addresses[0] ?? 'http://127.0.0.1:3000/callback', scope: 'contact:user.base:readonly', state: 'demo', pkce: ''};
  const out = h('div');
  const show = () => {
    const query = new URLSearchParams({client_id: app.app_id, response_type: 'code', redirect_uri: value.redirect_uri});
    if (value.scope) query.set('scope', value.scope);
    if (value.state) query.set('state', value.state);
    if (value.pkce) query.set('code_challenge', value.pkce);
    const url = `${current().base_url}/open-apis/authen/v1/authorize?${query}`;
    replace(out, code(url, t('login.copyUrl')), h('div', {class: 'row'},
      h('a', {href: `${location.origin}/open-apis/authen/v1/authorize?${query}`, target: '_blank', rel: 'noopener noreferrer'}, `${t('login.open')} ↗`)));
  };
  const field = (/** @type {'redirect_uri' | 'scope' | 'state' | 'pkce'} */ name, /** @type {string} */ label) => {
    const id = `login-${name}`;
    return h('div', {class: 'field'}, h('label', {for: id}, label), h('input', {id, value: value[name], list: name === 'redirect_uri' ? 'login-addresses' : null, spellcheck: false, autocomplete: 'off', on: {input: (/** @type {Event} */ event) => {
      value[name] = /** @type {HTMLInputElement} */ (event.target).value.trim();
      show();
    }}}));
  };
  show();
  return [h('datalist', {id: 'login-addresses'}, addresses.map(one => h('option', {value: one}))), field('redirect_uri', 'redirect_uri'), field('scope', 'scope'), field('state', 'state'), field('pkce', 'code_challenge (plain)'), out,
    addresses.length ? null : h('p', {class: 'muted small'}, t('login.anyAddress'))];
}

/** What can go wrong with the next sign-in: rules of the world that are used once. */
const WRONG = [['sign-in-denied', 'login.denyNext', 'd'], ['sign-in-wrong-state', 'login.wrongStateNext', 'w']];

/** @param {Context} ctx */
function wrong(ctx) {
  const world = ctx.world.peek();
  return WRONG.map(([preset, text, key]) => {
    /** @type {import('../lib/api.js').Action} */
    const action = {id: 'fault.add', method: 'POST', path: W(world, 'faults'), body: {preset}, text, key, cli: `larkspur fault preset ${preset} --tenant ${world}`};
    return {key, text, run: () => void ctx.act(action)};
  });
}

/** @param {Context} ctx @param {Row[][]} all */
function flowList(ctx, all) {
  if (!all.length) return empty(t('login.noFlow'), null);
  return h('ol', {class: 'flows'}, all.slice(0, 20).map(flow => h('li', {class: 'flow'}, h('div', {class: 'row'}, h('b', null, flow[0].app ?? flow[0].app_id ?? ''), when(flow[0].world_at_ms, flow[0].at_ms)),
    h('ol', {class: 'steps'}, flow.map(row => h('li', null, chip(row.outcome), ' ', h('a', {href: `#/w/${encodeURIComponent(ctx.world.peek())}/traffic?sel=${row.log_id}`}, mono(row.operation)), ' ',
      row.code ? mono(row.code) : null, ' ', row.user ? h('span', {class: 'muted'}, row.user) : null))))));
}

/** The screen. @type {import('../app.js').Screen} */
export default {
  id: 'login',
  key: 'l',
  title: 'login.title',

  mount(ctx) {
    const world = ctx.world.peek();
    const chosen = signal(ctx.params.get('app') ?? '');
    const app = () => ctx.apps.get().find(one => one.app_id === chosen.get()) ?? ctx.apps.get()[0];
    const inspect = inspector(ctx);
    const [granted, made, last] = [h('div'), h('div'), h('div')];
    const pick = h('span', {class: 'row'});

    /** @param {HTMLElement} place @param {Promise<any>} asked @param {(data: any) => import('../lib/dom.js').Kid} show */
    const fill = (place, asked, show) => asked.then(data => replace(place, show(data)), error => replace(place, failure(error)));
    const loadFlows = () => void fill(last, get(W(world, 'traffic'), {operation: 'auth*', limit: 100}), data => flowList(ctx, flows(data.entries)));

    effect(() => {
      const one = app();
      replace(pick, h('label', {for: 'login-app'}, t('login.app')), h('select', {id: 'login-app', on: {change: (/** @type {Event} */ event) => {
        chosen.set(/** @type {HTMLSelectElement} */ (event.target).value);
        ctx.put({app: chosen.peek()});
      }}}, ctx.apps.get().map(each => h('option', {value: each.app_id, selected: each === one}, each.name))));
    });
    effect(() => {
      const one = app();
      ctx.changed.get();
      if (!one) return;
      void fill(granted, get(W(world, 'apps', one.app_id, 'grants')), data => grants(ctx, one.app_id, data.grants));
      void fill(made, get(W(world, 'apps', one.app_id, 'sign_in')), data => builder(one, data.redirect_uris));
    });
    effect(() => {
      ctx.changed.get();
      loadFlows();
    });
    const end = on('traffic', rows => {
      if (Array.isArray(rows) && rows.some(row => STEPS.test(row.operation ?? ''))) loadFlows();
    });
    const next = wrong(ctx);
    const keys = [
      {key: 'n', text: 'login.issue', run: () => void issue(ctx)},
      {key: '/', text: 'login.inspect', run: () => inspect.focus()},
      {key: 'y', text: 'login.copyUrl', run: () => void copy(made.querySelector('pre')?.textContent ?? '')},
      ...next,
    ];
    const node = h('div', {class: 'body login'}, h('div', {class: 'bar'}, pick, h('span', {class: 'grow'}), button(t('login.issue'), () => void issue(ctx), {key: 'n', kind: 'primary'})),
      h('div', {class: 'login-grid'}, inspect.node, panel(t('login.grants'), granted), panel(t('login.url'), made), panel(t('login.flows'), h('p', {class: 'muted'}, t('login.nextHow')), h('div', {class: 'row'}, next.map(one => button(t(one.text), one.run, {key: one.key}))), last)));
    return {node, keys, dispose: end, actions: () => keys};
  },
};
