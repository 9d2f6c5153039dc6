// The frame: session, language, theme, routes, the top bar, keys and the palette. It knows screens only by their contract.
import {begin, get, lastDone, run, send, W} from './lib/api.js';
import {asCode} from './lib/ascode.js';
import * as dialog from './lib/dialog.js';
import {h, replace} from './lib/dom.js';
import {gate, sign} from './lib/gate.js';
import {lang, number, setLang, t} from './lib/i18n.js';
import * as keys from './lib/keys.js';
import {cleanup, effect, root, signal, untracked} from './lib/store.js';
import * as stream from './lib/stream.js';
import {clock, moment, offset} from './lib/time.js';
import {button, failure, select} from './lib/ui.js';

/** @typedef {import('./lib/api.js').Action} Action */
/** @typedef {{tenant_key: string, name: string, clock_offset_ms: number, now_ms: number, frozen?: boolean, [more: string]: any}} World */
/** @typedef {{user_id: string, name: string, status: string, apps: {app_id: string, open_id: string}[], [more: string]: any}} User */
/** @typedef {{app_id: string, name: string, scopes: string[], bot: boolean, status: string, [more: string]: any}} App */
/** @typedef {{text: string, values?: Record<string, any>, key?: string, run: () => void}} Command `text` is a key of words */
/**
 * @typedef {object} Context
 * @property {import('./lib/store.js').Signal<string>} world tenant key
 * @property {import('./lib/store.js').Signal<World[]>} worlds
 * @property {import('./lib/store.js').Signal<User[]>} users of the world
 * @property {import('./lib/store.js').Signal<App[]>} apps of the world
 * @property {import('./lib/store.js').Signal<User | null>} viewer the person as whom one looks and acts
 * @property {import('./lib/store.js').Signal<number>} changed rises when an action was done: effects that read it load again
 * @property {URLSearchParams} params of the hash
 * @property {(hash: string) => void} go `traffic?sel=…` of this world, or a whole hash
 * @property {(params: Record<string, string | null>) => void} put changes parameters of the hash, without a new entry of the history
 * @property {(action: Action) => Promise<{status: number, data: any, log_id: string} | null>} act asks if it is dangerous, runs, says the result
 * @property {() => Promise<void>} reload worlds, users and apps
 * @property {(user: User | null) => void} see changes the viewer
 * @property {() => number} now the time of the world, in ms
 * @property {typeof dialog.toast} toast
 * @property {typeof dialog} dialog
 */
/** @typedef {{node: Node, dispose?: () => void, actions?: () => (Action | Command)[], keys?: keys.Key[], params?: (params: URLSearchParams) => void}} Mounted */
/** @typedef {{id: string, key: string, title: string, mount: (ctx: Context) => Mounted}} Screen */

/** The screens in their order: id and the key after `g`. */
const SCREENS = /** @type {[string, string, () => Promise<{default: Screen}>][]} */ ([
  ['chat', 'c', () => import('./screens/chat.js')],
  ['traffic', 't', () => import('./screens/traffic.js')],
  ['events', 'e', () => import('./screens/events.js')],
  ['apps', 'a', () => import('./screens/apps.js')],
  ['faults', 'f', () => import('./screens/faults.js')],
  ['worlds', 'w', () => import('./screens/worlds.js')],
  ['login', 'l', () => import('./screens/login.js')],
  ['coverage', 'v', () => import('./screens/coverage.js')],
]);
const THEMES = ['system', 'light', 'dark'];
const THEME_KEPT = 'larkspur.theme';

const app = /** @type {HTMLElement} */ (document.getElementById('app'));
const theme = signal(localStorage.getItem(THEME_KEPT) || 'system');
const world = signal('');
const worlds = signal(/** @type {World[]} */ ([]));
const users = signal(/** @type {User[]} */ ([]));
const apps = signal(/** @type {App[]} */ ([]));
const viewer = signal(/** @type {User | null} */ (null));
const changed = signal(0);
const screen = signal('traffic');
/** When the worlds were read, by this machine's clock. */
let readAt = Date.now();
let params = new URLSearchParams();
/** The hash that is shown. */
let shownHash = '';
/** @type {Mounted | null} */
let mounted = null;
/** @type {() => void} */
let leave = () => {};
let turn = 0;

