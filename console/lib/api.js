// An action is a value. A button, a curl line, a command and a line of code are printed from it, so none can drift.

/** Everything that the page changes or sends: an operation of the control API each. Tests do each by button, by key, by curl and by command. */
export const ACTIONS = /** @type {const} */ ([
  'chat.say', 'message.click', 'message.react', 'message.unreact', 'message.pin', 'message.unpin', 'message.recall', 'message.read', 'message.edit',
  'chat.create', 'chat.member_put', 'chat.member_delete', 'chat.tab_add', 'chat.tab_order', 'chat.tab_delete', 'chat.messages', 'p2p.open', 'app.menu_click',
  'traffic.replay', 'traffic.export', 'traffic.diff', 'traffic.clear',
  'event.list', 'event.resend', 'event.send', 'app.deliveries.put', 'app.deliveries.delete', 'app.events.challenge', 'app.connections.delete',
  'app.create', 'app.update', 'app.secret', 'app.token', 'app.sign_in.put', 'app.ledger',
  'fault.add', 'fault.update', 'fault.delete', 'fault.clear', 'fault.order',
  'world.create', 'world.delete', 'world.reset', 'world.clock', 'world.seed', 'world.settings.put',
  'world.snapshots.create', 'world.snapshots.restore', 'world.snapshots.delete', 'world.snapshots.diff', 'world.snapshots.upload',
  'user.token', 'token.inspect', 'token.revoke',
]);
/** @typedef {typeof ACTIONS[number]} ActionId */

/**
 * @typedef {object} Action
 * @property {ActionId} id operation, without `larkspur.v1.`
 * @property {string} method
 * @property {string} path filled, such as `/larkspur/v1/worlds/KEY/faults`
 * @property {Record<string, any>} [query]
 * @property {any} [body]
 * @property {string} text key of its label
 * @property {Record<string, any>} [values] for its label
 * @property {string} [key] the key that runs it
 * @property {string} [danger] what is lost: asked before, with focus on Cancel
 * @property {string} [cli] the short command, if there is one
 */
/** @typedef {{csrf: string, expires_at_ms: number, release: string, base_url: string, mode: string}} Session */
/** @typedef {{field: string, value?: string, description: string}} Violation */

/** @type {Session} */
let session = {csrf: '', expires_at_ms: 0, release: '', base_url: location.origin, mode: 'test'};
/** @type {() => void} */
let ended = () => {};

/** An answer that is not a success. */
export class Refused extends Error {
  /**
   * @param {number} status
   * @param {any} answer
   * @param {string} operation
   */
  constructor(status, answer, operation) {
    const error = (answer && answer.error) || {};
    super((answer && answer.msg) || `HTTP ${status}`);
    this.status = status;
    this.operation = operation;
    /** @type {number} */
    this.code = (answer && answer.code) || 0;
    /** @type {string} */
    this.msg = this.message;
    /** @type {string} */
    this.log_id = error.log_id || '';
    /** @type {Violation[]} */
    this.fields = error.field_violations || [];
    /** The server does not know this operation at all. */
    this.missing = status === 404 && !this.code;
  }

  /** One line: what is wrong and where. */
  get line() {
    const where = this.fields.map(f => `${f.field}: ${f.description}`).join('; ');
    return [this.code || '', this.msg, where].filter(Boolean).join(' · ');
  }
}

/**
 * Takes the session and what to do when it ends.
 * @param {Session} next
 * @param {() => void} onEnd
 */
export function begin(next, onEnd) {
  session = next;
  ended = onEnd;
}

/** The session of this page. */
export function current() {
  return session;
}

/**
 * @param {string} path
 * @param {Record<string, any>} [query]
 */
function url(path, query) {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query || {})) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== null && one !== '') search.append(name, String(one));
    }
  }
  const text = search.toString();
  return text ? `${path}?${text}` : path;
}

/** The code for a wrong `X-Larkspur-Console`: another tab has signed in since. */
const CSRF_STALE = 5275418;

