// What is wrong, the worst first: recordings, the servers that take them, trunks, the disk.
import { clock, count, duration } from './format.js';
import { store } from './store.js';

/** @typedef {{key: string, severity: 'bad' | 'warn', text: string, detail: string, assurance?: any}} Alarm assurance: that of a recording that is over, which can be acknowledged. */

/** @returns {Alarm[]} */
export function alarms() {
  const list = [...running(), ...assured().filter((a) => !a.assurance?.acknowledged), ...servers(), ...trunks(), ...disk()];
  return list.sort((a, b) => (a.severity === b.severity ? 0 : a.severity === 'bad' ? -1 : 1));
}

/** @returns {Alarm[]} What somebody has seen to, the newest first. */
export const acknowledged = () => assured().filter((a) => a.assurance?.acknowledged);

/** @returns {Alarm[]} Recordings that go on, and lack something. */
function running() {
  const told = new Set(store.assurance.filter((a) => a.verdict !== 'running').map((a) => `${a.conference} ${a.recording}`)); // by assured
  return [...store.troubled.entries()].filter(([key, r]) => r.state !== 'stopped' && !told.has(key)).map(([, r]) => r).map((r) => ({
    key: `running ${r.conference} ${r.id}`, severity: r.state === 'failed' ? 'bad' : 'warn',
    text: `Recording ${r.id} of ${r.conference} ${r.state === 'failed' ? 'has failed' : 'has fewer servers than it should'}`,
    detail: r.servers.filter((s) => s.state === 'failed').map((s) => `${s.name}: ${s.error || 'failed'}`).join('; '),
  }));
}

/** @param {any} a Assurance @param {'lost_seconds' | 'spooled_seconds'} field The copy that lacks least. */
const least = (a, field) => Math.min(...a.copies.map((c) => (field === 'spooled_seconds' ? c.spooled_seconds - c.delivered_seconds : c[field])));

/** @returns {Alarm[]} */
function assured() {
  const verdicts = {
    missing: (a) => ['bad', 'was not recorded', ''],
    partial: (a) => ['bad', 'lacks audio', a.copies.length ? `${duration(least(a, 'lost_seconds'))} are nowhere` : ''],
    pending: (a) => ['warn', 'waits in the spool', a.copies.length ? `${duration(Math.max(0, least(a, 'spooled_seconds')))} of audio to be delivered` : ''],
    running: (a) => (a.copies.length && least(a, 'lost_seconds') > 0 ? ['bad', 'goes on, and has lost audio', `${duration(least(a, 'lost_seconds'))} are nowhere`]
      : a.copies.length && least(a, 'spooled_seconds') > 0 ? ['warn', 'goes on, partly into the spool', ''] : null),
  };
  const list = [];
  for (const a of store.assurance.toReversed()) {
    const found = verdicts[a.verdict]?.(a);
    if (!found) continue;
    const [severity, text, detail] = found;
    list.push({ key: `assurance ${a.conference} ${a.recording}`, severity, text: `Recording ${a.recording} of ${a.conference} ${text}`, detail: [`began ${clock(a.started_at)}`, detail].filter(Boolean).join(', '), assurance: a.verdict === 'running' ? undefined : a });
  }
  return list;
}

/** @returns {Alarm[]} */
function servers() {
  return store.servers.filter((s) => s.state === 'down' || s.state === 'resting').map((s) => ({
    key: `server ${s.name}`, severity: s.state === 'down' ? 'bad' : 'warn', text: `Recording server ${s.name} is ${s.state}`,
    detail: [`since ${clock(s.since)}`, s.failures && count(s.failures, 'failure') + ' in a row', s.rests_until && `it is tried again at ${clock(s.rests_until)}`].filter(Boolean).join(', '),
  }));
}

/** @returns {Alarm[]} */
function trunks() {
  return store.trunks.filter((t) => t.state === 'failed' || t.state === 'down').map((t) => ({
    key: `trunk ${t.name}`, severity: 'bad', text: `Trunk ${t.name} ${t.state === 'down' ? 'is down' : 'is not registered'}`, detail: [t.reason, t.since && `since ${clock(t.since)}`].filter(Boolean).join(', '),
  }));
}

/** @returns {Alarm[]} */
function disk() {
  if (!store.recorder?.disk_low) return [];
  return [{ key: 'disk', severity: 'bad', text: 'The disk of the reference recorder is nearly full', detail: 'no recording begins' }];
}
