// One box: whatever people type, in any system's spelling. Without a question the page
// shows how the hub stands.
import { h, data } from './dom.js';
import { t, tx, word, list, number } from './text.js';
import { get, query } from './api.js';
import { heading, pill, when, tone } from './parts.js';
import { card, size } from './incidents.js';

// What is looked for stays in this tab and out of addresses and history: it may be a phone.
let asked = '';

export const last = () => asked;
export function look(value) {
  asked = value.trim();
}

const few = 3; // incidents on the first page
const shown = ['parked', 'unknown', 'blocked', 'waiting', 'moving', 'delivered'];
const moving = ['ready', 'sending', 'accepted', 'received', 'pending'];

export async function render(ctx) {
  if (!asked) return standing(ctx);
  const { messages, more, incidents } = await get('messages?' + query({ key: asked, limit: 100 }));
  const n = messages.length + incidents.length;
  if (n === 1 && messages.length && !more) {
    asked = '';
    location.replace(address(messages[0])); // nobody wants a list of one
    return h('p', { class: 'soft' }, t('action.loading'));
  }
  return [heading(t('search.title')), h('p', { class: 'soft' }, n ? tx(more ? 'search.more' : 'search.found', { n, key: asked }) : tx('search.none', { key: asked })),
    n ? null : h('p', {}, t('search.hint')),
    incidents.length ? h('div', { class: 'cards' }, incidents.map((i) => card(ctx, i))) : null,
    h('ul', { class: 'rows' }, messages.map((m) => h('li', {}, h('a', { class: 'row', href: address(m), 'data-row': (m.delivery ? 'd' + m.delivery : m.message) },
      h('span', { class: 'what' }, word('entity', m.entity), ' ', data(m.key, { class: 'data key' })),
      pill(m.state),
      h('span', { class: 'soft' }, data(m.connection), m.label && m.label !== m.key ? [' · ', data(m.label)] : null, ' · ', when(m.at), ' · ', t('search.by'), ' ', matched(m.matched))))))];
}

const address = (m) => '#/message/' + m.message + (m.delivery ? '?delivery=' + m.delivery : '');

const matched = (kinds) => {
  const names = [...new Set(kinds || [])].map((k) => word('kind', k));
  return names.every((n) => typeof n === 'string') ? list(names) : names.map((n, i) => [i ? ' · ' : '', n]);
};

async function standing(ctx) {
  const [{ counts }, { connections }, open] = await Promise.all([get('counts'), get('connections'), get('incidents?state=open&limit=200')]);
  ctx.again(5);
  const sums = Object.fromEntries(shown.map((s) => [s, 0]));
  for (const c of counts) {
    const state = moving.includes(c.state) ? 'moving' : c.state;
    if (state in sums) sums[state] += c.count;
  }
  const links = { parked: '#/incidents', blocked: '#/waiting', unknown: '#/rows?' + query({ kind: 'delivery', state: 'unknown' }), waiting: '#/rows?' + query({ kind: 'delivery', state: 'waiting' }) };
  const shut = connections.filter((c) => c.closed);
  const worst = open.incidents.slice().sort((a, b) => size(b) - size(a)).slice(0, few);
  return [heading(t('home.title')), h('p', {}, t('search.hint')),
    shut.map((c) => h('p', { class: 'alert' }, tx('home.closed', { name: c.name }), ' ', h('a', { href: '#/connections' }, t('home.see')))),
    h('ul', { class: 'tiles' }, shown.map((s) => h('li', {}, h(links[s] && sums[s] ? 'a' : 'div', { class: 'tile ' + (sums[s] ? (s === 'moving' ? 'busy' : tone(s)) : 'calm'), href: links[s] && sums[s] ? links[s] : null, 'data-row': links[s] && sums[s] ? s : null },
      h('b', {}, number(sums[s])), h('span', {}, t('home.' + s)))))),
    worst.length ? [h('h2', {}, t('home.worst')), h('div', { class: 'cards' }, worst.map((i) => card(ctx, i)))] : null];
}
