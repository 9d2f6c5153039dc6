// Worlds and time: their clocks, snapshots, settings and seeds.
import {W, get, run} from '../lib/api.js';
import {asCode} from '../lib/ascode.js';
import {form, open} from '../lib/dialog.js';
import {h, replace} from '../lib/dom.js';
import {number, t} from '../lib/i18n.js';
import {json} from '../lib/json.js';
import {List} from '../lib/list.js';
import {effect, signal} from '../lib/store.js';
import {ago, bytes, clock, moment, offset, span} from '../lib/time.js';
import {button, chip, code, empty, facts, failure, panel, select, tabs} from '../lib/ui.js';

/** @typedef {import('../lib/api.js').Action} Action */
/** @typedef {import('../app.js').World} World */
/** @typedef {{name: string, note?: string, created_at_ms: number, world_now_ms: number, rows: number, bytes: number}} Snapshot */

const STEPS = [15, 300, 7200, 86_400, 604_800];
const EXAMPLE = `larkspur: 1
world: {name: release bot}
apps:
  demo: {name: Demo, bot: true, scopes: [im:chat, im:message]}
users:
  ada: {name: Ada Larkin}
  ben: {name: Ben Sparrow}
chats:
  ops: {name: Ops room, owner: ada, members: [ben, demo]}
`;
/** The settings of a world, by what they hold; others are left as they are. */
const FIELDS = /** @type {[string, 'checkbox' | 'number' | 'text' | 'select' | 'json', [string, string][]?][]} */ ([
  ['rate_limits', 'text'], ['rate_limit_status', 'number'], ['permissions', 'select', [['', ''], ['enforce', ''], ['soft', ''], ['off', '']]], ['brand', 'select', [['', ''], ['feishu', ''], ['lark', '']]],
  ['public_groups', 'checkbox'], ['restricted_mode', 'checkbox'], ['hide_member_count', 'checkbox'], ['old_announcements', 'checkbox'],
  ['forbidden_words', 'json'], ['storage_bytes', 'number'], ['edit_ms', 'number'], ['recall_seconds', 'number'], ['message_edit_seconds', 'number'], ['monthly_calls', 'number'], ['daily_batch_messages', 'number'], ['behaviours', 'json'], ['traffic', 'json'],
]);