/** Reads the session again; without one, the page asks for it. */
export async function renew() {
  const answer = await fetch('/larkspur/console/session');
  if (!answer.ok) return ended();
  const data = await answer.json();
  session = data.data || data;
}

/** @typedef {{method: string, path: string, query?: Record<string, any>, body?: any, id?: string}} Call */
/** @typedef {Omit<Action, 'text'> & {text?: string}} Deed an action that needs no label */

/** @type {Deed | null} */
let last = null;

/** What was done last. */
export function lastDone() {
  return last;
}

/**
 * Does something; throws `Refused` for an answer that is not a success.
 * @param {Deed} action
 */
export async function run(action) {
  last = action;
  return send(action);
}

/**
 * Calls the server; throws `Refused` for an answer that is not a success.
 * @param {Call} call
 * @param {AbortSignal} [signal]
 * @returns {Promise<{status: number, data: any, log_id: string}>}
 */
export async function send(call, signal) {
  try {
    return await once(call, signal);
  } catch (error) {
    if (!(error instanceof Refused) || error.code !== CSRF_STALE) throw error;
    await renew();
    return once(call, signal);
  }
}

/**
 * @param {Call} call
 * @param {AbortSignal} [signal]
 */
async function once(call, signal) {
  /** @type {Record<string, string>} */
  const headers = {'X-Larkspur-Console': session.csrf};
  let body;
  if (typeof call.body === 'string' || call.body instanceof FormData) body = call.body;
  else if (call.body !== undefined) body = JSON.stringify(call.body);
  if (body !== undefined && !(body instanceof FormData)) headers['Content-Type'] = 'application/json';
  const answer = await fetch(url(call.path, call.query), {method: call.method, headers, body, signal});
  const text = await answer.text();
  let data;
  try {
    data = JSON.parse(text);
  } catch {
    data = null;
  }
  if (answer.status === 401 || answer.status === 421) ended();
  if (!answer.ok || (data && data.code)) throw new Refused(answer.status, data, call.id || call.path);
  return {status: answer.status, data: data && 'data' in data ? data.data : data ?? text, log_id: answer.headers.get('X-Tt-Logid') || ''};
}

/**
 * Reads; answers `data`.
 * @param {string} path
 * @param {Record<string, any>} [query]
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>}
 */
export async function get(path, query, signal) {
  return (await send({method: 'GET', path, query}, signal)).data;
}

/** @typedef {{id: string, method: string, path: string, summary: string, effect?: string, access?: string, tokens?: string[], scopes?: string[], tier?: string, windows?: {cap: number, seconds: number}[], codes?: number[], behaviours?: string[], emits?: string[], reference?: string, example?: string}} Op */
/** @typedef {{operations: Op[], behaviours: {name: string, rule: string, basis: string, switch: boolean}[], codes: {code: number, name: string, status: number, msg: string}[]}} Registry */

/** @type {Promise<Registry> | null} */
let registry = null;

/**
 * All operations of the server, with their behaviours and codes; read once.
 * @returns {Promise<Registry>}
 */
export function operations() {
  if (!registry) {
    registry = get('/larkspur/v1/operations');
    registry.catch(() => {
      registry = null;
    });
  }
  return registry;
}

/**
 * The action that a refusal names as its fix.
 * @param {{id: string, path?: Record<string, string>, body?: any}} fix
 * @param {string} world
 * @param {{text: string, values?: Record<string, any>}} label
 * @returns {Promise<Action>}
 */
export async function actionOf(fix, world, label) {
  const id = full(fix.id);
  const one = (await operations()).operations.find(each => each.id === id);
  if (!one) throw new Refused(404, null, id);
  /** @type {Record<string, string>} */
  const names = {tenant_key: world, ...fix.path};
  const path = one.path.replace(/\{(\w+)\}/g, (all, name) => encodeURIComponent(names[name] ?? all));
  // What undoes a refusal is named by the server.
  return {id: /** @type {ActionId} */ (id), method: one.method, path, body: one.method === 'GET' || one.method === 'DELETE' ? undefined : fix.body ?? {}, ...label};
}

/**
 * The path of a world, with more segments.
 * @param {string} world
 * @param {...string} rest
 */