effect(() => {
  document.documentElement.style.colorScheme = theme.get() === 'system' ? 'light dark' : theme.get();
});

/** @param {string} next */
function setTheme(next) {
  localStorage.setItem(THEME_KEPT, next);
  theme.set(next);
}

/** @returns {World | undefined} */
const here = () => worlds.get().find(one => one.tenant_key === world.get());

function now() {
  const one = worlds.peek().find(each => each.tenant_key === world.peek());
  if (!one) return Date.now();
  return one.frozen ? one.now_ms : one.now_ms + Date.now() - readAt;
}

async function readWorlds() {
  const data = await get('/larkspur/v1/worlds');
  readAt = Date.now();
  worlds.set(data.worlds);
}

async function readWorld() {
  const key = world.peek();
  if (!key) return;
  const [people, installed] = await Promise.all([get(W(key, 'users')), get(W(key, 'apps'))]);
  if (world.peek() !== key) return;
  users.set(people.users);
  apps.set(installed.apps);
  const as = params.get('as');
  const list = /** @type {User[]} */ (people.users);
  const kept = viewer.peek()?.user_id;
  viewer.set(list.find(one => one.user_id === as) || list.find(one => one.user_id === kept) || list.find(one => one.name.startsWith('Ada')) || list[0] || null);
}

async function reload() {
  await readWorlds();
  if (here()) await readWorld();
  else route(true);
}

/** Looks at a world, of which nothing is known yet. @param {string} key */
function enter(key) {
  world.set(key);
  viewer.set(null);
  users.set([]);
  apps.set([]);
}

/** @param {User | null} user */
function see(user) {
  viewer.set(user);
  context.put({as: user ? user.user_id : null});
}

/** @param {string} key @param {string} name @param {URLSearchParams} search */
function hashOf(key, name, search) {
  const text = search.toString();
  return `#/w/${encodeURIComponent(key)}/${name}${text ? `?${text}` : ''}`;
}

/** Makes the address say what is shown. @param {string} name */
function rewrite(name) {
  history.replaceState(null, '', hashOf(world.peek() || 'none', name, params));
  shownHash = location.hash;
}

/** @param {Action} action */
async function act(action) {
  const words = t(action.text, action.values);
  if (action.danger && !(await dialog.confirm({title: words, text: action.danger, act: words}))) return null;
  try {
    const answer = await run(action);
    dialog.toast(t('app.done', {what: words}));
    changed.set(changed.peek() + 1);
    if (/^(larkspur\.v1\.)?(world|app|user|seed)\./.test(action.id)) await reload();
    return answer;
  } catch (error) {
    const refused = /** @type {any} */ (error);
    dialog.toast(refused.missing ? t('app.missing', {operation: action.id}) : t('app.notDone', {what: words, why: refused.line || refused.message}), 'failed');
    return null;
  }
}

/** @type {Context} */
const context = {
  world, worlds, users, apps, viewer, changed,
  get params() {
    return params;
  },
  go(hash) {
    if (hash.startsWith('#')) location.hash = hash;
    else {
      const [name, search] = hash.split('?');
      const next = new URLSearchParams(search || '');
      const as = params.get('as');
      if (as && !next.has('as')) next.set('as', as);
      location.hash = hashOf(world.peek(), name, next);
    }
  },
  put(change) {
    for (const [name, value] of Object.entries(change)) {
      if (value === null || value === '') params.delete(name);
      else params.set(name, value);
    }
    // Elsewhere already: the event that tells of it is on its way.
    if (location.hash !== shownHash) return;
    rewrite(screen.peek());
  },
  act, reload, see, now, toast: dialog.toast, dialog,
};

/**
 * What a screen has: once it was left, what it still waits for leads nowhere and says nothing.
 * @param {() => boolean} left
 * @returns {Context}
 */
