// A conference: what can be done with it, its recordings, its sidebars, its roster.
import { at } from './api.js';
import { act, button, refreshButton, report } from './act.js';
import { confirmed, form } from './dialog.js';
import { List, h, setAttr, setLabels, setText, setTime } from './dom.js';
import { clock, count, nameOf, reasonOf, since } from './format.js';
import { eventLog } from './overview.js';
import { recordingsPart } from './recording.js';
import { rosterPart } from './roster.js';
import { onEvent, store } from './store.js';

/** @param {string} id @returns {import('./overview.js').View} */
export function conferenceView(id) {
  const head = heading(id), recordings = recordingsPart(id), sidebars = sidebarsPart(id), roster = rosterPart(id), log = eventLog((e) => e.conference === id);
  const parts = [head, recordings, sidebars, roster, log];
  const absent = h('p.empty', { hidden: true }, 'There is no such conference now. It is shown as soon as there is one.');
  const content = h('div.columns', {}, roster.element, h('div.aside', {}, recordings.element, sidebars.element, log.element));
  return {
    element: h('div.conference', {}, head.element, absent, content),
    title: () => store.conferences.get(id)?.name || id,
    update: () => {
      const { room } = store;
      if (!room || room.id !== id) return;
      setAttr(absent, 'hidden', !room.gone);
      setAttr(content, 'hidden', room.gone);
      for (const part of parts) part.update();
    },
  };
}

/** @param {string} id */
function heading(id) {
  const name = h('h1', {}), number = h('span.number', {}), facts = h('p.facts', {}, h('span', {}), h('time', {}), h('span.labels', {}));
  /** @type {Action[]} */
  const actions = [
    { key: 'lock', text: (c) => (c.locked ? 'Unlock' : 'Lock'), hint: 'Whether anybody more may come in', run: (c) => change(c, 'Lock', 'locked', !c.locked) },
    { key: 'mute-all', text: () => 'Mute all', hint: 'All but the moderators', run: () => muteAll(id, true) },
    { key: 'unmute-all', text: () => 'Unmute all', hint: 'All but the moderators', run: () => muteAll(id, false) },
    { key: 'lecture', text: (c) => (c.lecture ? 'End lecture' : 'Lecture'), hint: 'Only moderators and those who have the floor are heard', run: (c) => change(c, 'Lecture', 'lecture', !c.lecture) },
    { key: 'admit', text: (c) => `Let in ${c.waiting}`, hint: 'Everybody who waits', kind: 'primary', when: (c) => c.waiting > 0, run: () => admitAll(id) },
    { key: 'hands', text: () => 'Lower hands', hint: 'All of them', when: () => [...(store.room?.participants.values() ?? [])].some((p) => p.hand_raised_at), run: () => lowerHands(id) },
    { key: 'dial', text: () => 'Call somebody…', hint: 'Into this conference', run: () => dial(id) },
    { key: 'end', text: () => 'End conference…', hint: 'Everybody is disconnected', kind: 'danger', run: (c) => end(c) },
  ];
  const buttons = actions.map((a) => ({ ...a, element: button('', () => a.run(store.conferences.get(id)), a.kind) }));
  const bar = h('div.actions', { role: 'group', 'aria-label': 'Conference' }, ...buttons.map((b) => b.element));
  const element = h('header.conference', {}, h('p.back', {}, h('a', { href: '#/' }, '‹ Conferences')), h('div.title', {}, name, number), facts, bar);
  return { element, update: () => {
    const c = store.conferences.get(id);
    setText(name, c?.name || id);
    setText(number, c ? c.uri.replace(/^sips?:/, '') : '');
    setAttr(bar, 'hidden', !c || store.room?.gone);
    setAttr(facts, 'hidden', !c || store.room?.gone);
    if (!c) return;
    setText(facts.children[0], `${c.present} in it` + (c.participants > c.present ? `, ${c.participants} with those who wait or are called` : ''));
    setTime(facts.children[1], c.started_at, (t) => `for ${since(t)}`);
    setLabels(facts.children[2], [c.recording === 'on' && ['recorded', 'rec'], c.recording === 'paused' && ['recording paused', 'warn'], c.locked && ['locked', 'note'], c.lecture && ['lecture', 'note'],
      c.waiting && [`${c.waiting} waiting`, 'warn'], c.ends_at && [`ends ${clock(c.ends_at)}`, 'warn'], c.muted_on_entry && ['muted on entry', 'plain']].filter(Boolean));
    for (const b of buttons) {
      setText(b.element, b.text(c));
      setAttr(b.element, 'title', b.hint);
      refreshButton(b.element, `${id} ${b.key}`, b.when ? b.when(c) : true);
    }
  } };
}

