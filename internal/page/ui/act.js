// What the operator does. A button says that it waits until the server's own state says what was wanted.
import { ApiError, call } from './api.js';
import { h, setAttr } from './dom.js';
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
    report(`${what}: ${e instanceof ApiError && e.title ? e.title : 'failed'}`, e.message);
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
      report('Not confirmed', 'The server has accepted the request, but does not say that it is done.');
    }
  }
}
onChange(settle);
setInterval(() => { if (waiting.size) changed(); }, 1000);

/** Says something for a while, or until it is clicked away. @param {string} title @param {string} detail @param {'error' | 'note'} [kind] */
export function report(title, detail, kind = 'error') {
  const toast = h(`div.toast.${kind}`, { role: kind === 'error' ? 'alert' : undefined }, h('p', {}, h('strong', {}, title), ' ', detail),
    h('button.quiet', { type: 'button', 'aria-label': 'Dismiss', onclick: () => toast.remove() }, '✕'));
  document.getElementById('toasts').append(toast);
  setTimeout(() => toast.remove(), kind === 'error' ? 15_000 : 5_000);
}

/**
 * A button for an action. Its state is shown by refreshButton.
 * @param {string} text @param {() => void} onclick @param {string} [kind] @returns {HTMLButtonElement}
 */
export const button = (text, onclick, kind = '') => h('button' + (kind && `.${kind}`), { type: 'button', onclick }, text);

/**
 * Shows whether a button can be used: it is away for who may only read, and waits while its action is under way.
 * @param {HTMLButtonElement} element @param {string} key @param {boolean} [offered]
 */
export function refreshButton(element, key, offered = true) {
  setAttr(element, 'hidden', !offered || !store.mayChange);
  const on = busy(key);
  setAttr(element, 'aria-busy', on ? 'true' : undefined);
  setAttr(element, 'disabled', on || store.live !== 'live');
}
