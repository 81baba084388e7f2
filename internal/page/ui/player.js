// The player of a recording, and who spoke when below it.
import { address, call, get, token } from './api.js';
import { button, complain } from './act.js';
import { List, h, setAttr, setText } from './dom.js';
import { count, duration } from './format.js';

const EARLY = 0.5; // of the time that a ticket is good, after which another is asked for
const AUTOMATIC = 2 * 3600; // s of audio that are read without being asked
const FINEST = 1 / 600; // of the length: shorter pauses cannot be seen

/** @param {...string} parts @returns {string} */
export const path = (...parts) => '/srs/recordings' + parts.map((p) => '/' + encodeURIComponent(p)).join('');

/**
 * Lets this browser read the files of a recording by themselves: a player and a download send no token, but a cookie that is good for this recording and a few minutes.
 * @param {string} id @returns {Promise<number>} ms until another is needed; 0: none is.
 */
async function ticket(id) {
  if (!token()) return 0;
  const { expires_at: at } = await call('POST', path(id, 'listening'), undefined, { credentials: 'same-origin' });
  return at ? Math.max(1000, (Date.parse(at) - Date.now()) * EARLY) : 0;
}

/** Saves a file. @param {string} id @param {string} at @param {string} name */
export async function save(id, at, name) {
  try {
    await ticket(id);
    h('a', { href: address(at), download: name }).click();
  } catch (e) {
    complain(`Download ${name}`, e);
  }
}

/** @param {string} id */
export function player(id) {
  const audio = h('audio', { controls: true, hidden: true, preload: 'metadata', 'aria-label': 'Player' }), says = h('p.playing', { 'aria-live': 'polite' });
  let timer, shown = '', again = false;
  const renew = async () => {
    clearTimeout(timer);
    const left = await ticket(id);
    if (left) timer = setTimeout(() => { if (audio.isConnected) renew().catch((e) => complain('Go on playing', e)); }, left);
  };
  /** @param {any} s Stream @param {string} name @param {number} [from] s */
  async function play(s, name, from) {
    try {
      const url = address(path(id, 'streams', s.file));
      if (shown !== url) {
        await renew();
        audio.src = shown = url;
      }
      setAttr(audio, 'hidden', false);
      setText(says, name);
      if (from !== undefined) audio.currentTime = from;
      await audio.play();
      again = false;
    } catch (e) {
      if (e.name !== 'AbortError') complain(`Play ${name}`, e);
    }
  }
  audio.addEventListener('error', async () => { // the server may have been started anew, and know no ticket of before
    if (again || !shown || !token()) return;
    again = true;
    const at = audio.currentTime;
    try {
      await renew();
      audio.load();
      audio.currentTime = at;
      await audio.play();
    } catch (e) {
      complain('Go on playing', e);
    }
  });
  return { element: h('div.player', {}, says, audio), audio, play };
}

/**
 * Who spoke when: a line for each stream, which is played from where it is clicked.
 * @param {string} id @param {{audio: HTMLAudioElement, play: (s: any, name: string, from?: number) => void}} on @param {(r: any, s: any) => string} nameOf
 */
export function timeline(id, on, nameOf) {
  const rows = h('ul.timeline', {}), silent = h('p.empty', {}), ask = button('Find out', () => look()), empty = h('p.empty', {});
  const element = h('section.spoken', { 'aria-labelledby': 'spoken', hidden: true }, h('div.bar', {}, h('h2', { id: 'spoken' }, 'Who spoke when'), ask), rows, silent, empty);
  /** @type {any} */
  let now = null;
  let whole = 1, asked = false;
  const list = new List(rows, (a) => a.file, (a) => h('li', {}, button('', () => on.play(a, nameOf(now, a)), 'quiet'),
    h('span.track', { role: 'img', onclick: (e) => { const box = e.currentTarget.getBoundingClientRect(); on.play(a, nameOf(now, a), whole * Math.max(0, (e.clientX - box.left) / box.width)); } }), h('span.number', {})), (li, a) => {
    const total = a.spans.reduce((sum, s) => sum + s.to - s.from, 0), name = nameOf(now, a);
    setText(li.children[0], name);
    setAttr(li.children[0], 'aria-label', `Play ${name}`);
    setAttr(li.children[1], 'aria-label', `${name} speaks ${count(a.spans.length, 'time')}, ${duration(total)} in all`);
    li.children[1].replaceChildren(...merged(a.spans, whole).map((s) => {
      const bar = h('span.said', { title: `${duration(s.from)} – ${duration(s.to)}` });
      bar.style.setProperty('--from', String(s.from / whole));
      bar.style.setProperty('--to', String(s.to / whole));
      return bar;
    }), h('span.head', {}));
    setText(li.children[2], duration(total));
    setAttr(li.children[2], 'title', 'speaks in all');
  });
  async function look() {
    setText(empty, 'Reading the audio…');
    setAttr(ask, 'disabled', true);
    try {
      const found = await get(path(id, 'activity'));
      const spoke = (found ?? []).filter((a) => a.spans.length), rest = (found ?? []).filter((a) => !a.spans.length);
      list.show(spoke, true);
      setText(silent, rest.length ? `Silent: ${rest.map((a) => nameOf(now, a)).join(', ')}` : '');
      setText(empty, found?.length ? '' : 'There is no audio.');
      setAttr(ask, 'hidden', true);
    } catch (e) {
      setText(empty, '');
      complain('Who spoke when', e);
    } finally {
      setAttr(ask, 'disabled', false);
    }
  }
  on.audio.addEventListener('timeupdate', () => element.style.setProperty('--at', String(Math.min(1, on.audio.currentTime / whole))));
  return { element, /** @param {any} r Recording @param {boolean} may */ show: (r, may) => {
    now = r;
    const lengths = (r.streams ?? []).filter((s) => s.medium !== 'text' && s.sample_rate > 0).map((s) => s.samples / s.sample_rate);
    whole = Math.max(1, ...lengths);
    setAttr(element, 'hidden', !may || lengths.length === 0);
    if (!may || asked || !r.ended_at || lengths.length === 0) return; // of what goes on when it is asked for
    asked = true;
    if (lengths.reduce((a, b) => a + b, 0) <= AUTOMATIC) look();
  } };
}

/** Joins what cannot be told apart. @param {{from: number, to: number}[]} spans @param {number} whole s */
function merged(spans, whole) {
  const list = [];
  for (const s of spans) {
    const last = list.at(-1);
    if (last && s.from - last.to < whole * FINEST) last.to = s.to;
    else list.push({ ...s });
  }
  return list;
}
