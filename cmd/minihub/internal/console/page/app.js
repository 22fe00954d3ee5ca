// The frame: sign-in, navigation, language, theme, keyboard; pages are modules.
import { h, put, swap, data } from './dom.js';
import * as text from './text.js';
import { t } from './text.js';
import { post, call, get, follow, may, self, session, signedIn, remember, token, Refused } from './api.js';
import { refusal, field, say } from './parts.js';
import { returned, way } from './oidc.js';
import * as search from './search.js';
import * as message from './order.js';
import * as incidents from './incidents.js';
import * as incident from './incident.js';
import * as replays from './replays.js';
import * as replay from './bulk.js';
import * as rows from './rows.js';
import * as waiting from './waiting.js';
import * as jobs from './jobs.js';
import * as connections from './connections.js';
import * as flows from './flows.js';
import * as edit from './edit.js';
import * as alarms from './alarms.js';
import * as people from './people.js';
import * as audit from './audit.js';
import * as me from './me.js';
import * as invite from './invite.js';

const pages = { '': search, message, incidents, incident, replays, replay, rows, waiting, jobs, connections, flows, edit, alarms, people, audit, me };
// The menu: daily work first, then what is set up, then the hub's own affairs. A page
// that needs a right is offered to those who have it; `of` names the pages that belong
// to an entry without being one.
const menu = [
  { name: '', text: 'nav.search', of: ['message', 'edit'] },
  { name: 'incidents', text: 'nav.incidents', of: ['incident', 'rows'] },
  { name: 'replays', text: 'nav.replays', of: ['replay'] },
  { name: 'waiting', text: 'nav.waiting' },
  { name: 'jobs', text: 'nav.jobs' },
  { name: 'connections', text: 'nav.connections' },
  { name: 'flows', text: 'nav.flows' },
  { name: 'alarms', text: 'nav.alarms' },
  { href: 'map/', text: 'nav.workshop', right: 'change', cookie: true }, // a page of its own, which takes no token
  { name: 'people', text: 'nav.people', right: 'people' },
  { name: 'audit', text: 'nav.audit', right: 'audit' },
  { name: 'me', text: 'nav.me', kind: 'person' },
];
let main;
let turn = 0;
let timer;

const themes = ['auto', 'light', 'dark'];

