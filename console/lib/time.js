// Times, durations and sizes. World times are shown at +08:00, the zone of the platform.
import {lang, number, t} from './i18n.js';

/** @type {Map<string, Intl.DateTimeFormat>} */
const made = new Map();

/**
 * @param {string} name
 * @param {Intl.DateTimeFormatOptions} options
 */
function format(name, options) {
  const locale = lang.get() === 'zh' ? 'zh-CN' : 'en-GB';
  const key = `${locale} ${name}`;
  let one = made.get(key);
  if (!one) {
    one = new Intl.DateTimeFormat(locale, {timeZone: 'Asia/Shanghai', hourCycle: 'h23', ...options});
    made.set(key, one);
  }
  return one;
}

const OFFSET_MS = 8 * 3_600_000;

/** @param {number} n @param {number} width */
const pad = (n, width) => String(n).padStart(width, '0');

/**
 * `14:03:10.412`, or `14:03:10`.
 * @param {number} ms
 * @param {boolean} [millis]
 */
export function clock(ms, millis = true) {
  const day = ((ms + OFFSET_MS) % 86_400_000 + 86_400_000) % 86_400_000;
  const text = `${pad(Math.floor(day / 3_600_000), 2)}:${pad(Math.floor(day / 60_000) % 60, 2)}:${pad(Math.floor(day / 1000) % 60, 2)}`;
  return millis ? `${text}.${pad(Math.floor(day % 1000), 3)}` : text;
}

/**
 * A date with its time.
 * @param {number} ms
 */
export function moment(ms) {
  return format('moment', {year: 'numeric', month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit'}).format(ms);
}

/**
 * Only a date.
 * @param {number} ms
 */
export function day(ms) {
  return format('day', {year: 'numeric', month: 'short', day: 'numeric'}).format(ms);
}

/**
 * Milliseconds as `0.41`, `12`, `1,204`.
 * @param {number} us microseconds
 */
export function millis(us) {
  const ms = us / 1000;
  return ms < 10 ? ms.toFixed(2) : number(Math.round(ms));
}

/**
 * A span as `3 s`, `2 min`, `5 h`, `2 d`.
 * @param {number} ms
 */
export function span(ms) {
  const s = Math.abs(ms) / 1000;
  if (s < 1) return t('time.ms', {n: Math.round(s * 1000)});
  if (s < 120) return t('time.s', {n: Math.round(s)});
  if (s < 7200) return t('time.min', {n: Math.round(s / 60)});
  if (s < 172_800) return t('time.h', {n: Math.round(s / 3600)});
  return t('time.d', {n: Math.round(s / 86_400)});
}

/**
 * How long ago, or in how long.
 * @param {number} ms
 * @param {number} now
 */
export function ago(ms, now) {
  return ms > now ? t('time.in', {span: span(ms - now)}) : t('time.ago', {span: span(now - ms)});
}

/**
 * How far a clock is moved: `+2 h`.
 * @param {number} ms
 */
export function offset(ms) {
  return `${ms < 0 ? '−' : '+'}${span(ms)}`;
}

/**
 * Bytes as `310 B`, `2.4 KB`.
 * @param {number} n
 */
export function bytes(n) {
  if (n < 1024) return `${n} B`;
  if (n < 1024 * 1024) return `${(n / 1024).toFixed(1)} KB`;
  return `${(n / 1024 / 1024).toFixed(1)} MB`;
}
