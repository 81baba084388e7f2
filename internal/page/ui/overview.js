// The overview: what is wrong comes first, then conferences, recording servers and trunks.
import { act, button, refreshButton } from './act.js';
import { alarms } from './alarms.js';
import { form } from './dialog.js';
import { List, h, setAttr, setLabels, setText, setTime } from './dom.js';
import { clock, count, nameOf, octets, since } from './format.js';
import { store } from './store.js';

/** @typedef {{element: HTMLElement, update: () => void, title: () => string}} View */

/** @returns {View} */
export function overview() {
  const alarm = alarmList(), conferences = conferenceTable(), servers = serverList(), trunks = trunkList(), recorder = recorderBox(), log = eventLog(() => true);
  const element = h('div.overview', {}, alarm.element, h('div.columns', {}, conferences.element, h('div.aside', {}, servers.element, trunks.element, recorder.element, log.element)));
  return { element, title: () => 'Conferences', update: () => [alarm, conferences, servers, trunks, recorder, log].forEach((part) => part.update()) };
}

const kindOf = { bad: 'Alarm', warn: 'Warning' };

function alarmList() {
  const items = h('ul', {}), more = h('p.more', { hidden: true });
  const element = h('section.alarms', { 'aria-labelledby': 'alarms' }, h('h2', { id: 'alarms' }, 'Alarms'), h('div', { 'aria-live': 'polite' }, items), more);
  const list = new List(items, (a) => a.key, () => h('li', {}, h('span.kind', {}), h('span.text', {}), h('span.detail', {})), (li, a) => {
    setAttr(li, 'class', a.severity);
    setText(li.children[0], kindOf[a.severity]);
    setText(li.children[1], a.text);
    setText(li.children[2], a.detail);
  });
  const SHOWN = 8;
  return { element, update: () => {
    const all = alarms();
    setAttr(element, 'hidden', all.length === 0);
    list.show(all.slice(0, SHOWN));
    setAttr(more, 'hidden', all.length <= SHOWN);
    setText(more, `and ${all.length - SHOWN} more: parley record assurance lists them`);
  } };
}

function conferenceTable() {
  const body = h('tbody', {});
  const search = h('input', { type: 'search', placeholder: 'Find a conference', 'aria-label': 'Find a conference', oninput: () => update() });
  const create = button('New conference', newConference);
  const empty = h('p.empty', {}), heading = h('h2', { id: 'conferences' }, 'Conferences');
  const element = h('section.conferences', { 'aria-labelledby': 'conferences' }, h('div.bar', {}, heading, search, create),
    h('table', {}, h('thead', {}, h('tr', {}, ...['Conference', 'In it', 'Since', 'State', 'Recording'].map((t) => h('th', { scope: 'col' }, t)))), body), empty);
  const list = new List(body, (c) => c.id, (c) => h('tr', {}, h('th', { scope: 'row' }, h('a', { href: `#/conferences/${encodeURIComponent(c.id)}` }), h('small', {})),
    h('td.number', {}), h('td.number', {}, h('time', {})), h('td', {}), h('td', {})), conferenceRow);
  function update() {
    const wanted = search.value.trim().toLowerCase();
    const all = [...store.conferences.values()];
    const found = all.filter((c) => `${c.id} ${c.name}`.toLowerCase().includes(wanted)).sort((a, b) => b.active - a.active || a.id.localeCompare(b.id, undefined, { numeric: true }));
    list.show(found);
    for (const [i, c] of found.entries()) if (c.started_at) setText(body.children[i].children[2].firstChild, since(c.started_at));
    setText(heading, `Conferences${all.length ? ` (${all.length})` : ''}`);
    setText(empty, !store.loaded ? 'Loading…' : found.length ? '' : all.length ? 'None is called so.' : 'No conference.');
    refreshButton(create, 'create', true);
  }
  return { element, update };
}

/** @param {HTMLElement} row @param {any} c */
function conferenceRow(row, c) {
  const [name, present, started, state, recording] = row.children;
  setText(name.children[0], c.name || c.id);
  setText(name.children[1], c.name ? c.id : '');
  setText(present, c.present || (c.participants ? `0 (${c.participants})` : '0'));
  setAttr(present, 'title', count(c.participants, 'participant') + ', those being called among them');
  setTime(started.firstChild, c.started_at, () => since(c.started_at));
  setAttr(row, 'class', c.active ? 'active' : 'idle');
  setLabels(state, [c.waiting && [`${c.waiting} waiting`, 'warn', 'wait to be let in'], c.locked && ['locked', 'note', 'nobody more may join'], c.lecture && ['lecture', 'plain'],
    c.ends_at && [`ends ${clock(c.ends_at)}`, 'warn'], c.pin_protected && ['PIN', 'plain', 'who calls in has to enter a PIN'], c.sidebars.length && [count(c.sidebars.length, 'sidebar'), 'plain']].filter(Boolean));
  setLabels(recording, [{ on: ['recorded', 'rec'], paused: ['paused', 'warn'] }[c.recording]].filter(Boolean));
}

