// What is known of the server. Snapshots come by the API, changes by the event stream; what is shown is what the server has acknowledged.
import { ApiError, at, get } from './api.js';
import { EventStream } from './stream.js';

const SLOW = 15_000, STATS = 5_000, MANY = 200; // ms, ms, participants
const KEPT = 200; // events

/** @type {'connecting' | 'live' | 'lost'} */
let live = 'connecting';

/**
 * @typedef {object} Room The conference that is looked at.
 * @property {string} id
 * @property {Map<string, any>} participants ParticipantInfo by id, in the order of the roster
 * @property {Map<string, any>} recordings RecordingInfo by id
 * @property {boolean} loaded
 * @property {boolean} gone There is no such conference.
 */

export const store = {
  /** @type {any} AccessInfo */ access: null,
  /** @type {Map<string, any>} ConferenceInfo by id */ conferences: new Map(),
  /** @type {any[]} RecorderStatus */ servers: [],
  /** @type {any[]} TrunkInfo */ trunks: [],
  /** @type {any[]} AlarmInfo */ alarms: [],
  /** @type {any[]} Assurance */ assurance: [],
  /** @type {any} ReferenceRecorder */ recorder: null,
  /** @type {Map<string, any>} RecordingInfo of which events told trouble, by conference and id */ troubled: new Map(),
  /** @type {import('./stream.js').Event[]} the newest first */ events: [],
  /** @type {Room | null} */ room: null,
  loaded: false,
  /** Why it is not live, when it was last, and when the next attempt is (ms). */
  lost: { why: '', last: 0, next: 0 },
  /** @returns {'connecting' | 'live' | 'lost'} */
  get live() { return live; },
  /** Whether this token may change something. */
  get mayChange() { return this.access?.scope === 'admin'; },
  get mayListen() { return this.access?.scope !== 'read'; },
};

/** @type {Set<() => void>} */
const watchers = new Set();
let frame = 0;

/** Calls back, once a frame at most, after something has changed. @param {() => void} watcher */
export const onChange = (watcher) => watchers.add(watcher);

/** @type {Set<(event: import('./stream.js').Event) => void>} */
const eventWatchers = new Set();
/** Calls back with each event. @param {(event: import('./stream.js').Event) => void} watcher */
export const onEvent = (watcher) => eventWatchers.add(watcher);

/** Says that something has changed. */
export function changed() {
  frame ||= requestAnimationFrame(() => {
    frame = 0;
    for (const watcher of watchers) watcher();
  });
}

/** @type {import('./stream.js').Event[] | null} Events that came while a snapshot is fetched: they may be newer than it. */
let held = null;
let generation = 0; // of the connection
/** @type {Map<string, number>} the last sequence number of each conference */
const sequences = new Map();

/** Fetches snapshots, one after the other: each may be older than events that come meanwhile, which are applied after it. */
let queue = Promise.resolve();
/** @param {() => Promise<() => void>} fetchAll Gives a function that takes the snapshot over. @returns {Promise<void>} */
function snapshot(fetchAll) {
  const next = queue.then(async () => {
    held = [];
    let take = () => {};
    try {
      take = await fetchAll();
    } finally {
      const missed = held;
      held = null;
      take();
      missed.forEach(apply);
      changed();
    }
  });
  queue = next.catch(() => {});
  return next;
}

/** @param {any[]} list @param {string} key */
const byKey = (list, key) => new Map(list.map((item) => [item[key], item]));

/** @param {boolean} [slow] Also what changes rarely and has no events. */
export const refresh = (slow = true) => snapshot(async () => {
  const { access } = store;
  const none = Promise.resolve(undefined);
  const [conferences, servers, assurance, trunks, alarms, recorder] = await Promise.all([
    access.conferences ? get('/conferences') : [],
    access.conferences && slow ? get('/recording/servers') : none,
    access.conferences && slow ? get('/recordings/assurance') : none,
    access.operation && slow ? get('/trunks') : none,
    access.operation && slow ? get('/alarms') : none,
    access.recorder && slow ? get('/srs/status') : none,
  ]);
  return () => {
    store.conferences = byKey(conferences, 'id');
    Object.assign(store, Object.fromEntries(Object.entries({ servers, assurance, trunks, alarms, recorder }).filter(([, v]) => v !== undefined)));
    store.loaded = true;
  };
});

/** Fetches the roster and the recordings of the conference that is looked at. */
export const refreshRoom = () => snapshot(async () => {
  const { room } = store;
  if (!room) return () => {};
  try {
    const [conference, participants, recordings] = await Promise.all([get(at(room.id)), get(at(room.id, 'participants')), get(at(room.id, 'recordings'))]);
    return () => {
      store.conferences.set(room.id, conference);
      Object.assign(room, { participants: byKey(participants, 'id'), recordings: byKey(recordings, 'id'), loaded: true, gone: false });
    };
  } catch (e) {
    if (e instanceof ApiError && e.status === 404) return () => { Object.assign(room, { loaded: true, gone: true, participants: new Map(), recordings: new Map() }); };
    throw e;
  }
});

/** Looks at a conference, or at none. @param {string | null} id */
export function enter(id) {
  if (store.room?.id === id) return;
  store.room = id === null ? null : { id, participants: new Map(), recordings: new Map(), loaded: false, gone: false };
  changed();
  if (id !== null && store.live === 'live') refreshRoom().catch(lose);
}

