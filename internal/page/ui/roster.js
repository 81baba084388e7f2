// The roster of a conference. A row is touched only when its participant has changed.
import { at } from './api.js';
import { act, button, refreshButton } from './act.js';
import { List, h, setAttr, setLabels, setText, setTime } from './dom.js';
import { clock, nameOf, percent, short } from './format.js';
import { meter } from './levels.js';
import { participantPanel } from './participant.js';
import { store } from './store.js';

const columns = [['', 'speaks'], ['Participant', 'who'], ['State', 'state'], ['Media', 'media'], ['MOS', 'mos'], ['Lost', 'loss'], ['Jitter', 'jitter'], ['RTT', 'rtt'], ['In since', 'since'], ['', 'do']];
const filters = { all: () => true, speaking: (p) => p.speaking, waiting: (p) => p.waiting, hands: (p) => p.hand_raised_at, muted: (p) => p.muted, poor: (p) => p.stats?.mos > 0 && p.stats.mos < 3.5 };
const filterNames = { all: 'Everybody', speaking: 'Speaks', waiting: 'Waits', hands: 'Hand raised', muted: 'Muted', poor: 'Poor quality' };

/** @param {string} id of the conference */
export function rosterPart(id) {
  const body = h('tbody', {}), empty = h('p.empty', {}), heading = h('h2', { id: 'roster' });
  const search = h('input', { type: 'search', placeholder: 'Find a participant', 'aria-label': 'Find a participant', oninput: () => update() });
  const choice = h('select', { 'aria-label': 'Which participants', onchange: () => update() }, ...Object.entries(filterNames).map(([value, text]) => h('option', { value }, text)));
  const table = h('table.roster', {}, h('thead', {}, h('tr', {}, ...columns.map(([text, kind]) => h(`th.${kind}`, { scope: 'col' }, text || h('span.hidden', {}, kind === 'do' ? 'Actions' : 'Speaks'))))), body);
  const element = h('section.roster', { 'aria-labelledby': 'roster' }, h('div.bar', {}, heading, search, choice), table, empty);
  const list = new List(body, (p) => p.id, (p) => makeRow(id, p.id), showRow);
  let before = '';
  function update() {
    const all = [...(store.room?.participants.values() ?? [])];
    const wanted = search.value.trim().toLowerCase();
    const found = all.filter((p) => filters[choice.value](p) && (!wanted || `${p.display_name} ${p.uri}`.toLowerCase().includes(wanted)));
    found.sort((a, b) => rank(a) - rank(b)); // stable: in the order of arrival otherwise
    const offered = `${store.live} ${store.mayChange} ${store.room?.id}`;
    list.show(found, offered !== before);
    before = offered;
    showPending(id, body);
    setText(heading, `Participants (${found.length === all.length ? all.length : `${found.length} of ${all.length}`})`);
    setText(empty, !store.room?.loaded ? 'Loading…' : found.length ? '' : all.length ? 'Nobody is so.' : 'Nobody is in it.');
  }
  return { element, update };
}

/** Who waits comes first, then who wants to speak. @param {any} p */
const rank = (p) => (p.waiting ? 0 : p.hand_raised_at ? 1 : 2);

/** @param {string} id @param {string} pid */
function makeRow(id, pid) {
  const now = () => store.room?.participants.get(pid);
  const row = h('tr', { 'data-participant': pid }, h('td.speaks', {}, h('span.speaker', { role: 'img' }), meter(pid)), h('th.who', { scope: 'row' }, h('span.name', {}), h('small', {})), h('td.state', {}), h('td.media', {}),
    ...['mos', 'loss', 'jitter', 'rtt'].map((k) => h(`td.${k}.number`, {})), h('td.since', {}, h('time', {})),
    h('td.do', {}, button('', () => mainAction(id, now()), 'main'), button('⋯', () => participantPanel(id, pid), 'more')));
  return row;
}

/** @param {any} row @param {any} p ParticipantInfo */
function showRow(row, p) {
  const [speaks, who, state, media, mos, loss, jitter, rtt, joined, buttons] = row.children;
  setAttr(row, 'class', [p.speaking && 'speaking', p.waiting && 'waiting', !p.joined_at && !p.waiting && 'coming'].filter(Boolean).join(' ') || undefined);
  setAttr(speaks.firstChild, 'aria-label', p.speaking ? 'speaks' : undefined);
  setAttr(speaks.firstChild, 'aria-hidden', p.speaking ? undefined : 'true');
  setText(who.children[0], nameOf(p));
  setText(who.children[1], short(p.uri));
  setAttr(who, 'title', p.uri);
  setLabels(state, labels(p));
  setText(media, p.codec ? `${p.codec.replace(/\/(\d+)000$/, ' $1k')}${p.text ? ' + text' : ''}` : '');
  setAttr(media, 'class', p.srtp ? 'media secure' : 'media');
  setAttr(media, 'title', p.codec ? `${p.codec}, ${p.srtp ? 'encrypted (SRTP)' : 'not encrypted'}` : undefined);
  showQuality(p.stats, { mos, loss, jitter, rtt });
  setTime(joined.firstChild, p.joined_at, clock);
  setText(buttons.children[0], p.waiting ? 'Let in' : p.muted ? 'Unmute' : 'Mute');
  setAttr(buttons.children[0], 'aria-label', `${p.waiting ? 'Let in' : p.muted ? 'Unmute' : 'Mute'} ${nameOf(p)}`);
  setAttr(buttons.children[1], 'aria-label', `More about ${nameOf(p)}`);
}