function within(left) {
  const own = /** @type {Context} */ (Object.create(context));
  for (const name of /** @type {const} */ (['go', 'put', 'toast'])) {
    const shared = /** @type {(...values: any[]) => void} */ (context[name]);
    own[name] = (/** @type {any[]} */ ...values) => {
      if (!left()) shared(...values);
    };
  }
  return own;
}

/**
 * Reads the hash and shows what it names.
 * @param {boolean} [fresh] whether the worlds were read for this
 */
function route(fresh) {
  shownHash = location.hash;
  const match = /^#\/w\/([^/?]+)\/([a-z]+)(?:\?(.*))?$/.exec(shownHash);
  const key = match ? decodeURIComponent(match[1]) : '';
  const known = worlds.peek().some(one => one.tenant_key === key);
  const name = match && SCREENS.some(([id]) => id === match[2]) ? match[2] : 'traffic';
  if (match && !known && !fresh) return void readWorlds().then(() => route(true), lost);
  if (!match || !known) {
    const first = worlds.peek()[0];
    enter(first ? first.tenant_key : '');
    params = new URLSearchParams(match ? match[3] : '');
    rewrite(first ? name : 'worlds');
    if (!first) return show('worlds');
    readWorld().catch(lost);
    stream.open(world.peek());
    return show(name);
  }
  params = new URLSearchParams(match[3] || '');
  if (key !== world.peek()) {
    enter(key);
    stream.open(key);
    readWorld().catch(lost);
    return show(name);
  }
  if (name === screen.peek() && mounted?.params) return mounted.params(params);
  return show(name);
}

/** @param {any} error */
function lost(error) {
  dialog.toast(error?.line || t('app.gone'), 'failed');
}

/**
 * Mounts a screen in place of the one before.
 * @param {string} name
 */
async function show(name) {
  const mine = (turn += 1);
  leave();
  leave = () => {};
  mounted = null;
  screen.set(name);
  const main = document.getElementById('main');
  const entry = SCREENS.find(([id]) => id === name);
  if (!main || !entry) return;
  let content;
  try {
    const {default: one} = await entry[2]();
    if (mine !== turn) return;
    const [made, end] = root(() => {
      let left = false;
      cleanup(() => {
        left = true;
      });
      const result = one.mount(within(() => left));
      if (result.keys) keys.bind(one.title, result.keys);
      if (result.dispose) cleanup(result.dispose);
      return result;
    });
    mounted = made;
    leave = end;
    content = made.node;
  } catch (error) {
    if (mine !== turn) return;
    content = failure(error);
    console.error(error);
  }
  const lostFocus = turn > 1 && (document.activeElement === document.body || main.contains(document.activeElement));
  replace(main, h('h1', {class: 'away'}, t(`${name}.title`)), content);
  if (lostFocus && document.activeElement === document.body) main.focus({preventScroll: true});
}

/** The entries of the palette: of the screen, then of the frame. */
function entries() {
  /** @type {import('./lib/dialog.js').Entry[]} */
  const all = [];
  const group = t(`${screen.peek()}.title`);
  for (const one of mounted?.actions?.() || []) {
    all.push({text: t(one.text, one.values), key: one.key, group, run: 'run' in one ? one.run : () => void act(one)});
  }
  for (const [id, key] of SCREENS) all.push({text: t('app.goTo', {screen: t(`${id}.title`)}), key: `g ${key}`, run: () => context.go(id)});
  for (const one of worlds.peek()) all.push({text: t('app.toWorld', {world: one.name}), run: () => context.go(hashOf(one.tenant_key, screen.peek(), new URLSearchParams()))});
  for (const one of users.peek()) all.push({text: t('app.seeAs', {user: one.name}), run: () => see(one)});
  for (const one of THEMES) all.push({text: `${t('app.theme')}: ${t(`app.theme.${one}`)}`, run: () => setTheme(one)});
  const done = lastDone();
  if (done) all.push({text: t('app.lastAsCode'), run: () => void dialog.open(t('app.lastAsCode'), asCode({...done, text: done.text || 'app.lastAsCode'}), {class: 'wide'})});
  all.push({text: t('app.otherLanguage'), run: otherLanguage}, {text: t('app.help'), key: '?', run: help}, {text: t('app.signOut'), run: signOut});
  return all;
}

