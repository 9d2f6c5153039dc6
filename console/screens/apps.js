// Apps: what each is and may do, and which scopes its calls used and lacked.
import {W, get, run, send} from '../lib/api.js';
import {asCode} from '../lib/ascode.js';
import {form, open} from '../lib/dialog.js';
import {h, replace} from '../lib/dom.js';
import {number, plural, t} from '../lib/i18n.js';
import {List} from '../lib/list.js';
import {effect, signal} from '../lib/store.js';
import {gathered} from '../lib/stream.js';
import {button, chip, code, empty, facts, failure, mono, panel, select} from '../lib/ui.js';

/** @typedef {import('../lib/api.js').Action} Action */
/** @typedef {import('../app.js').App} App */
/** @typedef {{scope: string, identity: string, granted: boolean, state: string, calls: number, operations: string[], first_log_id?: string}} Row */
/** @typedef {{scopes: Row[], minimal: Record<string, string[]>, exact: boolean, manifest: {scopes: any, one_click: any}}} Ledger */

const ORDER = ['missing', 'soft', 'used', 'unused'];
const AGAIN_MS = 1000;

/** @param {string} text */
const words = text => text.split(/[\s,]+/).filter(Boolean);

/**
 * What cannot be read again.
 * @param {string} title
 * @param {[string, string][]} values
 */
const once = (title, values) => setTimeout(() => open(title, [h('p', null, t('apps.once')), values.map(([name, value]) => code(value, name))]));