/** @typedef {{key: string, text: (c: any) => string, hint: string, kind?: string, when?: (c: any) => boolean, run: (c: any) => void}} Action */

/** @param {any} c @param {string} what @param {string} field @param {boolean} value */
const change = (c, what, field, value) => act(`${c.id} ${field === 'locked' ? 'lock' : field}`, what, ['PATCH', at(c.id), { [field]: value }], () => store.conferences.get(c.id)?.[field] === value);

/** @param {string} id @param {boolean} muted */
function muteAll(id, muted) {
  const all = () => [...(store.room?.participants.values() ?? [])].filter((p) => p.role === 'speaker' && p.joined_at && !p.waiting);
  act(`${id} ${muted ? 'mute-all' : 'unmute-all'}`, muted ? 'Mute all' : 'Unmute all', ['POST', at(id, 'mute'), { muted }], () => all().every((p) => p.muted === muted));
}

/** @param {string} id */
const admitAll = (id) => act(`${id} admit`, 'Let in', ['POST', at(id, 'admit')], () => [...(store.room?.participants.values() ?? [])].every((p) => !p.waiting));

/** @param {string} id */
const lowerHands = (id) => act(`${id} hands`, 'Lower hands', ['DELETE', at(id, 'hands')], () => [...(store.room?.participants.values() ?? [])].every((p) => !p.hand_raised_at));

/** @type {Map<string, string>} Whom we have called and who has not come yet: participant's id to URI. */
const called = new Map();
onEvent((e) => {
  if (!e.type.startsWith('participant.') || !called.has(e.object.id)) return;
  if (e.type === 'participant.joined' || e.type === 'participant.waiting') called.delete(e.object.id);
  if (e.type === 'participant.left') unanswered(e.object);
});

/** Says why a call has come to nothing. @param {any} p ParticipantInfo */
function unanswered(p) {
  const uri = called.get(p.id), { method, reason } = p.disconnection ?? {};
  called.delete(p.id);
  if (method === 'booted') return; // by somebody
  const why = reasonOf(reason);
  report(`Call ${uri}: not answered.`, why ? `The answer was: ${why}.` : method === 'busy' ? 'It is busy.' : 'The call has failed.');
}

/** @param {string} id */
async function dial(id) {
  const given = await form('Call somebody', [
    { name: 'uri', label: 'SIP URI', required: true, attributes: { placeholder: 'sip:bob@example.com', maxlength: 1024, minlength: 5, inputmode: 'url', 'data-first': true } },
    { name: 'display_name', label: 'Name', hint: 'For the roster', attributes: { maxlength: 256 } },
    { name: 'role', label: 'Role', type: 'select', value: 'speaker', options: [['speaker', 'speaker'], ['moderator', 'moderator'], ['listener', 'listener']] },
    { name: 'consent', label: 'Has to press 1 first, as a voice mailbox would not', type: 'checkbox' },
  ], 'Call');
  if (!given) return;
  const left = (pid) => store.events.find((e) => e.type === 'participant.left' && e.object.id === pid);
  const answer = await act(`${id} dial`, `Call ${given.uri}`, ['POST', at(id, 'participants'), Object.fromEntries(Object.entries(given).filter(([, v]) => v))],
    (a) => !a?.id || store.room?.participants.has(a.id) || !!left(a.id));
  if (!answer) return;
  called.set(answer.id, given.uri);
  if (left(answer.id)) unanswered(left(answer.id).object); // before the answer
}