/** Named in the other language, so that its speakers find it. */
function otherLanguageButton() {
  const [words, code] = lang.get() === 'zh' ? ['English', 'en'] : ['中文', 'zh-CN'];
  return h('button', {type: 'button', class: 'quiet', lang: code, 'aria-label': `${words} (${t('app.otherLanguage')})`, on: {click: otherLanguage}}, words);
}

function otherLanguage() {
  void setLang(lang.peek() === 'zh' ? 'en' : 'zh');
}

async function signOut() {
  await send({method: 'DELETE', path: '/larkspur/console/session'}).catch(() => null);
  location.reload();
}

/** Language and theme. */
function choices() {
  return [otherLanguageButton(), select(t('app.theme'), THEMES.map(one => [one, t(`app.theme.${one}`)]), theme.peek(), setTheme)];
}

/** Lists the keys that work now; with little room, language and theme are here only. */
function help() {
  const groups = keys.all().filter(({keys: bound}) => bound.length).reverse();
  const on = h('input', {type: 'checkbox', id: 'keys-on', checked: keys.enabled.peek(), on: {change: () => keys.setEnabled(on.checked)}});
  dialog.open(t('app.help'), [
    h('div', {class: 'row'}, choices(), button(t('app.palette'), () => {
      document.querySelector('dialog')?.close();
      dialog.openPalette(entries());
    }, {key: '.'}), button(t('app.signOut'), () => void signOut())),
    h('div', {class: 'field check'}, on, h('label', {for: 'keys-on'}, t('app.keysOn'))),
    h('div', {class: 'help'}, groups.map(({scope, keys: bound}) => h('section', null, h('h3', null, t(scope)),
      h('dl', {class: 'keys'}, bound.map(one => h('div', null, h('dt', null, one.key.split(' ').map(part => h('kbd', null, part))), h('dd', null, t(one.text, one.values)))))))),
  ], {class: 'wide'});
}

/** The clock of the world, which ticks. */
function clockView() {
  const el = h('button', {type: 'button', class: 'quiet clock', on: {click: () => context.go('worlds')}});
  const tick = () => {
    const one = worlds.peek().find(each => each.tenant_key === world.peek());
    el.hidden = !one;
    if (!one) return;
    const moved = Math.abs(one.clock_offset_ms) >= 1000 ? ` (${offset(one.clock_offset_ms)})` : '';
    el.textContent = `${clock(now(), false)}${moved}${one.frozen ? ` ${t('app.frozen')}` : ''}`;
    el.title = t('app.clockTitle', {moment: moment(now())});
  };
  effect(() => {
    worlds.get();
    world.get();
    tick();
  });
  const timer = setInterval(tick, 1000);
  cleanup(() => clearInterval(timer));
  return el;
}

/** What the stream does, in words. */
function streamView() {
  const el = h('span', {class: 'stream'});
  effect(() => {
    const {kind, rate, missed} = stream.state.get();
    el.className = `stream ${kind}`;
    const words = kind === 'live' && rate ? t('app.stream.rate', {n: number(rate)}) : t(`app.stream.${kind}`);
    el.title = words;
    replace(el, h('span', {'aria-hidden': 'true'}, kind === 'live' ? '●' : kind === 'lost' ? '✕' : '○'), ` ${words}`, missed ? ` · ${t('app.stream.missed', {n: number(missed)})}` : null);
  });
  return el;
}

