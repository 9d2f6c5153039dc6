// Values that tell those who read them when they change. Effects run once after the current task, however much changed.

/**
 * @template T
 * @typedef {{get: () => T, peek: () => T}} Readable get() is tracked, peek() is not
 */
/**
 * @template T
 * @typedef {Readable<T> & {set: (value: T) => void}} Signal
 */
/** @typedef {{deps: Set<Set<Reader>>, wake: () => void}} Reader */

/** @type {Reader | null} */
let reading = null;
/** @type {(() => void)[] | null} */
let owned = null;
/** @type {Set<() => void>} */
const due = new Set();

/** @param {Set<Reader>} readers */
function track(readers) {
  if (!reading) return;
  readers.add(reading);
  reading.deps.add(readers);
}

/** @param {Reader} reader */
function forget(reader) {
  for (const readers of reader.deps) readers.delete(reader);
  reader.deps.clear();
}

/**
 * @template T
 * @param {Reader} reader
 * @param {() => T} fn
 */
function read(reader, fn) {
  forget(reader);
  const before = reading;
  reading = reader;
  try {
    return fn();
  } finally {
    reading = before;
  }
}

function flush() {
  for (const run of [...due]) {
    if (!due.delete(run)) continue;
    try {
      run();
    } catch (error) {
      reportError(error);
    }
  }
  // What the effects woke: `wake` asks for a flush only while none is due.
  if (due.size) queueMicrotask(flush);
}

/**
 * A value that can be set.
 * @template T
 * @param {T} value
 * @returns {Signal<T>}
 */
export function signal(value) {
  /** @type {Set<Reader>} */
  const readers = new Set();
  return {
    get() {
      track(readers);
      return value;
    },
    peek: () => value,
    set(next) {
      if (Object.is(next, value)) return;
      value = next;
      for (const reader of [...readers]) reader.wake();
    },
  };
}

/**
 * A value made of others; made anew when it is read after they changed.
 * @template T
 * @param {() => T} fn
 * @returns {Readable<T>}
 */
export function computed(fn) {
  /** @type {Set<Reader>} */
  const readers = new Set();
  let stale = true;
  /** @type {any} */
  let value;
  /** @type {Reader} */
  const self = {
    deps: new Set(),
    wake() {
      if (stale) return;
      stale = true;
      for (const reader of [...readers]) reader.wake();
    },
  };
  const peek = () => {
    if (stale) {
      value = read(self, fn);
      stale = false;
    }
    return value;
  };
  return {
    get() {
      track(readers);
      return peek();
    },
    peek,
  };
}

/**
 * Runs now, and again after what it read has changed. It may return what is to be done before the next run.
 * @param {() => void | (() => void)} fn
 * @returns {() => void} ends it
 */
export function effect(fn) {
  /** @type {void | (() => void)} */
  let clean;
  let ended = false;
  const run = () => {
    if (ended) return;
    if (clean) clean();
    clean = read(self, fn);
  };
  /** @type {Reader} */
  const self = {
    deps: new Set(),
    wake() {
      if (!due.size) queueMicrotask(flush);
      due.add(run);
    },
  };
  const end = () => {
    ended = true;
    due.delete(run);
    forget(self);
    if (clean) clean();
    clean = undefined;
  };
  if (owned) owned.push(end);
  run();
  return end;
}

/**
 * Runs a function; all effects and clean-ups made in it end together.
 * @template T
 * @param {() => T} fn
 * @returns {[T, () => void]}
 */
export function root(fn) {
  const before = owned;
  /** @type {(() => void)[]} */
  const mine = [];
  owned = mine;
  try {
    return [untracked(fn), () => mine.splice(0).reverse().forEach(end => end())];
  } finally {
    owned = before;
  }
}

/**
 * Does something when the current root ends.
 * @param {() => void} fn
 */
export function cleanup(fn) {
  if (owned) owned.push(fn);
}

/**
 * Reads signals without being told of their changes.
 * @template T
 * @param {() => T} fn
 * @returns {T}
 */
export function untracked(fn) {
  const before = reading;
  reading = null;
  try {
    return fn();
  } finally {
    reading = before;
  }
}
