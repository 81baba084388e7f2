// What is wrong, the worst first: recordings, the servers that take them, trunks, the server itself.
import { clock, count, duration } from './format.js';
import { store } from './store.js';

/**
 * @typedef {object} Offer How somebody acknowledges an alarm.
 * @property {string} path @property {object} [body] Of the PATCH, beside who it is. @property {string} note What does not change by it.
 * @property {() => any} now What the server says of it; undefined: it is over.
 */

/** @typedef {{key: string, severity: 'bad' | 'warn', text: string, detail: string, seen?: any, offer?: Offer}} Alarm seen: who has acknowledged it; offer: it can be. */

/** @returns {Alarm[]} */
export function alarms() {
  const list = [...running(), ...[...assured(), ...machine()].filter((a) => !a.seen), ...servers(), ...trunks(), ...disk()];
  return list.sort((a, b) => (a.severity === b.severity ? 0 : a.severity === 'bad' ? -1 : 1));
}

/** @returns {Alarm[]} What somebody has seen to: what is so now, then recordings, the newest first. */
export const acknowledged = () => [...machine(), ...assured()].filter((a) => a.seen);

// What the API has as alarms of the server itself, as people read it. Of recording servers, trunks and the recorder's disk it says less than is shown of them.
const titles = {
  'call-records': () => 'Call records cannot be written', certificate: (about) => `The certificate of ${about} ends soon`, ports: () => 'Ports for media run out', realtime: () => 'Threads that mix are no real-time threads',
  'spool-age': () => 'Recordings wait in the spool for long', 'spool-full': () => 'The spool is nearly full', ticks: () => 'Ticks of the mixer were left out', webhook: (about) => `Webhook ${about} fails`,
};
const shownElsewhere = ['recording-server', 'trunk', 'recorder-disk'];

/** @returns {Alarm[]} */
function machine() {
  return store.alarms.filter((a) => !shownElsewhere.includes(a.name)).map((a) => ({
    key: `alarm ${a.name} ${a.about ?? ''}`, severity: a.severity === 'critical' ? 'bad' : 'warn', text: titles[a.name]?.(a.about) ?? [a.name, a.about].filter(Boolean).join(' '), detail: `since ${clock(a.since)}: ${a.detail}`,
    seen: a.acknowledged, offer: {
      path: `/alarms/${encodeURIComponent(a.name)}`, body: { about: a.about ?? '' }, note: 'It goes on to be so. It is shown again when it is worse, and when it begins anew.',
      now: () => store.alarms.find((o) => o.name === a.name && o.about === a.about),
    },
  }));
}

/** @param {any} a Assurance @returns {Offer | undefined} */
const acknowledging = (a) => (a.verdict === 'running' ? undefined : {
  path: `/recordings/assurance/${encodeURIComponent(a.conference)}/${encodeURIComponent(a.recording)}`, note: `Recording ${a.recording} of ${a.conference} stays ${a.verdict}, in parley record assurance, too.`,
  now: () => store.assurance.find((o) => o.conference === a.conference && o.recording === a.recording),
});

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
    list.push({ key: `assurance ${a.conference} ${a.recording}`, severity, text: `Recording ${a.recording} of ${a.conference} ${text}`, detail: [`began ${clock(a.started_at)}`, detail].filter(Boolean).join(', '), seen: a.verdict === 'running' ? undefined : a.acknowledged, offer: acknowledging(a) });
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
