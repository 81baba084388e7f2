// All about one participant, and all that can be done with him.
import { at } from './api.js';
import { act, busy, button, refreshButton } from './act.js';
import { confirmed, dialog, form } from './dialog.js';
import { h, setAttr, setLabels, setText } from './dom.js';
import { clock, nameOf, percent, short, utc } from './format.js';
import { changeParticipant, labels } from './roster.js';
import { changed, onChange, store } from './store.js';

/** @type {(() => void) | null} */
let showOpen = null;
onChange(() => showOpen?.());

/** Opens the panel; it shows changes while it is open. @param {string} id @param {string} pid */
export async function participantPanel(id, pid) {
  const p = store.room?.participants.get(pid);
  if (!p) return;
  await dialog(nameOf(p), (close) => {
    const content = panel(id, pid, close);
    showOpen = content.update;
    content.update();
    return content.nodes;
  }, 'panel');
  showOpen = null;
}

const switches = [['muted', 'Mute', 'Unmute'], ['deafened', 'Deafen', 'Undeafen'], ['held', 'Hold', 'Take from hold'], ['masked', 'Mask', 'Unmask'], ['unrecorded', 'Off record', 'On record'], ['floor', 'Give the floor', 'Take the floor']];
const hints = { masked: 'For now, recordings hold no speech of it, as while a card number is said', unrecorded: 'The others hear it, recordings do not hold it', deafened: 'It hears nobody', floor: 'It is heard in lecture mode' };

/** @param {string} id @param {string} pid @param {(value?: any) => void} close */
function panel(id, pid, close) {
  const now = () => store.room?.participants.get(pid);
  const uri = h('p.uri', {}), state = h('p.labels', {}), facts = h('dl.facts', {}), gone = h('p.empty', { hidden: true }, 'Is not there any more.');
  const toggles = switches.map(([field, on, off]) => ({ field, on, off, element: button('', () => { const p = now(); if (p) changeParticipant(id, p, p[field] ? off : on, field, !p[field]); }) }));
  const role = select('Role', ['moderator', 'speaker', 'listener'], (value) => { const p = now(); if (p) changeParticipant(id, p, 'Change the role of', 'role', value); });
  const gain = slider('Gain', (value) => { const p = now(); if (p) changeParticipant(id, p, 'Change the gain of', 'gain_db', value); });
  const listen = slider('Gain of what it hears', (value) => { const p = now(); if (p) changeParticipant(id, p, 'Change what is heard by', 'listen_gain_db', value); });
  const admit = button('', () => { const p = now(); if (p) changeParticipant(id, p, p.waiting ? 'Let in' : 'Send back', 'waiting', !p.waiting); });
  const hand = button('Lower hand', () => { const p = now(); if (p) changeParticipant(id, p, 'Lower the hand of', 'hand_raised', false); });
  const move = button('Move…', () => { const p = now(); if (p) moveParticipant(id, p); });
  const kick = button('Disconnect…', () => { const p = now(); if (p) disconnect(id, p, close); }, 'danger');
  const controls = h('div.controls', {}, h('div.actions', {}, ...toggles.map((t) => t.element), admit, hand, move, kick), h('div.fields', {}, role.element, gain.element, listen.element));
  function update() {
    const p = now();
    setAttr(gone, 'hidden', !!p);
    setAttr(controls, 'hidden', !p || !store.mayChange);
    if (!p) return;
    setText(uri, p.uri);
    setLabels(state, labels(p));
    for (const t of toggles) {
      setText(t.element, p[t.field] ? t.off : t.on);
      setAttr(t.element, 'title', hints[t.field]);
      setAttr(t.element, 'aria-pressed', String(!!p[t.field]));
      refreshButton(t.element, `${id} ${pid} ${t.field}`, t.field !== 'floor' || store.conferences.get(id)?.lecture || p.floor);
    }
    role.show(p.role, `${id} ${pid} role`);
    gain.show(p.gain_db, `${id} ${pid} gain_db`);
    listen.show(p.listen_gain_db, `${id} ${pid} listen_gain_db`);
    setText(admit, p.waiting ? 'Let in' : 'Send back to wait');
    refreshButton(admit, `${id} ${pid} waiting`, p.waiting || store.conferences.get(id)?.lobby);
    refreshButton(hand, `${id} ${pid} hand_raised`, !!p.hand_raised_at);
    refreshButton(move, `${id} ${pid} move`);
    refreshButton(kick, `${id} ${pid} kick`);
    showFacts(facts, p);
  }
  return { nodes: [uri, state, gone, controls, facts], update };
}

