// What the reference recorder has recorded: to find, to hear, to take away, to hold.
import { address, get, send, token } from './api.js';
import { act, button, refreshButton, report } from './act.js';
import { confirmed } from './dialog.js';
import { List, h, setAttr, setLabels, setText, setTime } from './dom.js';
import { between, clock, count, duration, moment, octets, short } from './format.js';
import { store } from './store.js';

const AGAIN = 10_000; // ms between looks: recordings have no events
const PATIENT = 300; // ms after a key
const LIMIT = 200;
const WARN = 200e6; // octets that are taken into memory without a question
const kinds = { recording: 'rec', paused: 'warn', finished: 'good', interrupted: 'warn', failed: 'bad' };

const path = (...parts) => '/srs/recordings' + parts.map((p) => '/' + encodeURIComponent(p)).join('');

/** Does something now, again after a while as long as an element is shown, and when it is asked to. @param {HTMLElement} element @param {() => Promise<void>} look */
function repeat(element, look) {
  let timer;
  const again = async () => {
    clearTimeout(timer);
    try {
      if (store.access) await look();
    } catch (e) {
      report(`Recordings: ${e.title ?? 'failed'}`, e.message);
    }
    clearTimeout(timer);
    timer = setTimeout(() => { if (element.isConnected) again(); }, store.access ? AGAIN : 500);
  };
  again();
  return again;
}

/** @returns {import('./overview.js').View} */
export function recordingsView() {
  const q = h('input', { type: 'search', placeholder: 'Name, address or session', 'aria-label': 'Participant or session', oninput: () => soon(), maxlength: 256 });
  const from = h('input', { type: 'datetime-local', 'aria-label': 'Started at or after', onchange: () => look() }), to = h('input', { type: 'datetime-local', 'aria-label': 'Started before', onchange: () => look() });
  const state = h('select', { 'aria-label': 'State', onchange: () => look() }, h('option', { value: '' }, 'Any state'), ...Object.keys(kinds).map((k) => h('option', { value: k }, k)));
  const body = h('tbody', {}), empty = h('p.empty', { 'aria-live': 'polite' }, 'Loading…');
  const element = h('section.recorded', { 'aria-labelledby': 'recorded' }, h('div.bar', {}, h('h1', { id: 'recorded' }, 'Recordings')),
    h('div.bar.filters', {}, q, h('label', {}, 'from ', from), h('label', {}, 'to ', to), state),
    h('table', {}, h('thead', {}, h('tr', {}, ...['Began', 'Length', 'Participants', 'State'].map((t) => h('th', { scope: 'col' }, t)))), body), empty);
  const list = new List(body, (r) => r.directory, (r) => h('tr', {}, h('th', { scope: 'row' }, h('a', { href: `#/recordings/${encodeURIComponent(r.id)}` }, h('time', {}))), h('td.number', {}), h('td', {}), h('td', {})), (row, r) => {
    setTime(row.children[0].firstChild.firstChild, began(r), moment);
    setText(row.children[1], lengthOf(r));
    setText(row.children[2], namesOf(r));
    setLabels(row.children[3], stateLabels(r));
  });
  let number = 0, timer;
  const fetchAll = async () => {
    const mine = ++number, query = new URLSearchParams({ limit: String(LIMIT) });
    if (q.value.trim()) query.set('q', q.value.trim());
    if (state.value) query.set('state', state.value);
    for (const [key, input] of [['from', from], ['to', to]]) if (input.value) query.set(key, new Date(input.value).toISOString());
    const found = (await get(`/srs/recordings?${query}`)) ?? [];
    if (mine !== number) return; // another question has been asked meanwhile
    list.show(found);
    setText(empty, found.length === 0 ? 'Nothing is recorded that is so.' : found.length === LIMIT ? `The newest ${LIMIT} are shown.` : '');
  };
  const look = repeat(element, fetchAll);
  const soon = () => { clearTimeout(timer); timer = setTimeout(look, PATIENT); };
  return { element, update: () => {}, title: () => 'Recordings' };
}

/** When it was captured: what was delivered later is of another time than its session. @param {any} r */
const began = (r) => r.replay?.from ?? r.started_at;
/** @param {any} r */
const lengthOf = (r) => (r.replay ? between(r.replay.from, r.replay.to) : between(r.started_at, r.ended_at) || between(r.started_at, new Date().toISOString()));
/** @param {any} p */
const nameOf = (p) => p.name || short(p.aor ?? '') || p.id;
/** @param {any} r */
function namesOf(r) {
  const names = (r.participants ?? []).map(nameOf);
  return names.length > 6 ? `${names.slice(0, 6).join(', ')} and ${names.length - 6} more` : names.join(', ');
}

