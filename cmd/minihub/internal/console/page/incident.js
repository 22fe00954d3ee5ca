// One incident: what it means, its history, its replays, and its rows page by page.
import { h, data, code, put, swap } from './dom.js';
import { t, tx, number } from './text.js';
import { get, plain, query } from './api.js';
import { heading, pill, when, at, facts, button, busy } from './parts.js';
import { place, stake, recovered, words, cure, size } from './incidents.js';
import { line } from './replays.js';

const page = 50;

export async function render(ctx) {
  const id = ctx.rest[0];
  const ask = (cursor) => get('incidents/' + encodeURIComponent(id) + '?' + query({ limit: page, cursor }));
  const [first, jobs] = await Promise.all([ask(''), get('replays?' + query({ incident: id, limit: 10 }))]);
  const head = h('div', { class: 'stack' }, top(ctx, first.incident, jobs.replays));
  const list = h('ul', { class: 'rows' });
  let next = '';
  let pages = 0;
  const show = (answer) => {
    pages++;
    next = answer.next || '';
    put(list, answer.rows.map((r) => h('li', {}, row(first.incident, r))));
    more.hidden = !next;
  };
  const more = button(t('action.more'), () => busy(more, async () => show(await ask(next))), { class: 'more' });
  show(first);
  // Who paged on keeps the pages; the facts above them follow.
  let now = first.incident;
  ctx.live(async (state) => {
    const found = state.incidents.find((i) => plain(i.id) === id);
    const left = found ? found.now : 0;
    const working = state.replays.some((r) => jobs.replays.some((j) => j.id === r.id));
    if (left === now.now && !working && (now.state === 'open') === Boolean(found)) return;
    if (pages < 2) {
      await ctx.redraw();
      return;
    }
    const [again, others] = await Promise.all([get('incidents/' + encodeURIComponent(id) + '?limit=1'), get('replays?' + query({ incident: id, limit: 10 }))]);
    now = again.incident;
    swap(head, top(ctx, now, others.replays));
  });
  const gate = first.incident.kind === 'gate';
  return [head, gate ? null : [h('h2', {}, t('incident.rows')), list.children.length ? list : h('p', { class: 'soft' }, t('incident.empty')), more]];
}

function top(ctx, i, jobs) {
  return [heading(t('incident.title'), pill(i.state === 'open' ? 'failing' : 'recovered')), h('h2', {}, place(i)),
    i.state === 'open' ? null : h('p', { class: 'fine' }, recovered(i)),
    words(i), stake(i),
    h('div', { class: 'actions' }, cure(ctx, i)),
    facts([[t('incident.now'), number(size(i))], [t('incident.seen'), number(i.seen)], [t('field.code'), code(i.code)], [t('incident.field'), i.field ? code(i.field) : ''],
      [t('incident.since'), at(i.since)], [t('incident.changed'), when(i.changed)], [t('incident.ended'), i.ended ? at(i.ended) : ''],
      [t('incident.history'), t('incident.episodes', { n: i.episodes }) + t('incident.lifetime', { n: i.lifetime })]]),
    jobs.length ? [h('h2', {}, t('replays.title')), h('ul', { class: 'rows' }, jobs.map((j) => h('li', {}, line(j))))] : null];
}

function row(i, r) {
  const inside = [h('span', { class: 'what' }, data(r.label || plain(r.id), { class: 'data key' })), pill(r.state), h('span', { class: 'soft' }, when(r.at)), r.text ? h('span', { class: 'why' }, data(r.text)) : null];
  if (!r.message) return h('div', { class: 'row' }, inside);
  return h('a', { class: 'row', href: '#/message/' + r.message + (i.kind === 'delivery' ? '?delivery=' + r.id : ''), 'data-row': r.id }, inside);
}
