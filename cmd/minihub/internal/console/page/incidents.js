// Failures grouped by cause: one card for 10,000 rows of one fault, and what is over.
import { h, data, code, prose } from './dom.js';
import { t, tx, number, money, time, clock, current } from './text.js';
import { get, post, plain, may } from './api.js';
import { heading, when, button, busy, source } from './parts.js';

export async function render(ctx) {
  const [open, closed] = await Promise.all([get('incidents?state=open&limit=200'), get('incidents?state=closed&limit=10')]);
  // Told again only when an incident came, went or changed its size.
  let last = null;
  ctx.live((now) => {
    const key = JSON.stringify(now.incidents);
    if (last !== null && key !== last) ctx.redraw();
    last = key;
  });
  const rows = open.incidents.reduce((sum, i) => sum + size(i), 0);
  return [heading(t('incidents.title')),
    h('p', { class: 'soft' }, open.incidents.length ? t('incidents.total', { n: rows }) : t('incidents.none')),
    open.money?.length ? h('p', {}, t('incidents.together'), ' ', h('b', {}, amounts(open.money))) : null,
    h('div', { class: 'cards' }, open.incidents.map((i) => card(ctx, i))),
    open.next ? h('p', { class: 'alert' }, t('incidents.more', { n: open.incidents.length })) : null,
    closed.incidents.length ? [h('h2', {}, t('incidents.over')), h('ul', { class: 'rows' }, closed.incidents.map((i) => h('li', {},
      h('a', { class: 'row', href: address(i), 'data-row': 'over' + plain(i.id) }, h('span', { class: 'what' }, place(i)), code(i.code), h('span', { class: 'soft' }, recovered(i))))))] : null];
}

export const address = (i) => '#/incident/' + plain(i.id);

// place is where an incident is: an operation, a stream, or a whole connection.
export const place = (i) => (i.name ? source(i.connection, i.name) : data(i.connection));

// The hub's own words come in both languages.
const said = (words) => h('span', { translate: 'no' }, prose(words[current()]));

// size is how many rows an incident holds up.
export const size = (i) => (i.kind === 'gate' ? i.waiting || 0 : i.now);

const amounts = (list) => list.map((m, n) => [n ? ' + ' : '', h('span', { translate: 'no' }, money(m.amount, m.currency))]);

// stake is the money that an incident holds up.
export function stake(i) {
  if (!i.money?.length && !i.rows_without_amount) return null;
  return h('p', {}, i.money?.length ? [t('incidents.money'), ' ', h('b', {}, amounts(i.money))] : null,
    i.rows_without_amount ? h('span', { class: 'soft' }, ' ', t('incidents.unpriced', { n: i.rows_without_amount })) : null);
}

export function recovered(i) {
  return h('time', { datetime: i.ended, title: time(i.ended) }, t('incidents.recovered', { time: clock(i.ended), n: i.seen, left: number(i.now) }));
}

// words say what an incident means and what to do about it.
export function words(i) {
  return [h('p', {}, said(i.means)), i.state === 'open' ? h('p', { class: 'todo' }, said(i.do)) : null];
}

// cure is the button that does what is to be done.
export function cure(ctx, i) {
  if (i.state !== 'open') return null;
  if (i.fix === 'lookup') return h('a', { class: 'button main', href: '#/waiting', 'data-row': 'fix' + plain(i.id) }, t('incidents.fill'));
  if (i.kind === 'gate') {
    return [h('a', { class: 'button', href: '#/connections', 'data-row': 'fix' + plain(i.id) }, t('incidents.connection')),
      may('operate') ? act(ctx, t('incidents.reopen'), async () => { await post('connections/' + encodeURIComponent(i.connection) + '/resume', { operation: i.name || undefined, who: 'console' }); await ctx.redraw(); }) : null];
  }
  if (i.fix === 'wait' || i.kind === 'hint' || !may('repair')) return null;
  return act(ctx, t('replays.all'), () => plan({ incident: Number(plain(i.id)) }), { class: i.fix === 'replay' ? 'main' : null });
}

function act(ctx, text, work, attrs) {
  const el = button(text, () => busy(el, work), attrs);
  return el;
}

// plan counts what a bulk replay would do, and shows it.
export async function plan(what) {
  const job = await post('replays', { ...what, who: 'console' });
  location.hash = '#/replay/' + job.id;
}

export function card(ctx, i) {
  return h('article', { class: 'card cause' },
    h('div', { class: 'cause-head' }, h('b', { class: 'count' }, number(size(i))), h('h2', {}, h('a', { href: address(i), 'data-row': 'i' + plain(i.id) }, place(i)))),
    words(i),
    h('p', { class: 'soft' }, code(i.code), i.field ? [' ', code(i.field)] : null, ' · ', t('incidents.since'), ' ', when(i.since), ' · ', t('incidents.seen', { n: i.seen })),
    stake(i), h('div', { class: 'actions' }, cure(ctx, i), h('a', { class: 'button', href: address(i), 'aria-label': t('incidents.show') + ' ' + i.connection + ' ' + (i.name || '') }, t('incidents.show'))));
}
