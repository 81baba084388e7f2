// What the operator does. A button says that it waits until the server's own state says what was wanted.
import { ApiError, call } from './api.js';
import { h, setAttr, setText } from './dom.js';
import { changed, later, onChange, refresh, refreshRoom, store } from './store.js';

const PATIENCE = 12_000; // ms until it is said that what was accepted is not to be seen

/** @type {Map<string, {settled: () => boolean, done: boolean, since: number}>} */
const waiting = new Map();

/** Whether something is under way. @param {string} key */
export const busy = (key) => waiting.has(key);

/**
 * Does something, and waits until it is to be seen in what the server tells.
 * @param {string} key Of what is changed; the same thing is not done twice at once.
 * @param {string} what In words, for messages.
 * @param {[string, string, object?]} request Method, path, body.
 * @param {(answer: any) => boolean} [settled] Whether the store shows it; left out: the answer says that it is done.
 * @returns {Promise<any>} The answer; undefined when it failed, which has been said.
 */
export async function act(key, what, request, settled = () => true) {
  if (waiting.has(key)) return undefined;
  let answer;
  const entry = { settled: () => settled(answer), done: false, since: Date.now() };
  waiting.set(key, entry);
  changed();
  try {
    answer = await call(...request);
    entry.done = true;
    later('room', 1500, refreshRoom); // for what has no event
    later('list', 1500, () => refresh(false));
    return answer ?? null;
  } catch (e) {
    waiting.delete(key);
    complain(what, e);
    later('room', 0, refreshRoom);
    return undefined;
  } finally {
    changed();
  }
}

/** Ends the waiting of what is to be seen now. Comes before anything is drawn. */
function settle() {
  if (store.live !== 'live') return;
  for (const [key, entry] of waiting) {
    if (entry.done && entry.settled()) {
      waiting.delete(key);
    } else if (Date.now() - entry.since > PATIENCE && entry.done) {
      waiting.delete(key);
      report('Not confirmed.', 'The server has accepted the request, but does not say that it is done.');
    }
  }
}
onChange(settle);
setInterval(() => { if (waiting.size) changed(); }, 1000);

/** Says why something did not work. @param {string} what @param {any} e */
export function complain(what, e) {
  const refused = e instanceof ApiError && e.status >= 400 && e.status < 500;
  report(`${what}: ${refused ? 'refused' : 'failed'}.`, sentence(e.message || String(e)));
}

/** @param {string} text @returns {string} */
const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? '' : '.');

/** @type {Map<string, {again: () => void}>} What is said now. */
const said = new Map();

/** Says something for a while, or until it is clicked away; the same again is only counted. @param {string} title @param {string} detail @param {'error' | 'note'} [kind] */
export function report(title, detail, kind = 'error') {
  const key = JSON.stringify([title, detail, kind]);
  if (said.has(key)) {
    said.get(key).again();
    return;
  }
  let times = 1, timer;
  const count = h('span.times', {});
  const away = () => { clearTimeout(timer); said.delete(key); toast.remove(); };
  const toast = h(`div.toast.${kind}`, { role: kind === 'error' ? 'alert' : undefined }, h('p', {}, h('strong', {}, title), ' ', detail, count),
    h('button.quiet', { type: 'button', 'aria-label': 'Dismiss', onclick: away }, '✕'));
  const wait = () => { clearTimeout(timer); timer = setTimeout(away, kind === 'error' ? 15_000 : 5_000); };
  said.set(key, { again: () => { setText(count, ` (${++times} times)`); wait(); } });
  document.getElementById('toasts').append(toast);
  wait();
}

/**
 * A button for an action. Its state is shown by refreshButton.
 * @param {string} text @param {() => void} onclick @param {string} [kind] @returns {HTMLButtonElement}
 */
export const button = (text, onclick, kind = '') => h('button' + (kind && `.${kind}`), { type: 'button', onclick }, text);

/**
 * Shows whether a button can be used: it is away for who may only read, and waits while its action is under way. It is not disabled then, as it would lose the focus of who uses keys: act does the same thing once.
 * @param {HTMLButtonElement} element @param {string} key @param {boolean} [offered]
 */
export function refreshButton(element, key, offered = true) {
  setAttr(element, 'hidden', !offered || !store.mayChange);
  const on = busy(key);
  setAttr(element, 'aria-busy', on ? 'true' : undefined);
  setAttr(element, 'aria-disabled', on ? 'true' : undefined);
  setAttr(element, 'disabled', store.live !== 'live');
}
