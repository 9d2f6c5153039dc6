// One EventSource a tab. It is closed while the tab is hidden, and resumes where it stopped.
import {renew} from './api.js';
import {signal} from './store.js';

/** @typedef {{kind: 'off' | 'live' | 'paused' | 'lost', rate: number, missed: number}} State */

/** @type {import('./store.js').Signal<State>} */
export const state = signal(/** @type {State} */ ({kind: 'off', rate: 0, missed: 0}));

/** @type {Map<string, Set<(data: any, event: string) => void>>} */
const listeners = new Map();
/** @type {EventSource | null} */
let source = null;
let world = '';
let opened = '';
let last = '';
let counted = 0;
let scheduled = false;
/** What a screen listens to is gathered before the stream is opened anew. */
const GATHER_MS = 30;
/** Topics that this server does not know. */
const refused = new Set();
let retry = 0;

/** @param {Partial<State>} change */
function tell(change) {
  state.set({...state.peek(), ...change});
}

function topics() {
  const wanted = [...listeners.keys()].filter(topic => topic !== '*' && !refused.has(topic));
  return wanted.sort().join(',');
}

/** @param {string} topic @param {any} data @param {string} event */
function emit(topic, data, event) {
  for (const fn of listeners.get(topic) || []) fn(data, event);
}

function close() {
  if (source) source.close();
  source = null;
  opened = '';
}

/** Opens the stream that is wanted now, if another one is open. */
function sync() {
  scheduled = false;
  const wanted = topics();
  if (document.hidden || !world || !wanted) {
    close();
    tell({kind: world && wanted ? 'paused' : 'off', rate: 0});
    return;
  }
  const key = `${world} ${wanted}`;
  if (source && opened === key && source.readyState !== EventSource.CLOSED) return;
  close();
  opened = key;
  const query = new URLSearchParams({topics: wanted});
  if (last) query.set('last_event_id', last);
  const mine = new EventSource(`/larkspur/v1/worlds/${encodeURIComponent(world)}/stream?${query}`);
  source = mine;
  const here = world;
  mine.addEventListener('open', () => {
    retry = 0;
    tell({kind: 'live'});
  });
  mine.addEventListener('error', () => {
    if (source !== mine) return;
    tell({kind: 'lost', rate: 0});
    if (mine.readyState === EventSource.CLOSED) {
      close();
      probe(here, wanted);
    }
  });
  mine.addEventListener('hello', event => {
    tell({kind: 'live'});
    const data = JSON.parse(event.data);
    // What comes while the tab is hidden is missed otherwise, if nothing came before.
    last = event.lastEventId || last;
    emit('*', data, 'hello');
  });
  mine.addEventListener('rows', event => {
    const rows = JSON.parse(event.data);
    last = event.lastEventId || last;
    counted += rows.length;
    emit('traffic', rows, 'rows');
  });
  mine.addEventListener('gap', event => {
    const {missed = 0, restarted = false} = JSON.parse(event.data);
    tell({missed: state.peek().missed + missed});
    emit('*', {missed, restarted}, 'gap');
  });
  for (const topic of ['events', 'chat', 'faults', 'clock']) {
    mine.addEventListener(topic, event => {
      const data = JSON.parse(event.data);
      const all = Array.isArray(data) ? data : [data];
      if (topic === 'chat') for (const one of all) emit(`chat:${one.chat_id}`, one, topic);
      else emit(topic, data, topic);
    });
  }
}

/**
 * A stream that the server refused: finds out whether it is a topic, and tries again later.
 * @param {string} here
 * @param {string} wanted
 */
async function probe(here, wanted) {
  if (wanted.includes(',') || wanted !== 'traffic') {
    const answer = await fetch(`/larkspur/v1/worlds/${encodeURIComponent(here)}/stream?topics=${encodeURIComponent(wanted)}`).catch(() => null);
    if (answer && answer.status === 400) for (const topic of wanted.split(',')) if (topic !== 'traffic') refused.add(topic);
    if (answer && answer.status === 401) await renew().catch(() => {});
    if (answer && answer.body) answer.body.cancel().catch(() => {});
  }
  retry = Math.min(retry + 1, 5);
  setTimeout(schedule, 500 * 2 ** retry);
}

function schedule() {
  if (scheduled) return;
  scheduled = true;
  setTimeout(sync, GATHER_MS);
}

/**
 * Takes the world to stream.
 * @param {string} next
 */
export function open(next) {
  if (next === world) return;
  world = next;
  last = '';
  refused.clear();
  tell({missed: 0});
  schedule();
}

/**
 * Listens to a topic: `traffic` (arrays of rows, newest last), `events`, `chat:oc_…`, `faults`, `clock`. The stream carries a
 * topic while it has a listener. `*` hears of `hello` (a stream begins) and `gap` (something was missed).
 * @param {string} topic
 * @param {(data: any, event: string) => void} fn
 * @returns {() => void}
 */
export function on(topic, fn) {
  const set = listeners.get(topic) || new Set();
  set.add(fn);
  listeners.set(topic, set);
  schedule();
  return () => {
    set.delete(fn);
    if (!set.size && listeners.get(topic) === set) listeners.delete(topic);
    schedule();
  };
}

/**
 * Runs something soon after anything arrives on these topics, and at most once in each span of `ms` milliseconds.
 * @param {string[]} topics
 * @param {() => void} run
 * @param {number} ms
 * @returns {() => void} Ends it.
 */
export function gathered(topics, run, ms) {
  let due = 0;
  const again = () => {
    due = due || window.setTimeout(() => {
      due = 0;
      run();
    }, ms);
  };
  const offs = topics.map(topic => on(topic, again));
  return () => {
    offs.forEach(off => off());
    clearTimeout(due);
  };
}

/**
 * Whether the server streams a topic; if not, its screen asks again every few seconds.
 * @param {string} topic
 */
export function streams(topic) {
  return !refused.has(topic);
}

setInterval(() => {
  if (state.peek().kind === 'live' && state.peek().rate !== counted) tell({rate: counted});
  counted = 0;
}, 1000);
document.addEventListener('visibilitychange', schedule);