export default {
  id: 'worlds',
  key: 'w',
  title: 'worlds.title',

  /** @param {import('../app.js').Context} ctx */
  mount(ctx) {
    const world = ctx.world.peek();
    const snapshots = signal(/** @type {{snapshots: Snapshot[], error?: any}} */ ({snapshots: []}));
    const about = signal(/** @type {any} */ (null));
    const settings = signal(/** @type {any} */ (null));
    let seed = EXAMPLE;

    const here = () => ctx.worlds.get().find(one => one.tenant_key === world);
    const name = () => here()?.name || world;
    /** @param {import('../lib/api.js').ActionId} id @param {string} method @param {string[]} at @param {any} body @param {string} text @param {Partial<Action>} [more] @returns {Action} */
    const its = (id, method, at, body, text, more) => ({id, method, path: W(world, ...at), body, text, ...more});
    /** @param {any} body @param {string} text @param {Record<string, any>} [values] @param {string} [cli] */
    const clocked = (body, text, values, cli) => its('world.clock', 'PUT', ['clock'], body, text, {values, cli});
    /** @param {number} seconds */
    const advance = seconds => clocked({advance_seconds: seconds}, 'worlds.advance', {span: span(seconds * 1000)});
    /** @param {string} snapshot */
    const restore = snapshot => its('world.snapshots.restore', 'POST', ['snapshots', snapshot, 'restore'], {clock: 'snapshot'}, 'worlds.restoreOne', {values: {name: snapshot}, danger: t('worlds.restoreLost', {world: name(), name: snapshot}), cli: `larkspur world restore ${snapshot} --tenant ${world}`});
    const reset = () => its('world.reset', 'POST', ['reset'], {to: 'start'}, 'worlds.reset', {danger: t('worlds.resetLost', {world: name()}), cli: `larkspur world reset --tenant ${world}`});
    /** @param {string} snapshot */
    const drop = snapshot => its('world.snapshots.delete', 'DELETE', ['snapshots', snapshot], undefined, 'worlds.dropOne', {values: {name: snapshot}, danger: t('worlds.dropLost', {name: snapshot})});
    const remove = () => its('world.delete', 'DELETE', [], undefined, 'worlds.delete', {danger: t('worlds.deleteLost', {world: name()})});

    async function load() {
      if (!world || world === 'none') return;
      get(W(world), {rows: 1}).then(about.set, () => about.set(null));
      snapshots.set(await get(W(world, 'snapshots')).catch(error => ({snapshots: [], error})));
      settings.set(await get(W(world, 'settings')).catch(error => ({error})));
    }

    /** @param {string} key */
    const go = key => ctx.go(`#/w/${key}/worlds`);

    const add = () => form({title: t('worlds.new'), submit: t('apps.make'), fields: [
      {name: 'name', label: t('apps.name'), required: true},
      {name: 'template', label: t('worlds.template'), type: 'select', options: [['demo', t('worlds.demo')], ['empty', t('worlds.empty')]]},
    ], act: async body => {
      const {data} = await run({id: 'world.create', method: 'POST', path: '/larkspur/v1/worlds', body});
      await ctx.reload();
      if (data.app_secret) open(t('apps.made', {name: body.name}), [h('p', null, t('apps.once')), code(`BASE_URL=${location.origin}\nAPP_ID=${data.app_id}\nAPP_SECRET=${data.app_secret}`, 'env')], {onClose: () => go(data.tenant_key)});
      else go(data.tenant_key);
    }});

    const clone = () => form({title: t('worlds.clone'), submit: t('apps.make'), fields: [{name: 'name', label: t('apps.name'), required: true, value: t('worlds.copyOf', {world: name()})},
      {name: 'snapshot', label: t('worlds.from'), type: 'select', options: [['', t('worlds.now')], ...snapshots.peek().snapshots.map(one => /** @type {[string, string]} */ ([one.name, one.name]))]}],
    act: async ({name: called, snapshot}) => {
      const {data} = await run({id: 'world.create', method: 'POST', path: '/larkspur/v1/worlds', body: {name: called, from: {world, ...(snapshot ? {snapshot} : {})}}});
      await ctx.reload();
      go(data.tenant_key);
    }});

    const save = () => form({title: t('worlds.snapshot'), submit: t('worlds.take'), fields: [{name: 'name', label: t('apps.name'), required: true, value: `at-${clock(ctx.now(), true).replace(/[:.]/g, '')}`}, {name: 'note', label: t('worlds.note')}],
      act: async body => {
        await run(its('world.snapshots.create', 'POST', ['snapshots'], body, ''));
        await load();
      }});

    const setClock = () => form({title: t('worlds.clock'), submit: t('apps.save'), fields: [
      {name: 'advance', label: t('worlds.advanceBy'), value: '2h', hint: t('worlds.advanceHint'), check: value => (seconds(value) === null ? t('worlds.notSpan') : null)},
      {name: 'at', label: t('worlds.orAt'), placeholder: '2026-03-01T09:00:00+08:00', check: value => (Number.isNaN(Date.parse(value)) ? t('worlds.notTime') : null)},
    ], act: async ({advance: by, at}) => {
      await run(clocked(at ? {now_ms: Date.parse(at)} : {advance_seconds: seconds(by || '0') || 0}, ''));
      await ctx.reload();
    }});

    /** Asks which snapshot; acts on the only one at once. @param {(name: string) => any} act @param {string} title */
    function choose(act, title) {
      const all = snapshots.peek().snapshots.toReversed();
      if (!all.length) return ctx.toast(t('worlds.noSnapshot'), 'failed');
      if (all.length === 1) return act(all[0].name);
      return form({title, submit: t('worlds.choose'), fields: [{name: 'name', label: t('apps.name'), type: 'select', options: all.map(one => [one.name, one.name])}], act: values => void setTimeout(() => act(values.name))});
    }

    const compare = () => {
      const names = ['now', ...snapshots.peek().snapshots.map(one => one.name)].map(one => /** @type {[string, string]} */ ([one, one === 'now' ? t('worlds.now') : one]));
      return form({title: t('worlds.compare'), submit: t('worlds.compare'), fields: [{name: 'a', label: t('worlds.before'), type: 'select', options: names, value: names.at(-1)?.[0]}, {name: 'b', label: t('worlds.after'), type: 'select', options: names, value: 'now'}],
        act: async query => {
          const action = {...its('world.snapshots.diff', 'GET', ['snapshots', 'diff'], undefined, 'worlds.compare'), query};
          const {data} = await run(action);
          setTimeout(() => open(`${query.a} → ${query.b}`, [differences(data), h('h3', null, t('app.asCode')), asCode(action)], {class: 'wide'}));
        }});
    };

    // The worlds are read again after these; who is still in a deleted one gets to the first.
    /** @param {Action} action */
    const act = action => ctx.act(action);
    const erase = () => act(remove());
    const keys = [
      {key: 'n', text: 'worlds.new', run: add}, {key: 'c', text: 'worlds.clock', run: setClock}, {key: 's', text: 'worlds.snapshot', run: save},
      {key: 'o', text: 'worlds.restore', run: () => choose(one => act(restore(one)), t('worlds.restore'))}, {key: 'Shift+R', text: 'worlds.reset', run: () => act(reset())},
      {key: 'd', text: 'worlds.compare', run: compare}, {key: 'Shift+D', text: 'worlds.delete', run: erase},
    ];

    const list = new List({
      label: t('worlds.title'), id: (/** @type {World} */ one) => one.tenant_key, rowHeight: 48, onOpen: one => one.tenant_key !== world && go(one.tenant_key),
      columns: [
        {key: 'name', title: t('worlds.world'), width: 'minmax(0, 1fr)', render: one => h('div', {class: 'lines'}, h('div', null, one.name), h('div', {class: 'mono small muted'}, one.tenant_key))},
        {key: 'clock', title: t('worlds.time'), width: '84px', render: one => h('div', {class: 'lines'}, h('div', {class: 'mono small'}, clock(one.now_ms, false)), h('div', {class: 'small muted'}, Math.abs(one.clock_offset_ms) < 1000 ? t('worlds.real') : offset(one.clock_offset_ms)))},
      ],
    });
    effect(() => {
      list.setRows(ctx.worlds.get());
      list.select(world);
    });

    const head = h('section', {class: 'panel'});
    effect(() => {
      const one = here();
      const more = about.get();
      if (!one) return void replace(head, empty(t('worlds.noWorld'), button(t('worlds.new'), add, {key: 'n', kind: 'primary'})));
      const rows = more?.rows ? Object.entries(more.rows).filter(([, n]) => n).map(([table, n]) => `${table} ${number(/** @type {number} */ (n))}`).join(' · ') : '';
      return void replace(head, h('div', {class: 'bar-plain row'}, h('h2', {class: 'grow'}, one.name), one.frozen ? chip('waiting', t('app.frozen')) : null),
        facts([[t('worlds.time'), `${moment(ctx.now())} +08:00 (${Math.abs(one.clock_offset_ms) < 1000 ? t('worlds.real') : offset(one.clock_offset_ms)})`], [t('worlds.key'), h('span', {class: 'mono'}, one.tenant_key)],
          [t('worlds.age'), one.created_at_ms && ago(one.created_at_ms, Date.now())], [t('apps.calls'), one.calls !== undefined && number(one.calls)], [t('worlds.rows'), more?.rows_total !== undefined && `${number(more.rows_total)}${more.rows_cut ? '+' : ''}`], [' ', rows && h('span', {class: 'small muted'}, rows)]]),
        h('div', {class: 'row'}, STEPS.map(step => button(`+${span(step * 1000)}`, () => act(advance(step)), {label: t('worlds.advance', {span: span(step * 1000)})})), button(t('worlds.clock'), setClock, {key: 'c'}),
          button(t('worlds.toReal'), () => act(clocked({offset_ms: 0}, 'worlds.toReal')), {disabled: Math.abs(one.clock_offset_ms) < 1000})),
        h('div', {class: 'row'}, button(t('worlds.reset'), () => act(reset()), {key: 'Shift+R', kind: 'danger'}), button(t('worlds.clone'), clone), h('span', {class: 'grow'}), button(t('worlds.delete'), erase, {key: 'Shift+D', kind: 'danger'})));
    });

    const saved = h('div', {class: 'stack'});
    effect(() => {
      const {snapshots: all, error} = snapshots.get();
      replace(saved, h('div', {class: 'row'}, button(t('worlds.snapshot'), save, {key: 's', kind: 'primary'}), button(t('worlds.compare'), compare, {key: 'd', disabled: !all.length}), h('span', {class: 'grow'}),
        h('input', {type: 'file', class: 'away', id: 'snapshot-file', accept: '.ndjson', tabIndex: -1, 'aria-label': t('worlds.load'), on: {change: upload}}), button(t('worlds.load'), () => document.getElementById('snapshot-file')?.click())),
      error ? failure(error) : null,
      !all.length && !error ? empty(t('worlds.oneNone')) : null,
      all.length ? h('div', {class: 'scroll', tabIndex: 0, role: 'region', 'aria-label': t('worlds.snapshots')}, h('table', {class: 'table'}, h('thead', null, h('tr', null, ['snapshot', 'time', 'rows', 'size', 'act'].map(key => h('th', {scope: 'col', class: key === 'rows' || key === 'size' ? 'num' : null}, t(`worlds.${key}`))))),
        h('tbody', null, all.map(one => h('tr', null, h('th', {scope: 'row'}, one.name, one.note ? h('div', {class: 'small muted'}, one.note) : null), h('td', null, moment(one.world_now_ms)), h('td', {class: 'num'}, number(one.rows)), h('td', {class: 'num'}, bytes(one.bytes)),
          h('td', null, h('div', {class: 'row'}, button(t('worlds.restore'), () => act(restore(one.name)), {label: t('worlds.restoreOne', {name: one.name})}), h('a', {class: 'button', href: W(world, 'snapshots', one.name, 'file'), download: `${one.name}.ndjson`}, t('worlds.file')),
            one.name.startsWith('@') ? null : button(t('worlds.drop'), () => act(drop(one.name)), {kind: 'quiet', label: t('worlds.dropOne', {name: one.name})}))))) ))) : null);
    });

    /** @param {Event} event */
    async function upload(event) {
      const field = /** @type {HTMLInputElement} */ (event.target);
      const file = field.files?.[0];
      if (!file) return;
      const body = new FormData();
      body.append('file', file);
      await act(its('world.snapshots.upload', 'PUT', ['snapshots', file.name.replace(/\.ndjson$/, ''), 'file'], body, 'worlds.load'));
      field.value = '';
    }

    function settingsView() {
      const node = h('div', {class: 'stack'});
      const now = settings.get();
      if (!now) return node;
      if (now.error) return replace(node, failure(now.error));
      const edit = () => form({title: t('worlds.settings'), submit: t('apps.save'), fields: FIELDS.map(([key, type, options]) => ({name: key, type, rows: 3, label: key, hint: t(`worlds.about.${key}`), value: now[key] ?? undefined, options: options?.map(([value]) => /** @type {[string, string]} */ ([value, value || t('faults.server')]))})),
        act: async values => {
          const kept = Object.fromEntries(Object.entries(now).filter(([key]) => !FIELDS.some(([known]) => known === key)));
          const body = Object.fromEntries(Object.entries({...kept, ...values}).filter(([, value]) => value !== ''));
          if (Number(body.rate_limits)) body.rate_limits = Number(body.rate_limits);
          settings.set((await run(its('world.settings.put', 'PUT', ['settings'], body, ''))).data);
          replace(node, settingsView());
        }});
      return replace(node, h('div', {class: 'row'}, button(t('apps.change'), edit)), facts(FIELDS.filter(([key]) => now[key] !== undefined).map(([key]) => [key, typeof now[key] === 'object' ? JSON.stringify(now[key]) : String(now[key])])),
        h('h3', null, t('app.asCode')), asCode(its('world.settings.put', 'PUT', ['settings'], now, 'worlds.settings')));
    }

    function seedView() {
      const text = h('textarea', {class: 'mono', rows: 14, value: seed, spellcheck: false, 'aria-label': t('worlds.seed'), 'aria-describedby': 'seed-result', on: {input: () => {
        seed = text.value;
      }}});
      const mode = select(t('worlds.mode'), [['merge', t('worlds.merge')], ['replace', t('worlds.replace')]], 'merge', () => {});
      const result = h('div', {id: 'seed-result', role: 'status', class: 'stack'});
      /** @param {boolean} dry_run @returns {Action} */
      const action = dry_run => its('world.seed', 'POST', ['seed'], {seed: text.value, mode: mode.value, ...(dry_run ? {dry_run} : {})}, dry_run ? 'worlds.check' : 'worlds.apply', {cli: `larkspur world apply seed.yaml --tenant ${world}${mode.value === 'replace' ? ' --replace' : ''}${dry_run ? ' --dry-run' : ''}`});
      /** @param {boolean} dry */
      const send = async dry => {
        if (!dry && mode.value === 'replace' && !(await ctx.dialog.confirm({title: t('worlds.apply'), text: t('worlds.replaceLost', {world: name()}), act: t('worlds.apply')}))) return;
        try {
          const {data} = await run(action(dry));
          replace(result, h('p', {class: 'note ok'}, t(dry ? 'worlds.seedGood' : 'worlds.seedDone')), json(data, {open: 2}));
          text.removeAttribute('aria-invalid');
          if (!dry) await ctx.reload();
        } catch (error) {
          const refused = /** @type {any} */ (error);
          text.setAttribute('aria-invalid', 'true');
          replace(result, refused.fields?.length ? h('ul', {class: 'error'}, refused.fields.map((/** @type {any} */ one) => h('li', null, mistake(text, one)))) : failure(refused));
        }
      };
      return [h('p', {class: 'muted'}, t('worlds.seedAbout')), text, h('div', {class: 'row'}, mode, button(t('worlds.check'), () => send(true)), button(t('worlds.apply'), () => send(false), {kind: 'primary'})), result, h('h3', null, t('app.asCode')), asCode(action(false))];
    }

    effect(() => {
      ctx.changed.get();
      load();
    });
    const views = h('section', {class: 'panel'});
    let shown = 'snapshots';
    effect(() => {
      settings.get();
      replace(views, tabs(t('worlds.parts'), [
        {id: 'snapshots', title: t('worlds.snapshots'), make: () => saved}, {id: 'seed', title: t('worlds.seed'), make: seedView}, {id: 'settings', title: t('worlds.settings'), make: settingsView},
        {id: 'code', title: t('app.asCode'), make: () => asCode([advance(7200), its('world.snapshots.create', 'POST', ['snapshots'], {name: 'before'}, 'worlds.snapshot', {cli: `larkspur world snapshot before --tenant ${world}`}), restore('before'), reset()])},
      ], {selected: shown, onSelect: id => {
        shown = id;
      }}));
    });

    return {
      node: h('div', {class: 'columns'}, h('section', {class: 'master', 'aria-label': t('worlds.title')}, h('div', {class: 'bar'}, button(t('worlds.new'), add, {key: 'n', kind: 'primary'})), list.node), h('div', {class: 'body'}, head, here() ? views : null)),
      dispose: () => list.dispose(),
      keys: [...list.bindings(), ...keys],
      actions: () => [...keys, ...STEPS.map(advance), {text: 'worlds.clone', run: clone}],
    };
  },
};