/** Something could not be fetched: what is shown is not known to be true any more. @param {Error} e */
function lose(e) {
  if (live === 'live') stream.restart(e.message);
}

// Events.

/** @type {Map<string, ReturnType<typeof setTimeout>>} */
const soon = new Map();
/** Does something once, shortly, however often it is asked for. @param {string} name @param {number} delay @param {() => Promise<void>} act */
export function later(name, delay, act) {
  if (soon.has(name)) return;
  soon.set(name, setTimeout(() => {
    soon.delete(name);
    if (store.live === 'live') act().catch(lose);
  }, delay));
}

/** @param {import('./stream.js').Event} event */
function receive(event) {
  const before = sequences.get(event.conference);
  sequences.set(event.conference, event.sequence);
  if (before !== undefined && event.sequence > before + 1) {
    later('list', 0, refresh);
    later('room', 0, refreshRoom);
  }
  note(event);
  apply(event);
  for (const watcher of eventWatchers) watcher(event);
  held?.push(event); // and once more on top of the snapshot, which may be older
}

/** @param {import('./stream.js').Event} event */
function note(event) {
  if (event.type === 'speaker.changed' || event.type === 'dtmf.received') return;
  store.events.unshift(event);
  store.events.length = Math.min(store.events.length, KEPT);
  later('list', 1000, () => refresh(false)); // numbers of participants, and whether it is recorded, have no events of their own
}

/** @param {import('./stream.js').Event} event */
function apply(event) {
  const [subject, what] = event.type.split('.');
  if (subject === 'conference') applyConference(event.object, what);
  if (subject === 'recording') applyRecording(event);
  const { room } = store;
  if (room?.loaded && room.id === event.conference) {
    if (subject === 'participant') applyParticipant(room, event.object, what);
    if (subject === 'speaker') applySpeakers(room, new Set(event.object.speakers));
    if (subject === 'recording') room.recordings.set(event.object.id, event.object);
    if (subject === 'conference') later('room', 200, refreshRoom);
  }
  changed();
}

/** @param {any} conference @param {string} what */
function applyConference(conference, what) {
  if (what === 'ended' && conference.dynamic) store.conferences.delete(conference.id);
  else store.conferences.set(conference.id, conference);
  if (what !== 'ended') return;
  for (const [key, r] of store.troubled) if (r.conference === conference.id) store.troubled.delete(key); // assurance says from now on what became of it
}

/** @param {import('./stream.js').Event} event */
function applyRecording({ object, type }) {
  const key = `${object.conference} ${object.id}`;
  if (type === 'recording.failed' || type === 'recording.degraded') store.troubled.set(key, object);
  else if (object.servers.every((s) => s.state !== 'failed')) store.troubled.delete(key);
  later('slow', 1000, refresh);
}

/** @param {Room} room @param {any} participant @param {string} what */
function applyParticipant(room, participant, what) {
  if (what === 'left') {
    room.participants.delete(participant.id);
    return;
  }
  room.participants.set(participant.id, { ...participant, stats: room.participants.get(participant.id)?.stats }); // events have no quality
}

/** @param {Room} room @param {Set<string>} speakers */
function applySpeakers(room, speakers) {
  for (const [id, p] of room.participants) {
    if (p.speaking !== speakers.has(id)) room.participants.set(id, { ...p, speaking: speakers.has(id) });
  }
}

// Being live.

async function opened() {
  const mine = ++generation;
  try {
    store.access = await get('/access');
    await refresh();
    if (store.room) await refreshRoom();
  } catch (e) {
    if (mine === generation) stream.restart(e.message);
    return;
  }
  if (mine !== generation) return; // lost again meanwhile
  live = 'live';
  changed();
}

/** @param {string} why @param {number} pause ms */
function lost(why, pause) {
  generation++;
  if (live === 'live') store.lost.last = Date.now();
  live = 'lost';
  Object.assign(store.lost, { why, next: Date.now() + pause });
  sequences.clear();
  changed();
}

const stream = new EventStream(receive, opened, lost);

/** Begins, and goes on for as long as the page is open. */
export async function run() {
  setInterval(() => { if (live === 'live' && !document.hidden) refresh().catch(lose); }, SLOW);
  let turn = 0;
  setInterval(() => {
    const { room } = store;
    if (live !== 'live' || document.hidden || !room) return;
    if (room.participants.size <= MANY || turn++ % 3 === 0) refreshRoom().catch(lose);
  }, STATS);
  document.addEventListener('visibilitychange', () => {
    if (live === 'live' && !document.hidden) Promise.all([refresh(), refreshRoom()]).catch(lose);
  });
  for (;;) { // a recorder alone has no events: it is asked again and again
    try {
      store.access = await get('/access');
      if (store.access.conferences) return stream.run();
      await refresh();
      live = 'live';
    } catch (e) {
      if (live === 'live') store.lost.last = Date.now();
      live = 'lost';
      Object.assign(store.lost, { why: e.message, next: Date.now() + STATS });
    }
    changed();
    await new Promise((resolve) => setTimeout(resolve, STATS));
  }
}
