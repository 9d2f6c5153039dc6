// Keys: `x`, `Shift+X`, `Ctrl+K`, chords such as `g t`. Single keys work outside fields only, and can be switched off (WCAG 2.1.4).
import {cleanup, signal} from './store.js';

/** @typedef {{key: string, text: string, values?: Record<string, any>, run: (event: KeyboardEvent) => void, when?: () => boolean}} Key */

const KEPT = 'larkspur.keys';
const CHORD_MS = 1200;

/** Whether single keys work. */
export const enabled = signal(localStorage.getItem(KEPT) !== 'off');

/** @param {boolean} on */
export function setEnabled(on) {
  localStorage.setItem(KEPT, on ? 'on' : 'off');
  enabled.set(on);
}

/** @type {{scope: string, keys: Key[]}[]} */
const bound = [];

/**
 * Binds keys until they are released, or the screen that binds them is left. Later ones win.
 * @param {string} scope key of the title under which help lists them
 * @param {Key[]} keys
 * @returns {() => void}
 */
export function bind(scope, keys) {
  const entry = {scope, keys};
  bound.push(entry);
  const release = () => {
    const at = bound.indexOf(entry);
    if (at >= 0) bound.splice(at, 1);
  };
  cleanup(release);
  return release;
}

/** What is bound now, for help. */
export function all() {
  return bound;
}

/** @param {EventTarget | null} target */
function isField(target) {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

/** @param {KeyboardEvent} event */
function name(event) {
  const key = event.key === ' ' ? 'Space' : event.key;
  const parts = [];
  if (event.ctrlKey || event.metaKey) parts.push('Ctrl');
  if (event.altKey) parts.push('Alt');
  if (event.shiftKey && (key.length > 1 || key.toLowerCase() !== key.toUpperCase())) parts.push('Shift');
  // Without Shift a letter is small, whatever Caps Lock says.
  parts.push(key.length > 1 ? key : parts.length ? key.toUpperCase() : key.toLowerCase());
  return parts.join('+');
}

/** @param {string} key */
const isSingle = key => !/^(Ctrl|Alt)\+/.test(key) && key !== 'Escape';

let prefix = '';
let prefixAt = 0;

/** @param {KeyboardEvent} event */
function pressed(event) {
  if (event.defaultPrevented || event.isComposing) return;
  const key = name(event);
  const single = isSingle(key);
  if (single && (!enabled.peek() || isField(event.target))) return;
  const modal = document.querySelector('dialog[open]');
  if (modal) return;
  const chord = prefix && event.timeStamp - prefixAt < CHORD_MS ? `${prefix} ${key}` : '';
  prefix = '';
  for (const wanted of chord ? [chord, key] : [key]) {
    for (let i = bound.length - 1; i >= 0; i -= 1) {
      for (const one of bound[i].keys) {
        if (one.key === wanted && (!one.when || one.when())) {
          event.preventDefault();
          one.run(event);
          return;
        }
      }
    }
  }
  if (single && bound.some(({keys}) => keys.some(one => one.key.startsWith(`${key} `)))) {
    prefix = key;
    prefixAt = event.timeStamp;
  }
}

document.addEventListener('keydown', pressed);
