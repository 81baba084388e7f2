// The recordings of a conference: what each server has acknowledged, and how to begin, pause, resume and end them.
import { at } from './api.js';
import { act, button, refreshButton } from './act.js';
import { confirmed, form } from './dialog.js';
import { List, h, setAttr, setLabels, setText, setTime } from './dom.js';
import { clock, count, since } from './format.js';
import { store } from './store.js';

const kinds = { starting: 'warn', recording: 'rec', paused: 'warn', stopping: 'warn', stopped: 'plain', failed: 'bad' };
const over = (r) => r.state === 'stopped' || r.state === 'failed';

/** @param {string} id of the conference */
export function recordingsPart(id) {
  const items = h('ul.recordings', {}), empty = h('p.empty', {}, 'Nothing is recorded.'), start = button('Record…', () => begin(id), 'record');
  const list = new List(items, (r) => r.id, (r) => row(id, r.id), (element, r) => showRow(element, id, r));
  const element = h('section', { 'aria-labelledby': 'recording', 'aria-live': 'polite' }, h('div.bar', {}, h('h2', { id: 'recording' }, 'Recording'), start), items, empty);
  return { element, update: () => {
    const all = [...(store.room?.recordings.values() ?? [])];
    const shown = all.filter((r) => !over(r)).concat(all.filter(over).slice(-3).reverse());
    list.show(shown, true);
    setAttr(empty, 'hidden', shown.length > 0 || !store.room?.loaded);
    refreshButton(start, `${id} record`);
  } };
}

/** @param {string} id @param {string} rid */
function row(id, rid) {
  const now = () => store.room?.recordings.get(rid);
  return h('li', {}, h('div.bar', {}, h('span.labels', {}), h('span.what', {}, h('span', {}), ' ', h('time', {})),
    button('', () => pause(id, now())), button('Stop', () => stop(id, now()), 'danger')), h('ul.servers', {}));
}

/** @param {any} element @param {string} id @param {any} r RecordingInfo */
function showRow(element, id, r) {
  const [labels, what, pauseButton, stopButton] = element.children[0].children;
  setLabels(labels, [[r.state, kinds[r.state] ?? 'plain', `recording ${r.id}`]]);
  setText(what.children[0], r.mode.join(' and '));
  setTime(what.children[1], r.started_at, (t) => (over(r) ? `began ${clock(t)}` : since(t)));
  setText(pauseButton, r.state === 'paused' ? 'Resume' : 'Pause');
  refreshButton(pauseButton, `${id} recording ${r.id}`, r.state === 'recording' || r.state === 'paused');
  refreshButton(stopButton, `${id} recording ${r.id}`, !over(r));
  element.list ??= new List(element.children[1], (s) => s.name, () => h('li', {}, h('span', {}), h('span.labels', {}), h('small', {})), (li, s) => {
    setText(li.children[0], s.name);
    setLabels(li.children[1], [[s.state, kinds[s.state] ?? 'plain']]);
    setText(li.children[2], s.remark);
  });
  element.list.show(r.servers.map((s) => ({ ...s, remark: s.error || streams(r, s.name) })));
}

/** How what a server gets arrives there. @param {any} r @param {string} server */
function streams(r, server) {
  const own = r.streams.filter((s) => s.server === server);
  if (!own.length) return '';
  const loss = Math.max(...own.map((s) => s.loss_percent)), trip = Math.max(...own.map((s) => s.round_trip_ms));
  return [count(own.length, 'stream'), own.some((s) => s.reports) ? `${loss.toFixed(loss > 0 && loss < 10 ? 1 : 0)} % lost` : 'no reports', trip > 0 && `${Math.round(trip)} ms`].filter(Boolean).join(', ');
}

/** @param {string} id */
async function begin(id) {
  const groups = [...new Set(store.servers.map((s) => s.group).filter(Boolean))];
  const names = store.servers.map((s) => [s.name, `${s.name} (${s.state})`]).concat(groups.map((g) => [g, `${g} (group)`]));
  const given = await form('Record', [
    { name: 'mode', label: 'What', type: 'select', value: '', options: [['', 'as the conference is configured'], ['mixed', 'the mix'], ['separate', 'each participant'], ['mixed,separate', 'the mix, and each participant'], ['pair', 'two sides']] },
    { name: 'servers', label: 'Where', type: 'many', options: names, hint: 'None chosen: as the conference is configured.' },
  ], 'Record', 'Participants are told before anything is recorded.');
  if (!given) return;
  const body = {};
  if (given.mode) body.mode = given.mode.split(',');
  if (given.servers.length) body.servers = given.servers;
  await act(`${id} record`, 'Record', ['POST', at(id, 'recordings'), body], (answer) => { const r = store.room?.recordings.get(answer.id); return !!r && r.state !== 'starting'; });
}

/** @param {string} id @param {any} r */
function pause(id, r) {
  const state = r.state === 'paused' ? 'recording' : 'paused';
  act(`${id} recording ${r.id}`, state === 'paused' ? 'Pause' : 'Resume', ['PATCH', at(id, 'recordings', r.id), { state }], () => {
    const now = store.room?.recordings.get(r.id);
    return !now || now.state === state || over(now);
  });
}

/** @param {string} id @param {any} r */
async function stop(id, r) {
  if (!await confirmed('Stop the recording?', 'What is said from then on is not recorded.', 'Stop')) return;
  await act(`${id} recording ${r.id}`, 'Stop', ['DELETE', at(id, 'recordings', r.id)], () => { const now = store.room?.recordings.get(r.id); return !now || over(now); });
}
