// A list of messages or deliveries of one state and cause, page by page.
import { h, data, code, put } from './dom.js';
import { t, tx, word } from './text.js';
import { get, query, may } from './api.js';
import { heading, pill, when, button, busy, source } from './parts.js';
import { plan } from './incidents.js';

const size = 50;

export async function render(ctx) {
  const want = Object.fromEntries(['connection', 'operation', 'stream', 'code', 'state', 'flow'].map((k) => [k, ctx.query.get(k) || '']));
  const kind = ctx.query.get('kind') === 'message' ? 'message' : 'delivery';
  const path = kind === 'message' ? 'records' : 'deliveries';
  const list = h('ul', { class: 'rows' });
  const more = button(t('action.more'), () => busy(more, load), { class: 'more' });
  let after = 0;
  async function load() {
    const answer = await get(path + '?' + query({ ...want, limit: size, after: after || '' }));
    const rows = kind === 'message' ? answer.messages : answer.deliveries;
    after = rows.length ? rows[rows.length - 1].id : after;
    put(list, rows.map((r) => h('li', {}, kind === 'message' ? ofMessage(r) : ofDelivery(r))));
    more.hidden = rows.length < size;
    if (!list.children.length) list.append(h('li', { class: 'soft' }, t('rows.none')));
  }
  await load();
  // All of the list that is parked goes as one job.
  const all = button(t('replays.all'), () => busy(all, () => plan({ filter: { kind, connection: want.connection, code: want.code,
    ...(kind === 'message' ? { stream: want.stream } : { operation: want.operation, flow: want.flow }) } })));
  const parked = may('repair') && list.querySelector('[data-row]') && want.state.split(',').includes('parked');
  const [where, name] = kind === 'message' ? [want.connection, want.stream] : [want.connection, want.operation];
  return [heading(t('rows.title.' + kind), want.state ? want.state.split(',').map(pill) : null, parked ? all : null), h('p', { class: 'soft' }, where ? (name ? source(where, name) : data(where)) : t('rows.everywhere'), ' ', want.code ? code(want.code) : null), list, more];
}

function ofMessage(m) {
  return h('a', { class: 'row', href: '#/message/' + m.id, 'data-row': 'm' + m.id }, h('span', { class: 'what' }, word('entity', m.entity), ' ', data(m.key, { class: 'data key' })),
    pill(m.state), h('span', { class: 'soft' }, source(m.connection, m.stream), ' · ', when(m.received_at)), m.text ? h('span', { class: 'why' }, data(m.text)) : null);
}

function ofDelivery(d) {
  return h('a', { class: 'row', href: '#/message/' + d.message + '?delivery=' + d.id, 'data-row': 'd' + d.id }, h('span', { class: 'what' }, source(d.connection, d.operation), ' ', data(d.key, { class: 'data key' })),
    pill(d.state), h('span', { class: 'soft' }, tx('rows.flow', { flow: d.flow }), d.attempts ? [' · ', t('order.attempts', { n: d.attempts })] : null), d.text ? h('span', { class: 'why' }, data(d.text)) : null);
}
