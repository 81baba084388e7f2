// Values as people read them.

const time = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
const day = new Intl.DateTimeFormat(undefined, { year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });

/** Local time, with the date if it is not of today. @param {string | undefined} at RFC 3339 */
export function clock(at) {
  if (!at) return '';
  const date = new Date(at);
  return (date.toDateString() === new Date().toDateString() ? time : day).format(date);
}

/** Local date and time. @param {string | undefined} at */
export const moment = (at) => (at ? day.format(new Date(at)) : '');

/** UTC, for the title beside a local time. @param {string | undefined} at */
export const utc = (at) => (at ? new Date(at).toISOString().replace('T', ' ').replace('Z', ' UTC') : '');

/** @param {number} seconds @returns {string} 1:02:03, or 2:03 */
export function duration(seconds) {
  const s = Math.max(0, Math.floor(seconds)), two = (n) => String(n).padStart(2, '0');
  const rest = `${Math.floor(s / 60) % 60}`;
  return s >= 3600 ? `${Math.floor(s / 3600)}:${two(rest)}:${two(s % 60)}` : `${rest}:${two(s % 60)}`;
}

/** How long since. @param {string | undefined} at */
export const since = (at) => (at ? duration((Date.now() - Date.parse(at)) / 1000) : '');

/** @param {string} from @param {string | undefined} to */
export const between = (from, to) => (from && to ? duration((Date.parse(to) - Date.parse(from)) / 1000) : '');

/** A number of octets. @param {number} n */
export function octets(n) {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let i = 0;
  for (; n >= 1000 && i < units.length - 1; i++) n /= 1000;
  return `${n < 10 && i ? n.toFixed(1) : Math.round(n)} ${units[i]}`;
}

/** @param {number} share 0 to 1 @returns {string} */
export const percent = (share) => `${(share * 100).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`;

/** @param {number} n @param {string} one @param {string} [many] */
export const count = (n, one, many = one + 's') => `${n} ${n === 1 ? one : many}`;

/** A Reason header field (RFC 3326) as people read it. @param {string | undefined} reason */
export function reasonOf(reason) {
  const [, cause] = /cause=(\d+)/.exec(reason ?? '') ?? [], [, text] = /text="((?:[^"\\]|\\.)*)"/.exec(reason ?? '') ?? [];
  return cause || text ? [cause, text?.replaceAll(/\\(.)/g, '$1')].filter(Boolean).join(' ') : reason ?? '';
}

/** A SIP URI without its scheme. @param {string} uri */
export const short = (uri) => (uri ?? '').replace(/^sips?:/, '');

/**
 * A text that others chose, so that it can stand beside others in a sentence: what is written from right to left would draw them over to it, and characters that change the direction, as in names that are to
 * deceive, are left out (Unicode Standard Annex #9).
 * @param {string} text
 */
export function apart(text) {
  const plain = text.replaceAll(/[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]/g, '');
  return /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/.test(plain) ? `\u2068${plain}\u2069` : plain;
}

/** Whom to show: the name, else the user part. @param {{display_name?: string, uri: string}} p */
export const nameOf = (p) => apart(p.display_name || short(p.uri).split('@')[0] || p.uri);