/**
 * Seconds of `90`, `+2h`, `-15 min`; null if it is none.
 * @param {string} text
 */
function seconds(text) {
  const match = /^\s*([+-]?)\s*(\d+(?:\.\d+)?)\s*(s|m|min|h|d|)\s*$/i.exec(text);
  if (!match) return null;
  return Math.round((match[1] === '-' ? -1 : 1) * Number(match[2]) * ({s: 1, m: 60, min: 60, h: 3600, d: 86_400}[match[3].toLowerCase()] || 1));
}

/**
 * A mistake in a seed: its line is a button that goes there.
 * @param {HTMLTextAreaElement} text
 * @param {{field: string, description: string}} one
 */
function mistake(text, one) {
  const at = /^(\d+):(\d+)/.exec(one.description);
  const words = one.field === 'seed' ? one.description : `${one.field}: ${one.description}`;
  if (!at) return words;
  return button(words, () => {
    const lines = text.value.split('\n');
    const start = lines.slice(0, Number(at[1]) - 1).reduce((sum, line) => sum + line.length + 1, 0);
    text.focus();
    text.setSelectionRange(start, start + (lines[Number(at[1]) - 1] || '').length);
  }, {kind: 'link'});
}

/** @typedef {{table: string, change: string, key: Record<string, string>, columns?: {name: string, a: string, b: string}[]}} Change */

