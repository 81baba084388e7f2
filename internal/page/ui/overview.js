// The overview: what is wrong comes first, then conferences, recording servers and trunks.
import { act, button, refreshButton } from './act.js';
import { acknowledged, alarms } from './alarms.js';
import { form } from './dialog.js';
import { List, h, setAttr, setLabels, setText, setTime } from './dom.js';
import { clock, count, moment, nameOf, octets, reasonOf, since } from './format.js';
import { later, refresh, store } from './store.js';

/** @typedef {{element: HTMLElement, update: () => void, title: () => string}} View */

/** @returns {View} */
export function overview() {
  const alarm = alarmList(), conferences = conferenceTable(), servers = serverList(), trunks = trunkList(), recorder = recorderBox(), log = eventLog(() => true);
  const element = h('div.overview', {}, alarm.element, h('div.columns', {}, conferences.element, h('div.aside', {}, servers.element, trunks.element, recorder.element, log.element)));
  return { element, title: () => 'Conferences', update: () => [alarm, conferences, servers, trunks, recorder, log].forEach((part) => part.update()) };
}

const kindOf = { bad: 'Alarm', warn: 'Warning' };

/** What is wrong, to be acknowledged. */
export function alarmList() {
  const items = h('ul', {}), more = h('p.more', { hidden: true }), past = h('ul', {}), summary = h('summary', {}), folded = h('details.past', { hidden: true }, summary, past);
  const element = h('section.alarms', { 'aria-labelledby': 'alarms' }, h('h2', { id: 'alarms' }, 'Alarms'), h('div', { 'aria-live': 'polite' }, items), more, folded);
  /** @type {Map<string, any>} */
  let known = new Map();
  const make = (text, act) => (a) => h('li', {}, h('span.kind', {}), h('span.text', {}), h('span.detail', {}), button(text, () => act(known.get(a.key))));
  const show = (li, a) => {
    const { seen } = a;
    setAttr(li, 'class', seen ? 'seen' : a.severity);
    setText(li.children[0], seen ? 'Seen' : kindOf[a.severity]);
    setText(li.children[1], a.text);
    setText(li.children[2], seen ? `${a.detail}. Seen ${moment(seen.at)}${seen.by || seen.token ? ` by ${[seen.by, seen.token && `(${seen.token})`].filter(Boolean).join(' ')}` : ''}${seen.note ? `: ${seen.note}` : ''}` : a.detail);
    refreshButton(li.children[3], a.key, !!a.offer);
    setAttr(li.children[3], 'aria-label', `${seen ? 'Take back' : 'Acknowledge'}: ${a.text}`);
  };
  const list = new List(items, (a) => a.key, make('Acknowledge…', acknowledge), show), seenList = new List(past, (a) => a.key, make('Take back', (a) => a && mark(a, { acknowledged: false })), show);
  const SHOWN = 8;
  return { element, update: () => {
    const all = alarms(), seen = acknowledged();
    known = new Map([...all, ...seen].map((a) => [a.key, a]));
    setAttr(element, 'hidden', all.length + seen.length === 0);
    setAttr(folded, 'hidden', seen.length === 0);
    setText(summary, `${seen.length} acknowledged`);
    seenList.show(seen.slice(0, 50), true);
    list.show(all.slice(0, SHOWN), true);
    setAttr(more, 'hidden', all.length <= SHOWN);
    setText(more, `and ${all.length - SHOWN} more: parley record assurance lists them`);
  } };
}

const WHO = 'parley.who';

/** @param {import('./alarms.js').Alarm | undefined} a */
async function acknowledge(a) {
  if (!a?.offer) return;
  const given = await form('Acknowledge the alarm', [
    { name: 'by', label: 'Who has seen to it', value: sessionStorage.getItem(WHO) ?? '', attributes: { maxlength: 128 } }, { name: 'note', label: 'Note', hint: 'What was found, or done about it.', attributes: { maxlength: 1024 } },
  ], 'Acknowledge', a.offer.note);
  if (!given) return;
  sessionStorage.setItem(WHO, given.by);
  await mark(a, { acknowledged: true, ...given });
}

/** @param {import('./alarms.js').Alarm} a @param {{acknowledged: boolean}} given */
async function mark({ key, offer }, given) {
  await act(key, given.acknowledged ? 'Acknowledge' : 'Take back', ['PATCH', offer.path, { ...offer.body, ...given }], () => {
    const now = offer.now();
    return !now || !!now.acknowledged === given.acknowledged;
  });
  later('slow', 0, refresh);
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

/** What the reference recorder does. @param {any} r ReferenceRecorder */
export const recorderFacts = (r) => [
  `${count(r.recordings, 'recording')} and ${count(r.streams, 'stream')} go on`, `${r.lost} of ${r.packets + r.lost} packets lost`, r.failed > 0 && `${count(r.failed, 'recording')} could not be written to the end`,
  `${octets(r.disk_free)} of disk free${r.disk_low ? ': too little, no recording begins' : ''}`,
].filter(Boolean).join('; ');

function recorderBox() {
  const text = h('p', {});
  const element = h('section', { 'aria-labelledby': 'recorder' }, h('h2', { id: 'recorder' }, 'Reference recorder'), text, h('p', {}, h('a', { href: '#/recordings' }, 'What it has recorded')));
  return { element, update: () => {
    const r = store.recorder;
    setAttr(element, 'hidden', !r);
    if (r) setText(text, recorderFacts(r));
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
    const how = what === 'left' && object.disconnection ? ` (${[object.disconnection.method, reasonOf(object.disconnection.reason)].filter(Boolean).join(', ')})` : '';
    return `${nameOf(object)} ${what === 'waiting' ? 'waits' : what === 'joined' ? 'is in' : what}${how}`;
  }
  if (subject === 'recording') return `recording ${what}: ${object.servers.map((s) => `${s.name} ${s.state}${s.error ? ` (${s.error})` : ''}`).join(', ')}`;
  return `conference ${what}`;
}
