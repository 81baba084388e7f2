// A recording: to hear, to take away, to hold.
import { get } from './api.js';
import { act, button, refreshButton } from './act.js';
import { confirmed } from './dialog.js';
import { List, h, setAttr, setLabels, setText, setTime } from './dom.js';
import { clock, count, duration, moment } from './format.js';
import { path, player, save, timeline } from './player.js';
import { began, kinds, lengthOf, nameOf, repeat, stateLabels } from './recordings.js';
import { store } from './store.js';

/** @param {string} id @returns {import('./overview.js').View} */
export function recordedView(id) {
  const title = h('h1', {}, h('time', {})), labels = h('p.labels', {}), facts = h('p.facts', {}), sound = player(id), spoken = timeline(id, sound, streamName);
  const hold = button('', async () => {
    const held = !now.held;
    if (!held && !await confirmed('Release the recording?', 'It may be deleted by hand, age or size from then on.', 'Release')) return;
    const answer = await act(`hold ${id}`, held ? 'Hold' : 'Release', ['PATCH', path(id), { held }]);
    if (answer) show(answer);
  });
  const all = button('All in one WAV', () => save(id, path(id, 'audio'), `${id}.wav`)), vcon = button('vCon', () => save(id, path(id, 'vcon'), `${id}.vcon.json`));
  const streams = h('ul.streams', {}), people = h('ul.people', {}), about = h('dl.facts', {});
  const element = h('section.recorded', {}, h('p.back', {}, h('a', { href: '#/recordings' }, '‹ Recordings')), title, labels, facts, h('div.actions', { role: 'group', 'aria-label': 'Recording' }, hold, all, vcon),
    sound.element, spoken.element, h('div.columns', {}, h('div', {}, h('h2', {}, 'Streams'), streams, h('h2', {}, 'Who was there'), people), h('div.aside', {}, h('h2', {}, 'About'), about)));
  /** @type {any} */
  let now = { participants: [], streams: [] };
  const streamList = new List(streams, (s) => s.file, (s) => h('li', {}, h('span.who', {}), h('small', {}), h('span.labels', {}), button('Play', () => sound.play(s, streamName(now, s)), 'play'), button('Download', () => save(id, path(id, 'streams', s.file), s.file))), (li, s) => {
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
    spoken.show(r, store.mayListen);
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
