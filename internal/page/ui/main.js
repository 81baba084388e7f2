// The page: which view is shown, whether it is live, and who asks.
import { forgetToken, onTokenNeeded, token } from './api.js';
import { conferenceView } from './conference.js';
import { askToken } from './dialog.js';
import { h, setAttr, setText } from './dom.js';
import { clock } from './format.js';
import { followLevels } from './levels.js';
import { overview } from './overview.js';
import { recordedView } from './recorded.js';
import { recordingsView } from './recordings.js';
import { changed, enter, onChange, run, store } from './store.js';

const main = document.getElementById('main'), nav = document.getElementById('nav'), banner = document.getElementById('banner');
const liveText = document.getElementById('live'), scope = document.getElementById('scope');
/** @type {import('./overview.js').View | null} */
let view = null;

const links = [['#/', 'Conferences', (a) => a.conferences], ['#/recordings', 'Recordings', (a) => a.recorder], ['docs', 'API', () => true]].map(([href, text, when]) => ({ when, element: h('a', { href }, text) }));
nav.append(...links.map((l) => l.element));

/** Shows what the address names. */
function route() {
  const [, what, id] = location.hash.match(/^#\/(conferences|recordings)(?:\/([^/]+))?$/) ?? [];
  const name = id && decodeURIComponent(id);
  enter(what === 'conferences' && name ? name : null);
  if (what === 'conferences' && name) view = conferenceView(name);
  else if (what === 'recordings') view = name ? recordedView(name) : recordingsView();
  else view = overview();
  main.replaceChildren(view.element);
  scrollTo(0, 0);
  draw();
}

function draw() {
  const { live, access } = store;
  document.body.dataset.live = live;
  setText(liveText, { connecting: 'Connecting…', live: 'Live', lost: 'Not live' }[live]);
  setAttr(banner, 'hidden', live !== 'lost');
  if (live === 'lost') {
    const then = store.lost.last ? ` What is shown was so at ${clock(new Date(store.lost.last).toISOString())}, and may be so no more.` : '';
    setText(banner, `Not live: ${store.lost.why}. Trying again.${then}`);
  }
  setText(scope, access ? [access.token, access.scope !== 'admin' && { read: 'may only read', listen: 'may read and listen' }[access.scope]].filter(Boolean).join(': ') : '');
  setAttr(scope, 'hidden', !access?.token);
  for (const { element, when } of links) {
    setAttr(element, 'hidden', !access || !when(access));
    const here = element.hash === (location.hash.startsWith('#/recordings') ? '#/recordings' : '#/') && element.hash !== '';
    setAttr(element, 'aria-current', here ? 'page' : undefined);
  }
  if (access && !access.conferences && view && location.hash.length < 3) {
    location.hash = '#/recordings';
    return;
  }
  view?.update();
  document.title = `${live === 'lost' ? '⚠ ' : ''}${view?.title() ?? ''} – Parley`;
}

onTokenNeeded(askToken);
onChange(draw);
onChange(followLevels);
addEventListener('hashchange', route);
scope.addEventListener('click', () => { if (token()) { forgetToken(); location.reload(); } });
setInterval(() => { if (store.live === 'live') changed(); }, 1000); // durations
route();
run();