export function W(world, ...rest) {
  return ['/larkspur/v1/worlds', ...[world, ...rest].map(encodeURIComponent)].join('/');
}

/**
 * The full id of an operation.
 * @param {string} id
 */
export function full(id) {
  return id.startsWith('larkspur.') ? id : `larkspur.v1.${id}`;
}

const SECRET = /(secret|password|encrypt_key|verification_token|^token$|_token$|app_ticket|control_key|^key$)/;

/** What stands around the name of a variable: drawn anew for each page, so no text of a message can contain it. */
const MARK = crypto.randomUUID();
const MARKED = new RegExp(`${MARK}([A-Z_]+)${MARK}`, 'g');

/**
 * The same value with marked names of environment variables in place of secrets.
 * @param {any} value
 * @returns {any}
 */
function masked(value) {
  if (Array.isArray(value)) return value.map(masked);
  if (!value || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => {
    if (typeof one === 'string' && one && SECRET.test(name)) return [name, `${MARK}${name === 'secret' ? 'APP_SECRET' : name.toUpperCase()}${MARK}`];
    return [name, masked(one)];
  }));
}

/** @param {any} body */
function text(body) {
  if (typeof body === 'string') return body;
  return JSON.stringify(masked(body));
}

/**
 * A word for a shell, which fills in the marked variables.
 * @param {string} word
 */
export function quoted(word) {
  if (!word.includes(MARK) && /^[\w@%+=:,./-]+$/.test(word)) return word;
  return `'${word.replaceAll("'", "'\\''").replace(MARKED, `'"\${$1}"'`)}'`;
}

const CONTROL_KEY = 'CONTROL_KEY';

/**
 * The parts of a form with files: their names, and the file or the value.
 * @param {FormData} form
 */
const parts = form => [...form].map(([name, value]) => ({name, file: value instanceof File ? value.name : '', value: String(value)}));

/**
 * A curl line.
 * @param {Action} action
 */
export function curl(action) {
  const all = [`curl -s ${action.method === 'GET' ? '' : `-X ${action.method} `}${quoted(session.base_url + url(action.path, action.query))}`];
  all.push(`-H "Authorization: Bearer $${CONTROL_KEY}"`);
  if (action.body instanceof FormData) all.push(...parts(action.body).map(({name, file, value}) => `-F ${quoted(`${name}=${file ? `@${file}` : value}`)}`));
  else if (action.body !== undefined) all.push(`-H 'Content-Type: application/json'`, `-d ${quoted(text(action.body))}`);
  return all.join(' \\\n  ');
}

/** The parameter that follows a collection in a path. */
const PARAMETERS = /** @type {Record<string, string>} */ ({
  worlds: 'tenant_key', apps: 'app_id', users: 'user_id', chats: 'chat_id', messages: 'message_id', faults: 'fault_id', events: 'event_id',
  traffic: 'log_id', snapshots: 'name', hooks: 'hook_id', documents: 'token', members: 'member', pending: 'member', collaborators: 'member',
  tabs: 'tab_id', images: 'image_key', files: 'file_key', reactions: 'reaction_id', refusals: 'operation',
});
/** What follows a collection without being a parameter. */
const VERBS = new Set(['order', 'preview', 'check', 'summary', 'diff', 'export', 'open', 'restore']);

/**
 * A command line: the short command, if there is one, else `larkspur call`.
 * @param {Action} action
 */
export function cli(action) {
  if (action.cli) return action.cli;
  const all = [`larkspur call ${full(action.id)}`];
  const segments = action.path.split('/').slice(3);
  segments.forEach((collection, i) => {
    const value = segments[i + 1];
    if (i % 2 === 0 && value !== undefined && PARAMETERS[collection] && !VERBS.has(value)) {
      all.push(`--path ${quoted(`${PARAMETERS[collection]}=${decodeURIComponent(value)}`)}`);
    }
  });
  for (const [name, value] of Object.entries(action.query || {})) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== null && one !== '') all.push(`--query ${quoted(`${name}=${one}`)}`);
    }
  }
  if (action.body instanceof FormData) all.push(...parts(action.body).map(({name, file, value}) => (file ? `--file ${quoted(`${name}=@${file}`)}` : `--field ${quoted(`${name}=${value}`)}`)));
  else if (action.body !== undefined) all.push(`--body ${quoted(text(action.body))}`);
  return all.join(' \\\n  ');
}

