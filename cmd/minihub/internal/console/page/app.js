// The frame: sign-in, navigation, language, theme, keyboard; pages are modules.
import { h, swap, data } from './dom.js';
import * as text from './text.js';
import { t } from './text.js';
import { post, call, optional, session, signedIn, remember, token, Refused } from './api.js';
import { refusal, field, say } from './parts.js';
import * as search from './search.js';
import * as message from './order.js';
import * as parked from './parked.js';
import * as rows from './rows.js';
import * as waiting from './waiting.js';
import * as jobs from './jobs.js';
import * as connections from './connections.js';
import * as flows from './flows.js';

const pages = { '': search, message, parked, rows, waiting, jobs, connections, flows };
const menu = [['', 'nav.search'], ['parked', 'nav.parked'], ['waiting', 'nav.waiting'], ['jobs', 'nav.jobs'], ['connections', 'nav.connections'], ['flows', 'nav.flows']];
// A page whose calls this hub lacks, or this person may not make, is not offered.
const needs = { jobs: 'jobs', connections: 'connections', flows: 'flows', waiting: 'deliveries?state=blocked&limit=1', parked: 'counts' };
let hidden = new Set();
let workshop = false; // the mapping page, for those who may change mappings
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
  const here = place().name;
  const current = here === 'rows' ? 'parked' : here === 'message' ? '' : here;
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
          onclick: () => { const next = text.current() === 'zh' ? 'en' : 'zh'; localStorage.setItem('minihub.language', next); text.choose(next); frame(); show(); } },
        t('language.other')),
        signedIn() ? h('button', { type: 'button', onclick: signOut }, t('sign.out')) : null)),
    h('nav', { 'aria-label': t('nav.label') }, menu.filter(([name]) => signedIn() && !hidden.has(name)).map(([name, key]) =>
      h('a', { href: '#/' + name, 'aria-current': name === current ? 'page' : null }, t(key))),
      signedIn() && workshop ? h('a', { href: 'map/' }, t('nav.workshop')) : null),
    main,
    h('p', { id: 'said', role: 'status', 'aria-live': 'polite' }),
    h('footer', {}, t('keys.help')));
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
      const typing = main.contains(document.activeElement) && /INPUT|SELECT|TEXTAREA/.test(document.activeElement.tagName);
      if (document.hidden || document.querySelector('dialog[open]') || typing) again(seconds);
      else show(true);
    }, seconds * 1000);
  };
  if (!quiet) main.setAttribute('aria-busy', 'true');
  try {
    const node = await page.render({ ...where, again, redraw: () => show(true) });
    if (mine !== turn) return;
    if (quiet && node === null) return; // nothing has changed
    const held = quiet ? mark(document.activeElement) : '';
    swap(main, node);
    if (held) main.querySelector(held)?.focus({ preventScroll: true });
  } catch (err) {
    if (mine !== turn) return;
    if (!(err instanceof Refused)) throw err;
    if (err.status === 401) {
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
  if (!token()) await call('DELETE', 'session').catch(() => null);
  remember('');
  session(null);
  frame();
  signIn();
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
      field(t('sign.name'), name), field(t('sign.password'), password), h('button', { type: 'submit', class: 'main' }, t('sign.in'))),
    h('details', {}, h('summary', {}, t('sign.by')), h('form', { onsubmit: enter(async () => remember(input.value.trim())) },
      field(t('sign.token'), input), h('p', { class: 'soft' }, t('sign.help'), ' ', data('.minihub.json')), h('button', { type: 'submit' }, t('sign.in'))))));
  name.focus();
}

async function begin() {
  try {
    const me = await optional('session');
    session(me);
    workshop = !token() && (me?.rights || []).includes('change');
  } catch (err) {
    if (err.status !== 401) {
      swap(main, refusal(err));
      return;
    }
    const had = token();
    remember('');
    frame();
    signIn(had ? err : null);
    return;
  }
  const found = await Promise.all(Object.entries(needs).map(async ([name, path]) => ((await optional(path).catch(() => true)) === null ? name : '')));
  hidden = new Set(found.filter(Boolean));
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
  if (takeToken()) {
    begin();
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
  if (!found) return false;
  remember(found[1]);
  history.replaceState(null, '', location.pathname + '#/');
  return true;
}

takeToken();
theme(localStorage.getItem('minihub.theme') || 'auto');
await text.load();
frame();
await begin();