/**
 * How two states of a world differ.
 * @param {{tables: {table: string, added: number, gone: number, changed: number}[], rows: Change[], more: number}} found
 */
function differences(found) {
  if (!found.tables.length) return h('p', {class: 'note ok'}, t('app.same'));
  const kinds = /** @type {('added' | 'changed' | 'gone')[]} */ (['added', 'changed', 'gone']);
  const tables = found.tables.map(one => h('li', null, h('span', {class: 'mono'}, one.table), kinds.filter(kind => one[kind]).map(kind => ` · ${t(`worlds.${kind}`, {n: number(one[kind])})}`)));
  return h('div', {class: 'stack'}, h('ul', {class: 'plain'}, tables),
    h('div', {class: 'scroll', tabIndex: 0, role: 'region', 'aria-label': t('app.diff')}, h('table', {class: 'table diff'}, h('tbody', null, found.rows.map(changeRow)))),
    found.more ? h('p', {class: 'muted'}, t('worlds.more', {n: number(found.more)})) : null);
}

/** @param {Change} row */
function changeRow(row) {
  const kind = {gone: 'gone', added: 'new'}[row.change];
  const columns = (row.columns || []).map(one => h('div', null, `${one.name}: `, h('del', null, one.a), ' → ', h('ins', null, one.b)));
  return h('tr', null, h('th', {scope: 'row', class: 'mono'}, row.table), h('td', {class: kind || null}, t(`worlds.is.${row.change}`)), h('td', {class: 'mono'}, Object.values(row.key).join(' ')), h('td', {class: 'mono'}, columns));
}