export default {
  id: 'apps',
  key: 'a',
  title: 'apps.title',

  /** @param {import('../app.js').Context} ctx */
  mount(ctx) {
    const world = ctx.world.peek();
    const chosen = signal(ctx.params.get('sel') || '');
    const state = signal('all');
    const ledger = signal(/** @type {Ledger | null} */ (null));
    const problem = signal(/** @type {any} */ (null));

    const app = () => ctx.apps.get().find(one => one.app_id === chosen.get()) || ctx.apps.get()[0];
    /** @param {App} own @param {...string} rest */
    const at = (own, ...rest) => W(world, 'apps', own.app_id, ...rest);
    /** @param {App} own @param {any} body @param {string} text @param {Record<string, any>} [values] @returns {Action} */
    const change = (own, body, text, values) => ({id: 'app.update', method: 'PUT', path: at(own), body, text, values});
    /** @param {App} own @param {string} scope */
    const grant = (own, scope) => change(own, {scopes: [...own.scopes, scope].sort()}, 'apps.grantOne', {scope});
    /** @param {App} own @param {string} scope */
    const revoke = (own, scope) => change(own, {scopes: own.scopes.filter(one => one !== scope)}, 'apps.revokeOne', {scope});
    /** @param {App} own */
    const bot = own => change(own, {bot: !own.bot}, own.bot ? 'apps.botOff' : 'apps.botOn');
    /** @param {App} own @returns {Action} */
    const ledgerOf = own => ({id: 'app.ledger', method: 'GET', path: at(own, 'ledger'), text: 'apps.manifest', cli: `larkspur scopes ${own.app_id} --manifest --tenant ${world}`});

    async function load() {
      const own = app();
      if (!own) return;
      try {
        const {data} = await send(ledgerOf(own));
        // What is the same is not shown anew: a button stays where it is pressed.
        const same = JSON.stringify(data) === JSON.stringify(ledger.peek());
        if (own.app_id === app()?.app_id && !same) ledger.set(data);
        problem.set(null);
      } catch (error) {
        problem.set(error);
      }
    }

    async function add() {
      await form({title: t('apps.create'), submit: t('apps.make'), fields: [
        {name: 'name', label: t('apps.name'), required: true},
        {name: 'kind', label: t('apps.kind'), type: 'select', options: [['custom', t('apps.custom')], ['isv', t('apps.isv')]]},
        {name: 'bot', label: t('apps.bot'), type: 'checkbox', value: true},
        {name: 'scopes', label: t('apps.scopes'), type: 'textarea', hint: t('apps.scopesHint')},
      ], act: async values => {
        const body = {...values, scopes: values.scopes && words(values.scopes)};
        const {data} = await run({id: 'app.create', method: 'POST', path: W(world, 'apps'), body});
        chosen.set(data.app_id);
        once(t('apps.made', {name: values.name}), [['APP_ID', data.app_id], ['APP_SECRET', data.app_secret]]);
        await ctx.reload();
      }});
    }

    /** @param {App} own */
    async function secret(own) {
      const done = await ctx.act({id: 'app.secret', method: 'POST', path: at(own, 'secret'), text: 'apps.secret', danger: t('apps.secretLost', {app: own.name})});
      if (done) once(t('apps.secret'), [['APP_SECRET', done.data.app_secret]]);
    }

    /** @param {App} own */
    const token = own => form({title: t('apps.token'), submit: t('apps.make'), fields: [{name: 'expires_in', label: t('apps.expires'), type: 'number', value: 7200, hint: t('apps.expiresHint')}],
      act: async body => {
        const {data} = await run({id: 'app.token', method: 'POST', path: at(own, 'tokens'), body});
        once(t('apps.token'), [['tenant_access_token', data.access_token]]);
      }});

    /** @param {App} own */
    const edit = own => form({title: t('apps.change'), submit: t('apps.save'), fields: [
      {name: 'status', label: t('apps.status'), type: 'select', value: own.status, options: [['enabled', t('apps.enabled')], ['disabled', t('apps.disabled')]]},
      {name: 'bot', label: t('apps.bot'), type: 'checkbox', value: own.bot},
      {name: 'external_sharing', label: t('apps.external'), type: 'checkbox', value: own.external_sharing},
      {name: 'visible_to', label: t('apps.visible'), value: (own.visible_to || []).join(' '), hint: t('apps.visibleHint')},
    ], act: async ({visible_to: seen, ...body}) => {
      await run(change(own, {...body, ...(seen ? {visible_to: words(seen)} : {visible_to_all: true})}, ''));
      await ctx.reload();
    }});

    /** @param {App} own */
    async function redirects(own) {
      const {redirect_uris: now} = await get(at(own, 'sign_in'));
      await form({title: t('apps.redirects'), submit: t('apps.save'), fields: [{name: 'redirect_uris', label: t('apps.redirects'), type: 'textarea', value: now.join('\n'), hint: t('apps.redirectsHint')}],
        act: values => run({id: 'app.sign_in.put', method: 'PUT', path: at(own, 'sign_in'), body: {redirect_uris: words(values.redirect_uris || '')}})});
    }

    /** @param {App} own */
    async function manifest(own) {
      try {
        /** @type {Ledger} */
        const found = (await run(ledgerOf(own))).data;
        const forms = /** @type {[string, any][]} */ ([['apps.import', {scopes: found.manifest.scopes}], ['apps.oneClick', found.manifest.one_click]]);
        open(t('apps.manifest'), [h('p', null, t(found.exact ? 'apps.exact' : 'apps.greedy')),
          forms.map(([key, value]) => [h('h3', null, t(key)), code(JSON.stringify(value, null, 2), t(key))]), h('h3', null, t('app.asCode')), asCode(ledgerOf(own))], {class: 'wide'});
      } catch (error) {
        problem.set(error);
      }
    }

    /** @param {boolean} has */
    function marked(has) {
      const own = app();
      const row = scopes.current();
      if (own && row && own.scopes.includes(row.scope) === has) ctx.act((has ? revoke : grant)(own, row.scope));
    }

    /** @param {(own: App) => any} act */
    const its = act => () => {
      const own = app();
      if (own) act(own);
    };
    const keys = [
      {key: 'n', text: 'apps.create', run: add}, {key: 'b', text: 'apps.toggle', run: its(own => ctx.act(bot(own)))}, {key: 'e', text: 'apps.change', run: its(edit)},
      {key: 't', text: 'apps.token', run: its(token)}, {key: 'u', text: 'apps.redirects', run: its(redirects)}, {key: 's', text: 'apps.secret', run: its(secret)},
      {key: '+', text: 'apps.grantMarked', run: () => marked(false)}, {key: '-', text: 'apps.revokeMarked', run: () => marked(true)}, {key: 'm', text: 'apps.manifest', run: its(manifest)},
    ];

    const list = new List({
      label: t('apps.title'), id: (/** @type {App} */ one) => one.app_id, rowHeight: 48, onMove: one => one && pick(one.app_id),
      columns: [
        {key: 'name', title: t('apps.app'), width: 'minmax(0, 1fr)', render: one => h('div', {class: 'lines'}, h('div', null, one.name), h('div', {class: 'mono small muted'}, one.app_id))},
        {key: 'state', title: t('apps.bot'), width: '76px', render: one => (one.status === 'enabled' ? chip(one.bot ? 'ok' : 'unused', t(one.bot ? 'apps.on' : 'apps.off')) : chip('failed', t('apps.disabled')))}],
    });
    /** @param {string} id */
    function pick(id) {
      chosen.set(id);
      ctx.put({sel: id});
    }
    const scopes = new List({
      label: t('apps.ledger'), id: (/** @type {Row} */ row) => `${row.identity} ${row.scope}`, rowHeight: 32,
      columns: [
        {key: 'scope', title: t('apps.scope'), width: 'minmax(0, 1.4fr)', render: row => mono(row.scope)},
        {key: 'identity', title: t('apps.identity'), width: '64px', from: 520, render: row => row.identity},
        {key: 'state', title: t('apps.state'), width: '92px', render: row => (row.state === 'unused' ? h('span', {class: 'muted'}, `○ ${t('apps.is.unused')}`) : chip(row.state, t(`apps.is.${row.state}`)))},
        {key: 'calls', title: t('apps.calls'), width: '56px', from: 400, class: 'num', render: row => (row.calls ? number(row.calls) : '')},
        {key: 'operations', title: t('apps.operations'), width: 'minmax(0, 1fr)', from: 700, render: row => mono(row.operations.join(' '))},
        {key: 'first', title: t('apps.first'), width: '64px', from: 600, render: row => row.first_log_id && h('a', {href: `#/w/${world}/traffic?sel=${row.first_log_id}`}, t('apps.show'))},
        {key: 'act', title: t('apps.act'), width: '88px', render: row => act(row)},
      ],
    });
    /** @param {Row} row */
    function act(row) {
      const own = app();
      if (!own) return null;
      const has = own.scopes.includes(row.scope);
      return button(t(has ? 'apps.revoke' : 'apps.grant'), () => ctx.act((has ? revoke : grant)(own, row.scope)), {kind: 'quiet', label: t(has ? 'apps.revokeOne' : 'apps.grantOne', {scope: row.scope})});
    }

    const top = h('section', {class: 'panel'});
    const counts = h('div', {class: 'bar'});
    const none = h('div');
    const codes = h('div');
    effect(() => {
      list.setRows(ctx.apps.get());
      list.select(app()?.app_id || null);
    });
    effect(() => {
      const own = app();
      if (!own) return replace(top, empty(t('apps.none'), button(t('apps.create'), add, {key: 'n', kind: 'primary'}))) && undefined;
      replace(top, h('div', {class: 'bar'}, h('h2', {class: 'grow'}, own.name), chip(own.status === 'enabled' ? 'enabled' : 'failed', t(`apps.${own.status}`)), chip(own.bot ? 'ok' : 'unused', t(own.bot ? 'apps.hasBot' : 'apps.noBot'))),
        facts([[t('apps.id'), mono(own.app_id)], [t('apps.kind'), t(`apps.${own.kind}`)], [t('apps.scopes'), number(own.scopes.length)], [t('apps.visible'), own.visible_to ? own.visible_to.join(', ') || t('apps.noUser') : t('apps.everybody')]]),
        h('div', {class: 'bar'}, button(t(own.bot ? 'apps.botOff' : 'apps.botOn'), () => ctx.act(bot(own)), {key: 'b'}), button(t('apps.change'), () => edit(own), {key: 'e'}), button(t('apps.token'), () => token(own), {key: 't'}),
          button(t('apps.redirects'), () => redirects(own), {key: 'u'}), button(t('apps.secret'), () => secret(own), {key: 's'})));
    });
    effect(() => {
      const [own, found, error, wanted] = [app(), ledger.get(), problem.get(), state.get()];
      replace(none, error && failure(error));
      if (!own || !found) return;
      /** @param {string} one */
      const of = one => found.scopes.filter(row => one === 'all' || row.state === one);
      const called = found.scopes.some(row => row.calls);
      replace(counts, select(t('apps.filter'), ['all', ...ORDER].map(one => /** @type {[string, string]} */ ([one, `${t(`apps.is.${one}`)} (${number(of(one).length)})`])), wanted, state.set),
        h('span', {class: 'grow muted'}, called && plural('apps.minimal', Object.values(found.minimal).flat().length)), button(t('apps.manifest'), () => manifest(own), {key: 'm'}));
      if (!called && !error) replace(none, empty(t('apps.empty'), button(t('apps.toTraffic'), () => ctx.go('traffic'))));
      scopes.node.style.setProperty('height', `${Math.min(24, 2 + of(wanted).length * 2)}rem`);
      scopes.setRows(of(wanted).sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state) || b.calls - a.calls || a.scope.localeCompare(b.scope)));
      const row = found.scopes.find(one => one.state === 'missing');
      replace(codes, panel(t('app.asCode'), asCode([...(row && !own.scopes.includes(row.scope) ? [grant(own, row.scope)] : []), bot(own), ledgerOf(own)])));
    });
    effect(() => {
      app();
      ctx.changed.get();
      load();
    });
    // Calls change the ledger: it is read again, not more often than once a second.
    const stop = gathered(['traffic', '*'], () => void load(), AGAIN_MS);

    return {
      node: h('div', {class: 'columns'}, h('section', {class: 'master', 'aria-label': t('apps.title')}, h('div', {class: 'bar'}, button(t('apps.create'), add, {key: 'n', kind: 'primary'})), list.node),
        h('div', {class: 'body'}, top, panel(t('apps.ledger'), counts, none, scopes.node), codes)),
      dispose() {
        stop();
        list.dispose();
        scopes.dispose();
      },
      keys: [...scopes.bindings(), ...keys],
      actions: () => keys,
    };
  },
};