/** The top bar. */
function topBar() {
  const worldBox = h('span', {class: 'pick'});
  effect(() => {
    const list = worlds.get();
    replace(worldBox, select(t('app.world'), list.map(one => [one.tenant_key, one.name]), world.get(), key => context.go(hashOf(key, screen.peek(), new URLSearchParams()))));
  });
  const viewerBox = h('span', {class: 'pick'});
  effect(() => {
    const list = users.get();
    const one = viewer.get();
    const focused = viewerBox.contains(document.activeElement);
    replace(viewerBox, h('span', {class: 'muted wide-only', 'aria-hidden': 'true'}, t('app.as')), ' ',
      select(t('app.viewer'), list.map(user => [user.user_id, user.name]), one ? one.user_id : '', id => see(users.peek().find(user => user.user_id === id) || null)));
    viewerBox.hidden = !list.length;
    if (focused) viewerBox.querySelector('select')?.focus();
  });
  return h('header', {class: 'top'}, h('span', {class: 'brand'}, 'Larkspur'), worldBox, clockView(), viewerBox, streamView(), h('span', {class: 'grow'}),
    h('span', {class: 'room row'}, choices()), button('?', help, {kind: 'quiet', label: t('app.help')}));
}

/** The list of screens. */
function navigation() {
  const links = SCREENS.map(([id, key]) => h('a', {'aria-keyshortcuts': `g ${key}`, on: {click: (/** @type {MouseEvent} */ event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    context.go(id);
  }}}, h('span', null, t(`${id}.title`)), h('kbd', {'aria-hidden': 'true'}, `g ${key}`)));
  effect(() => {
    const name = screen.get();
    const key = world.get();
    const one = here();
    links.forEach((link, i) => {
      link.href = hashOf(key, SCREENS[i][0], new URLSearchParams());
      if (SCREENS[i][0] === name) link.setAttribute('aria-current', 'page');
      else link.removeAttribute('aria-current');
    });
    document.title = [t(`${name}.title`), one?.name, 'Larkspur'].filter(Boolean).join(' · ');
  });
  return h('nav', {class: 'side', 'aria-label': t('app.screens')}, links);
}

/** Builds the frame; again when the language changes. */
function frame() {
  const main = h('main', {id: 'main', tabIndex: -1});
  const skip = h('button', {type: 'button', class: 'skip', on: {click: () => main.focus()}}, t('app.skip'));
  keys.bind('app.everywhere', [
    ...SCREENS.map(([id, key]) => ({key: `g ${key}`, text: `${id}.title`, run: () => context.go(id)})),
    {key: '.', text: 'app.palette', run: () => dialog.openPalette(entries())},
    {key: 'Ctrl+K', text: 'app.palette', run: () => dialog.openPalette(entries())},
    {key: '?', text: 'app.help', run: help},
  ]);
  replace(app, skip, topBar(), navigation(), main);
}

/** @param {import('./lib/api.js').Session} session */
async function start(session) {
  begin(session, () => {
    leave();
    location.reload();
  });
  try {
    await readWorlds();
  } catch (error) {
    replace(app, h('main', {class: 'gate', id: 'main'}, h('h1', null, 'Larkspur'), failure(error)));
    return;
  }
  let end = () => {};
  effect(() => {
    lang.get();
    untracked(() => {
      end();
      [, end] = root(frame);
      mounted = null;
      route(true);
    });
  });
  addEventListener('hashchange', () => route());
  stream.on('clock', ({ahead_ms}) => worlds.set(worlds.peek().map(one => (one.tenant_key === world.peek() ? {...one, now_ms: one.now_ms + ahead_ms - one.clock_offset_ms, clock_offset_ms: ahead_ms} : one))));
}

async function boot() {
  const link = /^#login=(.+)$/.exec(location.hash);
  if (link) {
    history.replaceState(null, '', location.pathname + location.search);
    const result = await sign({link: link[1]});
    return result.session ? start(result.session) : gate(app, result.why, start);
  }
  const answer = await fetch('/larkspur/console/session');
  if (!answer.ok) return gate(app, '', start);
  const data = await answer.json();
  return start(data.data || data);
}

boot().catch(error => replace(app, h('main', {class: 'gate'}, h('h1', null, 'Larkspur'), failure(error))));