/** @param {any} c */
async function end(c) {
  if (!await confirmed(`End ${c.name || c.id}?`, `${count(c.participants, 'participant')} will be disconnected${c.recording !== 'off' ? ', and the recording ends' : ''}.`, 'End conference')) return;
  await act(`${c.id} end`, 'End conference', ['DELETE', at(c.id)], () => !(store.conferences.get(c.id)?.active));
}

/** @param {string} id */
function sidebarsPart(id) {
  const items = h('ul.plain', {}), open = button('Take aside…', () => takeAside(id)), empty = h('p.empty', {}, 'Nobody talks aside.');
  const list = new List(items, (s) => s.id, (s) => h('li', {}, h('span', {}, h('strong', {}), ' ', h('span', {})), h('span.actions', {}, button('Change…', () => changeSidebar(id, s.id), 'change'), button('Bring back', () => bringBack(id, s.id), 'back'))), (li, s) => {
    setText(li.children[0].children[0], s.name || 'Sidebar');
    setText(li.children[0].children[1], names(s.participants).join(', ') + (s.hear_main ? ', who hear the others' : ''));
    for (const b of li.children[1].children) refreshButton(b, `${id} sidebar ${s.id}`);
  });
  const element = h('section', { 'aria-labelledby': 'sidebars' }, h('div.bar', {}, h('h2', { id: 'sidebars' }, 'Sidebars'), open), items, empty);
  return { element, update: () => {
    const sidebars = store.conferences.get(id)?.sidebars ?? [];
    list.show(sidebars, true);
    setAttr(empty, 'hidden', sidebars.length > 0);
    refreshButton(open, `${id} aside`, (store.room?.participants.size ?? 0) > 0);
  } };
}

/** @param {string[]} ids */
const names = (ids) => ids.map((i) => { const p = store.room?.participants.get(i); return p ? nameOf(p) : i; });

/** @param {string} id */
async function takeAside(id) {
  const there = [...store.room.participants.values()].filter((p) => p.joined_at && !p.waiting);
  const given = await form('Take aside', [
    { name: 'participants', label: 'Whom', type: 'many', required: true, options: there.map((p) => [p.id, nameOf(p)]) }, { name: 'name', label: 'Name', attributes: { maxlength: 256 } },
    { name: 'hear_main', label: 'They hear the others', type: 'checkbox' }, { name: 'private', label: 'The others are not told', type: 'checkbox' },
  ], 'Take aside', 'They hear each other, and nobody else hears them.');
  if (!given) return;
  await act(`${id} aside`, 'Take aside', ['POST', at(id, 'sidebars'), given], (answer) => store.conferences.get(id)?.sidebars.some((s) => s.id === answer.id));
}

/** Takes more aside, or some back. @param {string} id @param {string} sidebar */
async function changeSidebar(id, sidebar) {
  const now = () => store.conferences.get(id)?.sidebars.find((s) => s.id === sidebar);
  const s = now();
  if (!s) return;
  const there = [...store.room.participants.values()].filter((p) => p.joined_at && !p.waiting);
  const given = await form(`Sidebar ${s.name}`, [
    { name: 'participants', label: 'Who is in it', type: 'many', required: true, value: s.participants, options: there.map((p) => [p.id, nameOf(p)]) },
    { name: 'hear_main', label: 'They hear the others', type: 'checkbox', value: s.hear_main },
  ], 'Change', 'Those who are not chosen come back to the others.');
  if (!given) return;
  const wanted = JSON.stringify(given.participants.toSorted());
  await act(`${id} sidebar ${sidebar}`, 'Change the sidebar', ['PATCH', at(id, 'sidebars', sidebar), given], () => {
    const changed = now();
    return !changed || JSON.stringify(changed.participants.toSorted()) === wanted && !!changed.hear_main === given.hear_main;
  });
}

/** @param {string} id @param {string} sidebar */
const bringBack = (id, sidebar) => act(`${id} sidebar ${sidebar}`, 'Bring back', ['DELETE', at(id, 'sidebars', sidebar)], () => !store.conferences.get(id)?.sidebars.some((s) => s.id === sidebar));