/**
 * A value as Python writes it.
 * @param {any} value
 * @returns {string}
 */
function pythonic(value) {
  if (value === null || value === undefined) return 'None';
  if (value === true) return 'True';
  if (value === false) return 'False';
  if (typeof value === 'string') {
    const quotes = JSON.stringify(value);
    return quotes.includes(MARK) ? quotes.replace(MARKED, '$1').replace(/^"(.*)"$/, 'os.environ["$1"]') : quotes;
  }
  if (Array.isArray(value)) return `[${value.map(pythonic).join(', ')}]`;
  if (typeof value === 'object') return `{${Object.entries(value).map(([k, v]) => `${JSON.stringify(k)}: ${pythonic(v)}`).join(', ')}}`;
  return String(value);
}

/**
 * Lines of Python, without a package.
 * @param {Action} action
 */
export function python(action) {
  const target = JSON.stringify(session.base_url + url(action.path, action.query));
  const lines = ['import json, os, urllib.request', '', `request = urllib.request.Request(${target}, method="${action.method}")`,
    'request.add_header("Authorization", "Bearer " + os.environ["' + CONTROL_KEY + '"])'];
  if (action.body instanceof FormData) {
    lines.push('request.add_header("Content-Type", "multipart/form-data; boundary=larkspur")', 'request.data = b"".join([');
    for (const {name, file, value} of parts(action.body)) {
      const head = `--larkspur\r\nContent-Disposition: form-data; name="${name}"${file ? `; filename="${file}"` : ''}\r\n\r\n`;
      lines.push(`    ${JSON.stringify(head)}.encode(), ${file ? `open(${JSON.stringify(file)}, "rb").read()` : `${JSON.stringify(value)}.encode()`}, b"\\r\\n",`);
    }
    lines.push('    b"--larkspur--\\r\\n"])');
  } else if (action.body !== undefined) {
    lines.push('request.add_header("Content-Type", "application/json")');
    lines.push(typeof action.body === 'string' ? `request.data = ${JSON.stringify(action.body)}.encode()` : `request.data = json.dumps(${pythonic(masked(action.body))}).encode()`);
  }
  lines.push('with urllib.request.urlopen(request) as answer:', '    print(json.load(answer)["data"])');
  return lines.join('\n');
}

/**
 * Lines of Node, without a package.
 * @param {Action} action
 */
export function node(action) {
  const target = JSON.stringify(session.base_url + url(action.path, action.query));
  const lines = [`const answer = await fetch(${target}, {`, `  method: '${action.method}',`,
    '  headers: {Authorization: `Bearer ${process.env.' + CONTROL_KEY + '}`' + (action.body === undefined || action.body instanceof FormData ? '' : `, 'Content-Type': 'application/json'`) + '},'];
  if (action.body instanceof FormData) {
    lines.unshift(`import {readFileSync} from 'node:fs';`, 'const form = new FormData();', ...parts(action.body).map(({name, file, value}) => (file
      ? `form.append(${JSON.stringify(name)}, new Blob([readFileSync(${JSON.stringify(file)})]), ${JSON.stringify(file)});` : `form.append(${JSON.stringify(name)}, ${JSON.stringify(value)});`)));
    lines.push('  body: form,');
  } else if (action.body !== undefined) {
    const body = typeof action.body === 'string' ? JSON.stringify(action.body) : JSON.stringify(masked(action.body)).replaceAll(new RegExp(`"${MARKED.source}"`, 'g'), 'process.env.$1');
    lines.push(typeof action.body === 'string' ? `  body: ${body},` : `  body: JSON.stringify(${body}),`);
  }
  lines.push('});', 'console.log((await answer.json()).data);');
  return lines.join('\n');
}