/** @param {any} r @returns {[string, string, string?][]} */
const stateLabels = (r) => [[r.state, kinds[r.state] ?? 'plain', r.error || r.end_reason], r.held && ['held', 'note', 'must not be deleted'], r.replay && ['delivered later', 'plain', 'the client had kept it'],
  r.sealed && ['sealed', 'good', 'the signed manifest is there: parley verify proves what is stored'], r.seal_key && !r.sealed && !r.manifests?.length && ['no manifest yet', r.state === 'recording' ? 'plain' : 'warn', 'it was to be sealed']].filter(Boolean);

/** @param {string} id @returns {import('./overview.js').View} */
export function recordedView(id) {
  const title = h('h1', {}, h('time', {})), labels = h('p.labels', {}), facts = h('p.facts', {}), player = h('audio', { controls: true, hidden: true, preload: 'metadata', 'aria-label': 'Player' }), playing = h('p.playing', { 'aria-live': 'polite' });
  const hold = button('', async () => {
    const held = !now.held;
    if (!held && !await confirmed('Release the recording?', 'It may be deleted by hand, age or size from then on.', 'Release')) return;
    const answer = await act(`hold ${id}`, held ? 'Hold' : 'Release', ['PATCH', path(id), { held }]);
    if (answer) show(answer);
  });
  const all = button('All in one WAV', () => save(path(id, 'audio'), `${id}.wav`)), vcon = button('vCon', () => save(path(id, 'vcon'), `${id}.vcon.json`));
  const streams = h('ul.streams', {}), people = h('ul.people', {}), about = h('dl.facts', {});
  const element = h('section.recorded', {}, h('p.back', {}, h('a', { href: '#/recordings' }, '‹ Recordings')), title, labels, facts, h('div.actions', { role: 'group', 'aria-label': 'Recording' }, hold, all, vcon),
    h('div.player', {}, playing, player), h('div.columns', {}, h('div', {}, h('h2', {}, 'Streams'), streams, h('h2', {}, 'Who was there'), people), h('div.aside', {}, h('h2', {}, 'About'), about)));
  /** @type {any} */
  let now = { participants: [], streams: [] };
  const listen = (s) => play(player, playing, path(id, 'streams', s.file), `${streamName(now, s)}`);
  const streamList = new List(streams, (s) => s.file, (s) => h('li', {}, h('span.who', {}), h('small', {}), h('span.labels', {}), button('Play', () => listen(s), 'play'), button('Download', () => save(path(id, 'streams', s.file), s.file))), (li, s) => {
    setText(li.children[0], streamName(now, s));
    setText(li.children[1], [s.medium === 'text' ? 'text' : s.codec, s.sample_rate > 0 && duration(s.samples / s.sample_rate), s.srtp ? 'SRTP' : 'not encrypted', s.lost > 0 && `${s.lost} of ${s.lost + s.packets} packets lost`].filter(Boolean).join(', '));
    setLabels(li.children[2], [[s.state, kinds[s.state] ?? 'plain'], ...(s.pauses ?? []).map((p) => ['paused', 'plain', `${clock(p.from)} to ${clock(p.to)}`])]);
    setAttr(li.children[3], 'hidden', s.medium === 'text' || !s.samples || !store.mayListen);
    setAttr(li.children[4], 'hidden', !store.mayListen);
  });
  const peopleList = new List(people, (p) => p.id, () => h('li', {}, h('span.who', {}), h('small', {}), h('span.span', { 'aria-hidden': 'true' }, h('span', {}))), (li, p) => showPerson(li, p, now));
  function show(r) {
    now = r;
    setTime(title.firstChild, began(r), moment);
    setLabels(labels, stateLabels(r));
    setText(facts, `${lengthOf(r)} long, ${count(r.participants?.length ?? 0, 'participant')}, ${count(r.streams?.length ?? 0, 'stream')}${r.error ? `. ${r.error}` : ''}`);
    streamList.show(r.streams ?? [], true);
    peopleList.show(r.participants ?? [], true);
    showAbout(about, r);
    update();
  }
  function update() {
    setText(hold, now.held ? 'Release…' : 'Hold');
    setAttr(hold, 'title', 'What is held must not be deleted, neither by hand nor by age or size');
    refreshButton(hold, `hold ${id}`, !!now.id);
    for (const b of [all, vcon]) setAttr(b, 'hidden', !store.mayListen || !now.id);
  }
  repeat(element, async () => show(await get(path(id))));
  return { element, update, title: () => `Recording of ${moment(began(now))}` };
}

