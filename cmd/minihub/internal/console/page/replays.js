// Bulk replays: what runs, and what ran.
import { h, data, code, put } from './dom.js';
import { t, tx, number } from './text.js';
import { get, query } from './api.js';
import { heading, pill, when, button, busy, source } from './parts.js';

export async function render(ctx) {
  const list = h('ul', { class: 'rows' });
  let next = '';
  let pages = 0;
  async function load() {
    const answer = await get('replays?' + query({ limit: 50, cursor: next }));
    pages++;
    next = answer.next || '';
    put(list, answer.replays.map((j) => h('li', {}, line(j))));
    more.hidden = !next;
  }
  const more = button(t('action.more'), () => busy(more, load), { class: 'more' });
  await load();
  let last = null;
  ctx.live((now) => {
    const key = now.replays.map((r) => r.id + r.state).join(' ');
    if (last !== null && key !== last && pages < 2) ctx.redraw();
    last = key;
  });
  return [heading(t('replays.title')), h('p', { class: 'soft' }, t('replays.about')), list.children.length ? list : h('p', {}, t('replays.none')), more];
}

// about is what a replay is of.
export function about(j) {
  return [j.connection ? (j.name ? source(j.connection, j.name) : data(j.connection)) : t('rows.everywhere'), j.code ? [' ', code(j.code)] : null, j.flow ? [' ', tx('rows.flow', { flow: j.flow })] : null];
}

// line is a replay in a list.
export function line(j) {
  return h('a', { class: 'row', href: '#/replay/' + j.id, 'data-row': 'b' + j.id }, h('span', { class: 'what' }, t('replays.number', { id: String(j.id) }), ' · ', t('replays.rows', { n: j.total }), ' · ', about(j)), pill(j.state),
    h('span', { class: 'soft' }, tx('replays.by', { who: j.who }), ' · ', when(j.created), j.why ? [' · ', data(j.why)] : null,
      j.items ? Object.entries(j.items).map(([name, n]) => [' · ', t('state.' + name), ' ', number(n)]) : null));
}