/** @param {any} s ParticipantStats @param {Record<string, any>} cells */
function showQuality(s, { mos, loss, jitter, rtt }) {
  const heard = s && s.rx_packets > 0;
  setText(mos, heard && s.mos ? s.mos.toFixed(1) : '');
  grade(mos, heard && s.mos ? (s.mos < 3 ? 'bad' : s.mos < 3.6 ? 'warn' : '') : '');
  setAttr(mos, 'title', heard && s.tx_mos ? `of what comes; of what goes out ${s.tx_mos.toFixed(1)}` : undefined);
  const share = heard ? s.rx_lost / (s.rx_packets + s.rx_lost) : 0;
  setText(loss, heard ? percent(share) : '');
  grade(loss, share > 0.05 ? 'bad' : share > 0.01 ? 'warn' : '');
  setAttr(loss, 'title', heard ? `of what comes; of what goes out ${percent(s.tx_loss)}` : undefined);
  setText(jitter, heard ? `${s.rx_jitter_ms.toFixed(s.rx_jitter_ms < 10 ? 1 : 0)} ms` : '');
  setText(rtt, s?.rtt_ms ? `${Math.round(s.rtt_ms)} ms` : '');
  grade(rtt, s?.rtt_ms > 400 ? 'bad' : s?.rtt_ms > 250 ? 'warn' : '');
}

/** @param {HTMLElement} cell @param {string} kind */
function grade(cell, kind) {
  setAttr(cell, 'data-grade', kind || undefined);
}

/** @param {any} p @returns {[string, string, string?][]} */
export function labels(p) {
  const recorded = p.recording !== 'off' && p.joined_at && !p.waiting;
  return [
    p.role !== 'speaker' && [p.role, p.role === 'moderator' ? 'good' : 'plain'], p.waiting && ['waits', 'warn', 'to be let in'], p.awaits && [`awaits ${p.awaits}`, 'warn'], !p.joined_at && !p.waiting && [p.state, 'plain'],
    p.hand_raised_at && ['hand', 'note', `wants to speak since ${clock(p.hand_raised_at)}`], p.floor && ['floor', 'note', 'is heard in lecture mode'], p.muted && ['muted', 'warn', 'the others do not hear it'],
    p.deafened && ['deaf', 'warn', 'hears nobody'], p.held && ['held', 'warn', 'neither hears nor is heard'], p.sidebar && ['aside', 'note', 'is in a sidebar'], p.coaching && ['coaches', 'note', 'only one hears it'],
    (p.gain_db !== 0) && [`${p.gain_db > 0 ? '+' : ''}${p.gain_db} dB`, 'plain', 'gain of what it says'],
    p.unrecorded ? ['off record', 'warn', 'recordings do not hold it'] : p.masked ? ['masked', 'warn', 'recordings hold no speech of it'] : recorded && p.recording === 'on' ? ['rec', 'rec', 'it has been told that it is recorded'] : recorded && ['rec paused', 'plain'],
    p.records === 'on' && ['records', 'note', 'its own telephone records'],
  ].filter(Boolean);
}

/** What the button in the row does: it lets in who waits, else it mutes or unmutes. @param {string} id @param {any} p */
function mainAction(id, p) {
  if (!p) return;
  if (p.waiting) changeParticipant(id, p, 'Let in', 'waiting', false);
  else changeParticipant(id, p, p.muted ? 'Unmute' : 'Mute', 'muted', !p.muted);
}

/**
 * Changes one property, and waits until the roster has it.
 * @param {string} id @param {any} p @param {string} what @param {string} field @param {any} value
 */
export const changeParticipant = (id, p, what, field, value) => act(`${id} ${p.id} ${field}`, `${what} ${nameOf(p)}`, ['PATCH', at(id, 'participants', p.id), { [field]: value }], () => {
  const now = store.room?.participants.get(p.id);
  return !now || (field === 'hand_raised' ? !!now.hand_raised_at === value : (now[field] ?? '') === value);
});

/** Shows which rows wait. The rows are few that do, and all that are shown are known by their attribute. @param {string} id @param {HTMLElement} body */
function showPending(id, body) {
  for (const row of body.children) {
    const p = store.room?.participants.get(row.dataset.participant);
    if (p) refreshButton(row.lastChild.firstChild, `${id} ${p.id} ${p.waiting ? 'waiting' : 'muted'}`, !!p.joined_at || p.waiting);
  }
}