/** Whose voice a stream holds. @param {any} r @param {any} s */
function streamName(r, s) {
  const who = (s.participants ?? []).map((id) => { const p = r.participants?.find((x) => x.id === id); return p ? nameOf(p) : id; });
  return who.length === 1 ? who[0] : who.length > 1 ? `Mix of ${who.length}` : `Stream ${s.label}`;
}

/** Who was there from when to when, beside the length of all. @param {any} li @param {any} p @param {any} r */
function showPerson(li, p, r) {
  const start = Date.parse(began(r)), end = Date.parse(r.replay?.to ?? r.ended_at ?? new Date().toISOString()), whole = Math.max(1, end - start);
  const share = (t, otherwise) => Math.max(0, Math.min(1, ((t ? Date.parse(t) : otherwise) - start) / whole));
  setText(li.children[0], nameOf(p));
  setAttr(li.children[0], 'title', (p.aors ?? [p.aor]).join(', '));
  setText(li.children[1], `${p.joined_at ? clock(p.joined_at) : '?'} – ${p.left_at ? clock(p.left_at) : r.ended_at ? 'the end' : 'now'}`);
  const bar = li.children[2].firstChild.style;
  bar.setProperty('--from', String(share(p.joined_at, start)));
  bar.setProperty('--to', String(share(p.left_at, end)));
}

/** @param {HTMLElement} list @param {any} r */
function showAbout(list, r) {
  const rows = [['Id', r.id], ['Sessions', (r.sessions ?? []).map((s) => s.id).join(', ')], ['From', r.from], ['To', r.to], ['Call-ID', r.call_id], ['Ended', [moment(r.ended_at), r.end_reason].filter(Boolean).join(', ')], ['Folder', r.directory],
    ['Metadata', r.metadata?.length && `${count(r.metadata.length, 'document')}${r.metadata.some((m) => m.issues?.length) ? ', some with issues' : ''}`],
    ['Seal', r.seal_key ? `key ${r.seal_key}${r.sealed ? ', with its manifest' : r.manifests?.length ? `, ${count(r.manifests.length, 'manifest')}` : ', without a manifest'}. parley verify proves it.` : 'none'],
    ['Delivered', r.replay && `captured ${moment(r.replay.from)}, sent ${moment(r.started_at)}`]].filter(([, v]) => v);
  const shown = JSON.stringify(rows);
  if (list.shownRows === shown) return;
  list.shownRows = shown;
  list.replaceChildren(...rows.flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]));
}

/** Frees what a player had in memory. @param {HTMLAudioElement} player */
function release(player) {
  if (player.src.startsWith('blob:')) URL.revokeObjectURL(player.src);
}

/**
 * Plays a file. Without tokens the browser fetches the parts that it needs itself (Range); with one it cannot, as a token belongs into no address, so
 * that the file comes into memory first.
 * @param {HTMLAudioElement} player @param {HTMLElement} says @param {string} at @param {string} name
 */
async function play(player, says, at, name) {
  try {
    player.pause();
    const url = token() ? URL.createObjectURL(await load(at, (text) => setText(says, text))) : address(at);
    release(player);
    player.src = url;
    setAttr(player, 'hidden', false);
    setText(says, name);
    await player.play();
  } catch (e) {
    setText(says, '');
    if (e.name !== 'AbortError') report(`Play ${name}: ${e.title ?? 'failed'}`, e.message);
  }
}

/** @param {string} at @param {(text: string) => void} progress @returns {Promise<Blob>} */
async function load(at, progress) {
  const stop = new AbortController(), response = await send(at, { signal: stop.signal });
  const size = Number(response.headers.get('Content-Length')) || 0;
  if (size > WARN && !await confirmed('A large file', `${octets(size)} come into the memory of this browser.`, 'Go on')) {
    stop.abort();
    throw Object.assign(new Error('not wanted'), { name: 'AbortError' });
  }
  const parts = [];
  let got = 0;
  for (const reader = response.body.getReader(); ;) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    got += value.length;
    progress(`Loading ${octets(got)}${size ? ` of ${octets(size)}` : ''}…`);
  }
  progress('');
  return new Blob(parts, { type: response.headers.get('Content-Type') ?? '' });
}

/** Saves a file. @param {string} at @param {string} name */
async function save(at, name) {
  const says = document.querySelector('.playing');
  try {
    const url = token() ? URL.createObjectURL(await load(at, (text) => setText(says, text))) : address(at);
    h('a', { href: url, download: name }).click();
    if (url.startsWith('blob:')) setTimeout(() => URL.revokeObjectURL(url), 60_000);
  } catch (e) {
    if (e.name !== 'AbortError') report(`Download ${name}: ${e.title ?? 'failed'}`, e.message);
  }
}
