// What the reference recorder has recorded: to find.
import { get } from './api.js';
import { complain } from './act.js';
import { List, h, setLabels, setText, setTime } from './dom.js';
import { apart, between, moment, short } from './format.js';
import { alarmList, recorderFacts } from './overview.js';
import { store } from './store.js';

const AGAIN = 10_000; // ms between looks: recordings have no events
const PATIENT = 300; // ms after a key
const LIMIT = 200;
export const kinds = { recording: 'rec', paused: 'warn', finished: 'good', interrupted: 'warn', failed: 'bad' };

/** Does something now, again after a while as long as an element is shown, and when it is asked to. @param {HTMLElement} element @param {() => Promise<void>} look */
export function repeat(element, look) {
  let timer;
  const again = async () => {
    clearTimeout(timer);
    try {
      if (store.access) await look();
    } catch (e) {
      complain('Look at recordings', e);
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
  const facts = h('p.facts', {}), alarm = alarmList();
  const section = h('section.recorded', { 'aria-labelledby': 'recorded' }, h('div.bar', {}, h('h1', { id: 'recorded' }, 'Recordings')),
    facts, h('div.bar.filters', {}, q, h('label', {}, 'from ', from), h('label', {}, 'to ', to), state),
    h('table.list', {}, h('thead', {}, h('tr', {}, ...['Began', 'Length', 'Participants', 'State'].map((t) => h('th', { scope: 'col' }, t)))), body), empty);
  const element = h('div', {}, alarm.element, section);
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
    setText(empty, found.length === 0 ? (query.size > 1 ? 'Nothing is recorded that is so.' : 'Nothing is recorded yet.') : found.length === LIMIT ? `The newest ${LIMIT} are shown.` : '');
  };
  const look = repeat(element, fetchAll);
  const soon = () => { clearTimeout(timer); timer = setTimeout(look, PATIENT); };
  return { element, update: () => {
    setText(facts, store.recorder ? recorderFacts(store.recorder) : '');
    alarm.update();
  }, title: () => 'Recordings' };
}

/** When it was captured: what was delivered later is of another time than its session. @param {any} r */
export const began = (r) => r.replay?.from ?? r.started_at;
/** @param {any} r */
export const lengthOf = (r) => (r.replay ? between(r.replay.from, r.replay.to) : between(r.started_at, r.ended_at) || between(r.started_at, new Date().toISOString()));
/** @param {any} p */
export const nameOf = (p) => apart(p.name || short(p.aor ?? '') || p.id);
/** @param {any} r */
function namesOf(r) {
  const names = (r.participants ?? []).map(nameOf);
  return names.length > 6 ? `${names.slice(0, 6).join(', ')} and ${names.length - 6} more` : names.join(', ');
}

/** @param {any} r @returns {[string, string, string?][]} */
export const stateLabels = (r) => [[r.state, kinds[r.state] ?? 'plain', r.error || r.end_reason], r.held && ['held', 'note', 'must not be deleted'], r.replay && ['delivered later', 'plain', 'the client had kept it'],
  r.sealed && ['sealed', 'good', 'the signed manifest is there: parley verify proves what is stored'], r.seal_key && !r.sealed && !r.manifests?.length && ['no manifest yet', r.state === 'recording' ? 'plain' : 'warn', 'it was to be sealed']].filter(Boolean);