async function newConference() {
  const given = await form('New conference', [
    { name: 'id', label: 'Number', hint: 'The user part of its URI; left out: one that nobody can guess.', attributes: { maxlength: 128 } }, { name: 'name', label: 'Name', attributes: { maxlength: 256 } },
    { name: 'pin', label: 'PIN', hint: '4 to 32 digits, if callers have to enter one.', attributes: { pattern: '[0-9]{4,32}', inputmode: 'numeric' } }, { name: 'lobby', label: 'Callers wait until they are let in', type: 'checkbox' },
  ], 'Create');
  if (!given) return;
  const body = Object.fromEntries(Object.entries(given).filter(([, v]) => v));
  const made = await act('create', 'Create a conference', ['POST', '/conferences', body], (answer) => store.conferences.has(answer.id));
  if (made) location.hash = `#/conferences/${encodeURIComponent(made.id)}`;
}

/** A small table of things with a name, a state and a remark. @param {string} title @param {(item: any) => [string, string, string, string, string?]} describe Name, state, its kind, remark, title. */
function stateList(title, list, describe) {
  const body = h('tbody', {}), empty = h('p.empty', {}, 'None.');
  const id = title.toLowerCase().replaceAll(' ', '-');
  const element = h('section', { 'aria-labelledby': id }, h('h2', { id }, title), h('table.states', {}, body), empty);
  const rows = new List(body, (i) => i.name, () => h('tr', {}, h('th', { scope: 'row' }), h('td', {}), h('td', {})), (row, item) => {
    const [name, state, kind, remark, hint] = describe(item);
    setText(row.children[0], name);
    setAttr(row.children[0], 'title', hint);
    setLabels(row.children[1], [[state, kind]]);
    setText(row.children[2], remark);
  });
  return { element, update: () => {
    rows.show(list());
    setAttr(element, 'hidden', !store.loaded);
    setAttr(empty, 'hidden', list().length > 0);
  } };
}

const serverKinds = { up: 'good', unknown: 'plain', down: 'bad', resting: 'warn' };
const serverList = () => stateList('Recording servers', () => store.servers, (s) => [s.name, s.state, serverKinds[s.state] ?? 'plain',
  [count(s.sessions, 'session'), s.failures && count(s.failures, 'failure') + ' in a row', s.rests_until && `until ${clock(s.rests_until)}`].filter(Boolean).join(', '), `${s.uri}, ${s.state} since ${clock(s.since)}`]);

const trunkKinds = { registered: 'good', up: 'good', static: 'plain', registering: 'warn', failed: 'bad', down: 'bad' };
const trunkList = () => {
  const part = stateList('Trunks', () => store.trunks, (t) => [t.name, t.state, trunkKinds[t.state] ?? 'plain', t.reason || (t.since ? `since ${clock(t.since)}` : ''), t.uri]);
  return { element: part.element, update: () => { part.update(); setAttr(part.element, 'hidden', store.trunks.length === 0); } };
};

function recorderBox() {
  const text = h('p', {});
  const element = h('section', { 'aria-labelledby': 'recorder' }, h('h2', { id: 'recorder' }, 'Reference recorder'), text, h('p', {}, h('a', { href: '#/recordings' }, 'What it has recorded')));
  return { element, update: () => {
    const r = store.recorder;
    setAttr(element, 'hidden', !r);
    if (r) setText(text, `${count(r.recordings, 'recording')} and ${count(r.streams, 'stream')} go on; ${r.lost} of ${r.packets + r.lost} packets lost; ${octets(r.disk_free)} of disk free${r.disk_low ? ': too little, no recording begins' : ''}`);
  } };
}

/** The last events. @param {(event: import('./stream.js').Event) => boolean} wanted */
export function eventLog(wanted) {
  const items = h('ol.log', {}), empty = h('p.empty', {}, 'Nothing yet since this page is open.');
  const element = h('section', { 'aria-labelledby': 'log' }, h('h2', { id: 'log' }, 'What happens'), items, empty);
  const list = new List(items, (e) => e.id, () => h('li', {}, h('time', {}), h('span.where', {}), h('span', {})), (li, e) => {
    setTime(li.children[0], e.time, clock);
    setText(li.children[1], e.conference);
    setText(li.children[2], describe(e));
    setAttr(li, 'class', /failed|degraded/.test(e.type) ? 'bad' : undefined);
  });
  return { element, update: () => {
    const found = store.events.filter((e) => e.type !== 'participant.updated' && wanted(e)).slice(0, 40);
    list.show(found);
    setAttr(empty, 'hidden', found.length > 0);
    setAttr(element, 'hidden', !store.access?.conferences);
  } };
}

/** @param {import('./stream.js').Event} e */
function describe({ type, object }) {
  const [subject, what] = type.split('.');
  if (subject === 'participant') {
    const how = what === 'left' && object.disconnection ? ` (${[object.disconnection.method, object.disconnection.reason].filter(Boolean).join(', ')})` : '';
    return `${nameOf(object)} ${what === 'waiting' ? 'waits' : what === 'joined' ? 'is in' : what}${how}`;
  }
  if (subject === 'recording') return `recording ${what}: ${object.servers.map((s) => `${s.name} ${s.state}${s.error ? ` (${s.error})` : ''}`).join(', ')}`;
  return `conference ${what}`;
}
