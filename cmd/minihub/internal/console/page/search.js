// One box: whatever people type, in any system's spelling. Without a question the page
// shows how the hub stands.
import { h, data } from './dom.js';
import { t, tx, word, list, number } from './text.js';
import { get, query } from './api.js';
import { heading, pill, when, tone } from './parts.js';

// What is looked for stays in this tab and out of addresses and history: it may be a phone.
let asked = '';

export const last = () => asked;
export function look(value) {
  asked = value.trim();
}

const shown = ['parked', 'unknown', 'blocked', 'waiting', 'moving', 'delivered'];
const moving = ['ready', 'sending', 'accepted', 'received', 'pending'];

export async function render(ctx) {
  if (!asked) return standing(ctx);
  const { messages } = await get('messages?' + query({ key: asked, limit: 100 }));
  return [heading(t('search.title')), h('p', { class: 'soft' }, messages.length ? tx('search.found', { n: messages.length, key: asked }) : tx('search.none', { key: asked })),
    messages.length ? null : h('p', {}, t('search.hint')),
    h('ul', { class: 'rows' }, messages.map((m) => h('li', {}, h('a', { class: 'row', href: '#/message/' + m.message, 'data-row': m.message },
      h('span', { class: 'what' }, word('entity', m.entity), ' ', data(m.key, { class: 'data key' })),
      pill(m.state),
      h('span', { class: 'soft' }, data(m.connection), m.label && m.label !== m.key ? [' · ', data(m.label)] : null, ' · ', when(m.at), ' · ', t('search.by'), ' ', matched(m.matched))))))];
}

const matched = (kinds) => {
  const names = [...new Set(kinds || [])].map((k) => word('kind', k));
  return names.every((n) => typeof n === 'string') ? list(names) : names.map((n, i) => [i ? ' · ' : '', n]);
};

async function standing(ctx) {
  const [{ counts }, { connections }] = await Promise.all([get('counts'), get('connections')]);
  ctx.again(5);
  const sums = Object.fromEntries(shown.map((s) => [s, 0]));
  for (const c of counts) {
    const state = moving.includes(c.state) ? 'moving' : c.state;
    if (state in sums) sums[state] += c.count;
  }
  const links = { parked: '#/parked', blocked: '#/waiting', unknown: '#/rows?' + query({ kind: 'delivery', state: 'unknown' }), waiting: '#/rows?' + query({ kind: 'delivery', state: 'waiting' }) };
  const shut = connections.filter((c) => c.closed);
  return [heading(t('home.title')), h('p', {}, t('search.hint')),
    shut.map((c) => h('p', { class: 'alert' }, tx('home.closed', { name: c.name }), ' ', h('a', { href: '#/connections' }, t('home.see')))),
    h('ul', { class: 'tiles' }, shown.map((s) => h('li', {}, h(links[s] && sums[s] ? 'a' : 'div', { class: 'tile ' + (sums[s] ? (s === 'moving' ? 'busy' : tone(s)) : 'calm'), href: links[s] && sums[s] ? links[s] : null, 'data-row': links[s] && sums[s] ? s : null },
      h('b', {}, number(sums[s])), h('span', {}, t('home.' + s))))))];
}