function theme(name) {
  if (name === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
  localStorage.setItem('minihub.theme', name);
}

function place() {
  const [path, query = ''] = location.hash.replace(/^#\/?/, '').split('?');
  const [name, ...rest] = path.split('/');
  return { name: pages[name] ? name : '', rest: rest.map(decodeURIComponent), query: new URLSearchParams(query) };
}

function frame() {
  const box = h('input', { id: 'search', type: 'search', name: 'key', autocomplete: 'off', spellcheck: 'false', maxlength: '200', value: search.last(),
    placeholder: t('search.placeholder'), 'aria-label': t('search.label'), 'aria-keyshortcuts': '/' });
  const form = h('form', { role: 'search', class: 'searchbox', onsubmit: (e) => {
    e.preventDefault();
    search.look(box.value);
    if (place().name === '') show();
    else location.hash = '#/';
  } }, box, h('kbd', { 'aria-hidden': 'true', translate: 'no' }, '/'), h('button', { type: 'submit' }, t('search.go')));
  const shown = localStorage.getItem('minihub.theme') || 'auto';
  main = h('main', { id: 'main' });
  swap(document.body,
    h('a', { class: 'skip', href: '#main', onclick: (e) => { e.preventDefault(); main.querySelector('h1')?.focus(); } }, t('nav.skip')),
    h('header', {},
      h('a', { class: 'logo', href: '#/', translate: 'no' }, h('img', { src: 'icon.svg', alt: '', width: '24', height: '24' }), 'minihub'),
      form,
      h('div', { class: 'tools' },
        h('button', { type: 'button', id: 'theme', onclick: () => { theme(themes[(themes.indexOf(shown) + 1) % 3]); frame(); show(); } }, t('theme.' + shown)),
        h('button', { type: 'button', id: 'language', lang: text.current() === 'zh' ? 'en' : 'zh-CN', translate: 'no',
          onclick: () => { swap(document.getElementById('said')); const next = text.current() === 'zh' ? 'en' : 'zh'; localStorage.setItem('minihub.language', next); text.choose(next); frame(); show(); } },
        t('language.other')),
        signedIn() ? h('button', { type: 'button', onclick: signOut }, t('sign.out')) : null)),
    navigation(),
    main,
    document.getElementById('said') || h('p', { id: 'said', role: 'status', 'aria-live': 'polite' }), // what was said stays over a change of page
    h('footer', {}, t('keys.help')));
  // A phone's menu is one line that scrolls: the page one is on stands in its middle.
  const nav = document.querySelector('nav');
  const current = nav.querySelector('[aria-current]');
  if (current) nav.scrollLeft = current.offsetLeft - (nav.clientWidth - current.offsetWidth) / 2;
}

function navigation() {
  const here = place().name;
  const offered = signedIn() ? menu.filter((m) => (!m.right || may(m.right)) && (!m.kind || m.kind === self()?.kind) && !(m.cookie && token())) : [];
  return h('nav', { 'aria-label': t('nav.label') }, offered.map((m) =>
    h('a', { href: m.href || '#/' + m.name, 'aria-current': !m.href && (m.name === here || m.of?.includes(here)) ? 'page' : null }, t(m.text))));
}

// feed is the stream of live events of the page that is looked at.
let feed = null;

function unfollow() {
  feed?.stop();
  feed = null;
}

// still is when the page must not be drawn anew: nobody looks, or somebody is typing.
function still() {
  const typing = main.contains(document.activeElement) && /INPUT|SELECT|TEXTAREA/.test(document.activeElement.tagName) && document.activeElement.type !== 'radio';
  return document.hidden || document.querySelector('dialog[open]') || typing;
}

// live gives each event to a page's work, one at a time; without a stream the page is
// drawn again every few seconds.
function live(work, again) {
  if (feed) {
    feed.work = work;
    return;
  }
  const mine = { work, busy: false, last: null };
  const tell = async () => {
    if (mine.busy || still() || !mine.last) return;
    const event = mine.last;
    mine.last = null;
    mine.busy = true;
    try {
      await mine.work(event);
    } catch (err) {
      if (!(err instanceof Refused)) throw err;
    } finally {
      mine.busy = false;
    }
    tell();
  };
  mine.timer = setInterval(tell, 1000); // what came while somebody was typing
  const end = follow((event) => { mine.last = event; tell(); }, () => {
    if (feed !== mine) return;
    unfollow();
    again(5);
  });
  mine.stop = () => { clearInterval(mine.timer); end(); };
  feed = mine;
}

// show draws the page of the address; a page that was left meanwhile is not drawn.
async function show(quiet) {
  clearTimeout(timer);
  const mine = ++turn;
  const where = place();
  const page = pages[where.name];
  const again = (seconds) => {
    if (mine !== turn) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (mine !== turn) return;
      if (still()) again(seconds);
      else show(true);
    }, seconds * 1000);
  };
  if (!quiet) {
    unfollow();
    main.setAttribute('aria-busy', 'true');
  }
  try {
    const node = await page.render({ ...where, again, live: (work) => { if (mine === turn) live(work, again); }, redraw: () => show(true) });
    if (mine !== turn) return;
    if (quiet && node === null) return; // nothing has changed
    const held = quiet ? mark(document.activeElement) : '';
    swap(main, node);
    if (held) main.querySelector(held)?.focus({ preventScroll: true });
  } catch (err) {
    if (mine !== turn) return;
    if (!(err instanceof Refused)) throw err;
    if (err.status === 401) {
      session(null);
      frame();
      signIn(token() ? err : null);
      return;
    }
    if (quiet) again(5);
    else swap(main, refusal(err));
  } finally {
    if (mine === turn) main.removeAttribute('aria-busy');
  }
  if (!quiet) {
    const title = main.querySelector('h1');
    document.title = title ? title.textContent + ' · minihub' : 'minihub';
    window.scrollTo(0, 0);
    if (document.activeElement === document.body) title?.focus({ preventScroll: true });
  }
}

// mark finds a row again after its page was drawn anew.
function mark(el) {
  return el && el.dataset && el.dataset.row ? '[data-row="' + CSS.escape(el.dataset.row) + '"]' : '';
}

async function signOut() {
  const end = token() ? null : await call('DELETE', 'session').catch(() => null);
  remember('');
  session(null);
  search.look(''); // the next one at this screen does not see what was looked for
  frame();
  if (end?.leave) location.assign(end.leave);
  else signIn();
}

