// Faults and limits: rules that change answers, in their order, ready-made ones, and how near the calls come to the rate limits.
import {W, get, run} from '../lib/api.js';
import {asCode} from '../lib/ascode.js';
import {form, open} from '../lib/dialog.js';
import {h, replace} from '../lib/dom.js';
import {number, t} from '../lib/i18n.js';
import {json} from '../lib/json.js';
import {List} from '../lib/list.js';
import {effect, signal} from '../lib/store.js';
import {gathered} from '../lib/stream.js';
import {span} from '../lib/time.js';
import {button, chip, empty, facts, failure, panel, select} from '../lib/ui.js';

/** @typedef {import('../lib/api.js').Action} Action */
/** @typedef {import('../lib/dialog.js').Field} Field */
/** @typedef {{id: string, name?: string, match: Record<string, any>, effect: Record<string, any>, probability: number, seed: number, skip: number, times?: number, for_s?: number, enabled: boolean, hits: number, seen: number, next?: boolean}} Rule */

const PRESETS = ['token-dropped', 'token-stale-retry', 'rate-limited', 'quota-spent', 'answer-lost', 'scope-gone', 'edge-502', 'slow-3s', 'ws-busy',
  'rate-limited-old', 'hook-limited', 'delivered-twice', 'card-late', 'ws-flap', 'sign-in-denied', 'sign-in-wrong-state'];
const AGAIN_MS = 1000;
const CODES = ['99991663', '99991668', '99991672', '99991679', '99991400', '99991403', '99992402', '232011', '230018'];

/** The fields of each effect; an effect without fields is `{}`. */
const EFFECTS = /** @type {Record<string, Partial<Field>[]>} */ ({
  refuse: [{name: 'code', type: 'number', required: true, suggest: CODES}, {name: 'text'}, {name: 'status', type: 'number'}, {name: 'reset_s', type: 'number'}],
  answer: [{name: 'status', type: 'number', required: true, value: 502}, {name: 'media', value: 'text/html'}, {name: 'body', type: 'textarea'}],
  delay: [{name: 'ms', type: 'number', required: true, value: 3000}, {name: 'jitter_ms', type: 'number'}],
  cut: [{name: 'when', type: 'select', options: [['after', ''], ['before', ''], ['body', '']]}, {name: 'how', type: 'select', options: [['close', ''], ['reset', '']]}],
  slow: [{name: 'bytes_per_s', type: 'number', required: true, value: 200}],
  sign_in: [{name: 'result', type: 'select', options: [['denied', ''], ['wrong_state', '']]}],
  drop: [], hold: [],
  repeat: [{name: 'fresh_id', type: 'checkbox'}],
  corrupt: [{name: 'what', type: 'select', options: [['signature', ''], ['json', '']]}],
  disconnect: [{name: 'after_ms', type: 'number', required: true, value: 5000}, {name: 'how', type: 'select', options: [['1000', ''], ['abrupt', '']]}],
});
/** What a rule is told by first: an operation, unless it is for events or connections. */
const HEADS = /** @type {Record<string, string>} */ ({drop: 'event_type', hold: 'event_type', repeat: 'event_type', corrupt: 'event_type', disconnect: 'app_id'});
const EXAMPLES = /** @type {Record<string, string>} */ ({operation: 'im.v1.message.create', event_type: 'im.message.receive_v1', app_id: 'cli_…'});

/** @param {any} value */
const plain = value => (value !== null && typeof value === 'object' ? JSON.stringify(value) : String(value));
/** @param {Record<string, any>} all */
const pairs = all => Object.entries(all || {}).map(([name, value]) => `${name}:${plain(value)}`).join(' ');
/** @param {Rule} rule */
const kindOf = rule => Object.keys(rule.effect)[0] || 'refuse';
/** @param {Rule} rule */
const left = rule => (rule.times === undefined ? number(rule.hits) : `${number(rule.hits)}/${number(rule.times)}`);

