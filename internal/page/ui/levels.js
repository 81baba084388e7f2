// How loud participants are: a stream of its own, open only while a conference is looked at, since it says much and nothing that has to be kept. It is drawn without touching anything else.
import { at, send } from './api.js';
import { h, setAttr } from './dom.js';
import { store } from './store.js';
import { Parser } from './stream.js';

const FLOOR = -60; // dBov, the left end of a meter
const PAUSE = 2000; // ms between attempts

/** @type {Map<string, number>} dBov by participant */
let levels = new Map();
/** @type {{id: string, stop: AbortController} | null} */
let open = null;

/** A meter of a participant. @param {string} pid @returns {HTMLElement} */
export function meter(pid) {
  const element = h('span.meter', { 'data-meter': pid, 'aria-hidden': 'true' }, h('span', {})); // that somebody speaks is said otherwise
  show(element);
  return element;
}

/** @param {HTMLElement} element */
function show(element) {
  const level = levels.get(element.dataset.meter);
  element.firstElementChild.style.setProperty('--level', String(level === undefined ? 0 : Math.max(0, Math.min(1, 1 - level / FLOOR))));
  setAttr(element, 'title', level === undefined ? undefined : `${level} dBov`);
}

/** @param {Map<string, number>} now */
function take(now) {
  levels = now;
  document.querySelectorAll('[data-meter]').forEach(show);
}

/** Opens and closes the stream as what is looked at changes. */
export function followLevels() {
  const id = store.live === 'live' && !document.hidden && store.room?.loaded && !store.room.gone && store.conferences.get(store.room.id)?.active ? store.room.id : null;
  if (open?.id === id || !open && id === null) return;
  open?.stop.abort();
  open = id === null ? null : { id, stop: new AbortController() };
  take(new Map());
  if (open) read(open);
}
document.addEventListener('visibilitychange', followLevels); // a browser has few connections for a server: none for what nobody sees

/** @param {{id: string, stop: AbortController}} mine */
async function read(mine) {
  const { signal } = mine.stop;
  try {
    const response = await send(at(mine.id, 'levels'), { signal });
    const parser = new Parser((data) => take(new Map(Object.entries(JSON.parse(data).levels))));
    for (const reader = response.body.pipeThrough(new TextDecoderStream()).getReader(); ;) {
      const { done, value } = await reader.read();
      if (done || open !== mine) break;
      parser.push(value);
    }
  } catch { // that the server is lost is told by the stream of events
  }
  if (open !== mine) return;
  take(new Map());
  setTimeout(() => { if (open === mine) { open = null; followLevels(); } }, PAUSE);
}