/** @param {string} label @param {string[]} options @param {(value: string) => void} onchange */
function select(label, options, onchange) {
  const element = h('select', { onchange: () => onchange(element.value) }, ...options.map((o) => h('option', { value: o }, o)));
  return { element: h('label.field', {}, h('span', {}, label), element), show: (value, key) => {
    refreshButton(element, key);
    if (!busy(key)) element.value = value; // what the server says, also after a refusal
  } };
}

/** What is chosen while a change is under way is sent after it. @param {string} label @param {(value: number) => void} onchange */
function slider(label, onchange) {
  const output = h('output', {});
  let moving = false;
  /** @type {number | null} */
  let wanted = null;
  const element = h('input', { type: 'range', min: -60, max: 20, step: 1, oninput: () => { moving = true; setText(output, `${element.value} dB`); }, onchange: () => { moving = false; wanted = Number(element.value); changed(); } });
  return { element: h('label.field.range', {}, h('span', {}, label, ' ', output), element), show: (value, key) => {
    refreshButton(element, key);
    if (wanted !== null && !busy(key)) {
      onchange(wanted);
      wanted = null;
    }
    if (moving || wanted !== null || busy(key)) return;
    element.value = String(value);
    setText(output, `${value} dB`);
  } };
}

/** @param {HTMLElement} list @param {any} p */
function showFacts(list, p) {
  const s = p.stats, heard = s?.rx_packets > 0;
  const rows = [
    ['State', p.state], ['Came', `${p.method}${p.joined_at ? `, in since ${clock(p.joined_at)}` : ''}`, utc(p.joined_at)], ['Codec', p.codec && `${p.codec}${p.srtp ? ', SRTP' : ', not encrypted'}${p.text ? ', with real-time text' : ''}`],
    ['Recording', `told: ${p.recording}; wishes: ${p.record_preference}; records itself: ${p.records}`],
    heard && ['From it', `MOS ${s.mos.toFixed(1)}, ${s.rx_lost} of ${s.rx_packets + s.rx_lost} packets lost, ${s.concealed_frames} frames made up, jitter ${s.rx_jitter_ms.toFixed(1)} ms`],
    s?.tx_mos > 0 && ['To it', `MOS ${s.tx_mos.toFixed(1)}, ${percent(s.tx_loss)} lost lately, jitter ${s.tx_jitter_ms.toFixed(1)} ms`],
    heard && ['Delay', `jitter buffer ${Math.round(s.rx_delay_ms)} ms${s.rtt_ms ? `, round trip ${Math.round(s.rtt_ms)} ms` : ''}${s.rx_drift_ppm ? `, clock ${s.rx_drift_ppm.toFixed(0)} ppm` : ''}`],
    ['Id', p.id],
  ].filter((r) => r && r[1]);
  const shown = JSON.stringify(rows);
  if (list.shownRows === shown) return;
  list.shownRows = shown;
  list.replaceChildren(...rows.flatMap(([name, value, title]) => [h('dt', {}, name), h('dd', { title }, value)]));
}

/** @param {string} id @param {any} p */
async function moveParticipant(id, p) {
  const others = [...store.conferences.values()].filter((c) => c.id !== id);
  const given = await form(`Move ${nameOf(p)}`, [{ name: 'conference', label: 'To', type: 'select', required: true, options: others.map((c) => [c.id, c.name ? `${c.name} (${c.id})` : c.id]) }], 'Move');
  if (given?.conference) await act(`${id} ${p.id} move`, `Move ${nameOf(p)}`, ['POST', at(id, 'participants', p.id, 'move'), given], () => !store.room?.participants.has(p.id));
}

/** @param {string} id @param {any} p @param {() => void} close */
async function disconnect(id, p, close) {
  if (!await confirmed(`Disconnect ${nameOf(p)}?`, `The call with ${short(p.uri)} ends.`, 'Disconnect')) return;
  close();
  await act(`${id} ${p.id} kick`, `Disconnect ${nameOf(p)}`, ['DELETE', at(id, 'participants', p.id)], () => !store.room?.participants.has(p.id));
  changed();
}