/** Whether a rule changes the next call that it matches. @param {Rule} rule */
const nextWord = rule => (rule.next === undefined ? '' : t(rule.next ? 'faults.nextHit' : 'faults.nextPass'));

/** What a rule does, in words: `Refuse 99991400 · Reset after (s) 7`. @param {Rule} rule */
function effectWords(rule) {
  const kind = kindOf(rule);
  const fields = EFFECTS[kind] || [];
  const all = Object.entries(rule.effect[kind] || {});
  const words = all.filter(([name]) => name !== 'body').map(([name, value], i) => {
    const field = fields.find(one => one.name === name);
    if (field?.options) return t(`faults.${name}.${value}`);
    return i ? `${t(`faults.${name}`)} ${plain(value)}` : plain(value);
  });
  return `${t(`faults.effect.${kind}`)} ${words.join(' · ')}`;
}

export default {
  id: 'faults',
  key: 'f',
  title: 'faults.title',

  /** @param {import('../app.js').Context} ctx */
  mount(ctx) {
    const world = ctx.world.peek();
    const path = W(world, 'faults');
    const rules = signal(/** @type {Rule[]} */ ([]));
    const chosen = signal(ctx.params.get('sel') || '');
    const summary = signal(/** @type {any} */ (null));
    const settings = signal(/** @type {any} */ (null));
    const problem = signal(/** @type {any} */ (null));

    const rule = () => rules.get().find(one => one.id === chosen.get()) || rules.get()[0];
    /** @param {string} name @returns {Action} */
    const preset = name => ({id: 'fault.add', method: 'POST', path, body: {preset: name}, text: 'faults.addPreset', values: {preset: name}, cli: `larkspur fault preset ${name} --tenant ${world}`});
    /** @returns {Action} */
    const clear = () => ({id: 'fault.clear', method: 'DELETE', path, text: 'faults.clear', danger: t('faults.clearLost', {n: rules.peek().length}), cli: `larkspur fault clear --tenant ${world}`});
    /** @param {Rule} one @param {any} body @param {string} text @returns {Action} */
    const change = (one, body, text) => ({id: 'fault.update', method: 'PATCH', path: W(world, 'faults', one.id), body, text, values: {rule: one.name || one.id}});
    /** @param {Rule} one */
    const toggle = one => change(one, {enabled: !one.enabled}, one.enabled ? 'faults.switchOff' : 'faults.switchOn');
    /** @param {Rule} one @returns {Action} */
    const remove = one => ({...change(one, undefined, 'faults.remove'), id: 'fault.delete', method: 'DELETE', cli: `larkspur fault clear ${one.id} --tenant ${world}`});
    /** @param {Rule} one @param {number} by @returns {Action | null} */
    function move(one, by) {
      const ids = rules.peek().map(each => each.id);
      const from = ids.indexOf(one.id);
      if (from + by < 0 || from + by >= ids.length) return null;
      ids.splice(from + by, 0, ...ids.splice(from, 1));
      return {id: 'fault.order', method: 'POST', path: W(world, 'faults', 'order'), body: {ids}, text: by < 0 ? 'faults.up' : 'faults.down', values: {rule: one.name || one.id}};
    }
    /** @param {any} rate_limits @returns {Action} */
    const rates = rate_limits => ({id: 'world.settings.put', method: 'PUT', path: W(world, 'settings'), body: {...settings.peek(), rate_limits}, text: 'faults.rates'});

    async function load() {
      try {
        rules.set((await get(path)).faults);
        problem.set(null);
      } catch (error) {
        problem.set(error);
      }
      summary.set(await get(W(world, 'traffic', 'summary')).catch(error => ({error})));
    }

    /** @param {string} name @param {string[]} [options] */
    const words = (name, options) => options?.map(value => /** @type {[string, string]} */ ([value, t(`faults.${name}.${value}`)]));

    /** A form for a rule with a kind of effect; `old` is the rule to change. @param {string} kind @param {Rule} [old] */
    async function edit(kind, old) {
      const match = {...old?.match};
      const head = HEADS[kind] || 'operation';
      const given = old?.effect[kind] || {};
      const {[head]: first, ...others} = match;
      await form({
        title: t(old ? 'faults.edit' : 'faults.new'), submit: t(old ? 'apps.save' : 'faults.add'), text: h('p', null, h('strong', null, t(`faults.effect.${kind}`)), ` · ${t(`faults.about.${kind}`)}`),
        fields: [
          {name: 'name', label: t('apps.name'), value: old?.name},
          ...EFFECTS[kind].map(one => /** @type {Field} */ ({...one, label: t(`faults.${one.name}`), value: given[/** @type {string} */ (one.name)] ?? (old ? undefined : one.value), options: words(/** @type {string} */ (one.name), one.options?.map(([value]) => value))})),
          {name: head, label: t(`faults.${head}`), value: first && plain(first), placeholder: EXAMPLES[head], hint: t('faults.globHint')},
          {name: 'match', label: t('faults.match'), type: 'json', rows: 2, value: Object.keys(others).length ? others : undefined, hint: t('faults.matchHint')},
          {name: 'probability', label: t('faults.probability'), type: 'number', value: old?.probability ?? 1, hint: t('faults.probabilityHint')},
          {name: 'seed', label: t('faults.seed'), type: 'number', value: old?.seed ?? 0, hint: t('faults.seedHint')},
          {name: 'skip', label: t('faults.skip'), type: 'number', value: old?.skip || undefined}, {name: 'times', label: t('faults.times'), type: 'number', value: old?.times},
          {name: 'for_s', label: t('faults.for_s'), type: 'number', value: old?.for_s},
        ],
        act: async values => {
          const known = new Set(EFFECTS[kind].map(one => one.name));
          const effect = Object.fromEntries(Object.entries(values).filter(([name]) => known.has(name)));
          const {name, probability, seed, skip, times, for_s} = values;
          const body = {name, probability, seed, skip, times, for_s, match: {...values.match, ...(values[head] ? {[head]: values[head]} : {})}, effect: {[kind]: effect}};
          const {data} = await run(old ? change(old, body, '') : {id: 'fault.add', method: 'POST', path, body});
          chosen.set(data.id);
          await load();
        },
      });
    }

    /** Asks what a new rule does. */
    function add() {
      const dialog = open(t('faults.new'), [h('p', null, t('faults.which')), h('div', {class: 'choices'}, Object.keys(EFFECTS).map(kind => h('button', {type: 'button', on: {click: () => {
        dialog.close();
        edit(kind);
      }}}, h('strong', null, t(`faults.effect.${kind}`)), h('span', {class: 'muted small'}, t(`faults.about.${kind}`)))))], {class: 'wide'});
      /** @type {HTMLElement | null} */ (dialog.querySelector('.choices button'))?.focus();
    }

    /** @param {(one: Rule) => any} act */
    const its = act => () => {
      const one = rule();
      if (one) return act(one);
    };
    /** @param {Action | null} action */
    const act = action => action && ctx.act(action);
    const keys = [
      {key: 'n', text: 'faults.new', run: add}, {key: 'e', text: 'faults.edit', run: its(one => edit(kindOf(one), one))}, {key: 't', text: 'faults.toggle', run: its(one => act(toggle(one)))},
      {key: 'Alt+ArrowUp', text: 'faults.moveUp', run: its(one => act(move(one, -1)))}, {key: 'Alt+ArrowDown', text: 'faults.moveDown', run: its(one => act(move(one, 1)))},
      {key: 'Delete', text: 'faults.delete', run: its(one => act(remove(one)))}, {key: 'Shift+X', text: 'faults.clear', run: () => act(clear())},
      ...PRESETS.slice(0, 9).map((name, i) => ({key: String(i + 1), text: 'faults.addPreset', values: {preset: name}, run: () => act(preset(name))})),
    ];

    const list = new List({
      label: t('faults.rules'), id: (/** @type {Rule} */ one) => one.id, onMove: one => one && chosen.set(one.id), onOpen: one => edit(kindOf(one), one),
      columns: [
        {key: 'place', title: '#', width: '20px', render: one => rules.peek().indexOf(one) + 1},
        {key: 'on', title: t('apps.state'), width: '68px', render: one => (one.enabled ? chip('injected', t('apps.on')) : h('span', {class: 'muted'}, `○ ${t('apps.off')}`))},
        {key: 'name', title: t('apps.name'), width: 'minmax(0, 1fr)', render: one => one.name || one.id},
        {key: 'match', title: t('faults.match'), width: 'minmax(0, 1.3fr)', from: 560, class: 'mono', render: one => pairs(one.match) || t('faults.everything')},
        {key: 'effect', title: t('faults.effect'), width: 'minmax(0, 1.3fr)', render: effectWords},
        {key: 'odds', title: t('faults.probability'), width: '92px', from: 720, render: one => (one.probability < 1 ? `${number(one.probability * 100)} % · ${one.seed}` : '')},
        {key: 'hits', title: t('faults.hits'), width: '56px', class: 'num', render: left},
        {key: 'seen', title: t('faults.seen'), width: '56px', from: 640, class: 'num', render: one => number(one.seen)},
        {key: 'next', title: t('faults.nextCall'), width: '84px', from: 560, render: nextWord},
      ],
    });

    const alert = h('div');
    const body = h('div', {class: 'fill'});
    const detail = h('div');
    const limits = h('div');
    const bar = h('div', {class: 'row'});
    effect(() => {
      const all = rules.get();
      const error = problem.get();
      replace(alert, error && failure(error));
      replace(bar, button(t('faults.new'), add, {key: 'n', kind: 'primary'}), h('span', {class: 'grow'}), all.length ? button(t('faults.clear'), () => act(clear()), {key: 'Shift+X', kind: 'danger'}) : null);
      replace(body, all.length ? list.node : error ? null : empty(t('faults.none')));
      list.node.style.setProperty('height', `${Math.min(14, 2 + all.length * 1.75)}rem`);
      list.setRows(all);
      list.select(rule()?.id || null);
    });
    effect(() => {
      const one = rule();
      replace(detail, one && panel(one.name || one.id,
        h('div', {class: 'row'}, button(t(one.enabled ? 'faults.off' : 'faults.on'), () => act(toggle(one)), {key: 't'}),
          button(t('faults.edit'), () => edit(kindOf(one), one), {key: 'e'}), button('↑', () => act(move(one, -1)), {label: t('faults.moveUp'), disabled: one === rules.peek()[0]}),
          button('↓', () => act(move(one, 1)), {label: t('faults.moveDown'), disabled: one === rules.peek().at(-1)}), button(t('faults.delete'), () => act(remove(one)), {kind: 'danger'})),
        facts([[t('faults.effect'), effectWords(one)], [t('faults.match'), h('span', {class: 'mono'}, pairs(one.match) || t('faults.everything'))], [t('faults.hits'), t('faults.used', {hits: left(one), seen: number(one.seen)})],
          [t('faults.next'), nextWord(one) || null], [t('faults.skip'), one.skip || null], [t('faults.for_s'), one.for_s && span(one.for_s * 1000)]]),
        h('details', null, h('summary', null, t('faults.asJson')), json(one)), h('h3', null, t('app.asCode')), asCode([toggle(one), {id: 'fault.add', method: 'POST', path, body: given(one), text: 'faults.new'}, clear()])));
    });
    effect(() => replace(limits, limitsView(summary.get(), settings.get())) && undefined);

    /** The rule as one would add it. @param {Rule} one */
    function given({id, hits, seen, next, ...rest}) {
      return rest;
    }

    /** @param {any} found @param {any} set */
    function limitsView(found, set) {
      if (!found) return null;
      if (found.error) return failure(found.error);
      const mode = set?.rate_limits;
      const options = /** @type {[string, string][]} */ ([['', t('faults.server')], ['platform', t('faults.platform')], ['off', t('faults.noLimits')], ...[0.1, 0.5, 2, 10].map(n => [String(n), t('faults.factor', {n: number(n)})])]);
      /** @param {string} value */
      const pick = value => act(rates(value === '' ? undefined : Number(value) || value));
      const refused = (/** @type {string} */ id) => found.rows.filter((/** @type {any} */ row) => row.operation === id && [99991400, 99991403].includes(row.code)).reduce((/** @type {number} */ n, /** @type {any} */ row) => n + row.calls, 0);
      /** @type {Map<string, any>} */
      const highest = new Map();
      for (const peak of found.peaks) {
        const key = `${peak.operation} ${peak.seconds}`;
        if (!(highest.get(key)?.calls >= peak.calls)) highest.set(key, peak);
      }
      const peaks = [...highest.values()].sort((a, b) => b.calls / b.cap - a.calls / a.cap);
      return [
        set ? h('div', {class: 'row'}, h('span', null, t('faults.mode')), select(t('faults.mode'), options, mode === undefined || mode === null ? '' : String(mode), pick)) : null,
        h('p', {class: 'muted'}, t('faults.limitsAbout', {n: number(found.calls)})),
        peaks.length ? h('div', {class: 'scroll', tabIndex: 0, role: 'region', 'aria-label': t('faults.limits')}, h('table', {class: 'table'},
          h('thead', null, h('tr', null, ['operation', 'tier', 'peak', 'refused'].map(key => h('th', {scope: 'col'}, t(`faults.${key}`))))),
          h('tbody', null, peaks.slice(0, 100).map((/** @type {any} */ peak) => h('tr', null, h('th', {scope: 'row', class: 'mono'}, peak.operation), h('td', null, t('faults.window', {cap: number(peak.cap), span: span(peak.seconds * 1000)})),
            h('td', {class: 'nowrap'}, h('meter', {min: 0, max: peak.cap, high: peak.cap * 0.8, low: peak.cap * 0.8, optimum: 0, value: Math.min(peak.calls, peak.cap), 'aria-label': t('faults.peakOf', {calls: peak.calls, cap: peak.cap})}), ` ${number(peak.calls)} `,
              peak.over ? chip('refused', t('faults.over')) : null), h('td', {class: 'num'}, number(refused(peak.operation)) )))))) : h('p', {class: 'muted'}, t('faults.noCalls')),
      ];
    }

    effect(() => {
      ctx.changed.get();
      load();
      get(W(world, 'settings')).then(settings.set, () => settings.set(null));
    });
    const stop = gathered(['traffic', 'faults', '*'], () => void load(), AGAIN_MS);

    return {
      node: h('div', {class: 'columns wide'},
        h('div', {class: 'body'}, panel(t('faults.rules'), h('p', {class: 'muted'}, t('faults.order')), bar, alert, body), detail),
        h('div', {class: 'body'}, panel(t('faults.presets'), h('div', {class: 'choices'}, PRESETS.map((name, i) => h('button', {type: 'button', 'aria-keyshortcuts': i < 9 ? String(i + 1) : null, on: {click: () => act(preset(name))}},
          h('strong', null, h('span', {class: 'mono'}, name), i < 9 ? h('kbd', {'aria-hidden': 'true'}, String(i + 1)) : null), h('span', {class: 'muted small'}, t(`faults.preset.${name}`)))))),
        panel(t('faults.limits'), limits))),
      dispose() {
        stop();
        list.dispose();
      },
      keys: [...list.bindings(), ...keys],
      actions: () => [...keys, ...PRESETS.slice(9).map(preset)],
    };
  },
};