// signIn asks for a name and password, or for a token.
function signIn(err) {
  clearTimeout(timer);
  turn++;
  main.removeAttribute('aria-busy');
  const name = h('input', { type: 'text', autocomplete: 'username', required: true, spellcheck: 'false' });
  const password = h('input', { type: 'password', autocomplete: 'current-password', required: true });
  const input = h('input', { id: 'token', type: 'password', autocomplete: 'off', required: true, spellcheck: 'false' });
  const said = h('div', {}, err ? refusal(err) : null);
  const other = h('div', {});
  way((no) => swap(said, refusal(no))).then((el) => put(other, el));
  const enter = (work) => async (e) => {
    e.preventDefault();
    try {
      await work();
      await begin();
    } catch (no) {
      if (!(no instanceof Refused)) throw no;
      swap(said, refusal(no));
    }
  };
  swap(main, h('div', { class: 'card narrow' }, h('h1', { tabindex: '-1' }, t('sign.title')), said,
    h('form', { onsubmit: enter(async () => { remember(''); session(await post('session', { name: name.value.trim(), password: password.value })); }) },
      field(t('sign.name'), name), field(t('sign.password'), password), h('button', { type: 'submit', class: 'main' }, t('sign.in'))), other,
    h('details', {}, h('summary', {}, t('sign.by')), h('form', { onsubmit: enter(async () => remember(input.value.trim())) },
      field(t('sign.token'), input), h('p', { class: 'soft' }, t('sign.help'), ' ', data('.minihub.json')), h('button', { type: 'submit' }, t('sign.in'))))));
  name.focus();
}

// open begins with what the address brings: a token, an invitation, or nothing.
async function open() {
  takeToken();
  const link = invite.taken();
  if (!link) {
    await begin();
    return;
  }
  clearTimeout(timer);
  turn++;
  session(null);
  frame();
  swap(main, invite.accept(link, begin));
}

async function begin() {
  try {
    session(await get('session'));
  } catch (err) {
    if (err.status !== 401) {
      swap(main, refusal(err));
      return;
    }
    const had = token();
    remember('');
    session(null);
    frame();
    signIn(failed || (had ? err : null));
    failed = null;
    return;
  }
  frame();
  await show();
}

function step(by) {
  const list = [...main.querySelectorAll('[data-row]')].filter((el) => el.offsetParent !== null);
  if (list.length === 0) return;
  const i = list.indexOf(document.activeElement);
  const next = list[i < 0 ? (by > 0 ? 0 : list.length - 1) : Math.min(list.length - 1, Math.max(0, i + by))];
  next.focus();
  next.scrollIntoView({ block: 'nearest' });
}

document.addEventListener('keydown', (e) => {
  const typing = /INPUT|SELECT|TEXTAREA/.test(document.activeElement?.tagName || '');
  if (e.key === 'Escape' && typing && !document.querySelector('dialog[open]')) {
    document.activeElement.blur();
    return;
  }
  if (typing || e.ctrlKey || e.metaKey || e.altKey || document.querySelector('dialog[open]')) return;
  if (e.key === '/') {
    e.preventDefault();
    document.getElementById('search')?.focus();
    document.getElementById('search')?.select();
  } else if (e.key === 'j' || e.key === 'k') {
    e.preventDefault();
    step(e.key === 'j' ? 1 : -1);
  } else if (e.key === 'Escape' && place().name !== '') {
    history.back();
  }
});

window.addEventListener('hashchange', () => {
  if (/^#(token|invite)=/.test(location.hash)) {
    open();
    return;
  }
  frame();
  show();
});
let wide = window.innerWidth >= 700;
window.addEventListener('resize', () => {
  if (wide === window.innerWidth >= 700) return;
  wide = !wide;
  show();
});
window.addEventListener('unhandledrejection', (e) => { if (e.reason instanceof Refused) { e.preventDefault(); say(refusal(e.reason)); } });

// A link of the command line may bring the token behind #token=: it goes into this
// tab's store and out of the address.
function takeToken() {
  const found = location.hash.match(/^#token=([\w.~-]+)$/);
  if (!found) return;
  remember(found[1]);
  history.replaceState(null, '', location.pathname + '#/');
}

let failed = null; // what became of a sign-in at the provider
theme(localStorage.getItem('minihub.theme') || 'auto');
await text.load();
frame();
await returned().catch((no) => { failed = no; });
await open();
if (failed) say(refusal(failed)); // whoever was signed in before still is
