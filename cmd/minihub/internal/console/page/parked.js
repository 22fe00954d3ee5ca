// What needs a person, grouped by cause: one line for 10,000 rows of one fault.
import { h, data, code } from './dom.js';
import { t, meaning, number, current } from './text.js';
import { get, optional, query } from './api.js';
import { heading, pill, when, button, source } from './parts.js';
import { replayCause } from './replay.js';

// causes groups the hub's counts; a cause of messages is of a stream, one of deliveries of
// an operation.
function causes(counts) {
  return counts.filter((c) => c.state === 'parked' || c.state === 'unknown').sort((a, b) => b.count - a.count);
}

export async function render(ctx) {
  const [{ counts }, open, closed] = await Promise.all([get('counts'), optional('incidents?state=open&limit=200'), optional('incidents?state=closed&limit=10')]);
  ctx.again(10);
  const found = causes(counts);
  const parked = found.reduce((sum, c) => sum + c.count, 0);
  const grouped = open && (open.incidents.length || !parked);
  const total = grouped ? open.incidents.reduce((sum, i) => sum + (i.kind === 'gate' ? 0 : i.now), 0) : parked;
  return [heading(t('parked.title')), h('p', { class: 'soft' }, total ? t('parked.total', { n: total }) : t('parked.none')),
    h('div', { class: 'cards' }, grouped ? open.incidents.map((i) => incident(ctx, i)) : found.map((c) => card(ctx, c))),
    closed?.incidents.length ? [h('h2', {}, t('parked.over')), h('ul', { class: 'rows' }, closed.incidents.map((i) => h('li', {}, h('div', { class: 'row' },
      h('span', { class: 'what' }, source(i.connection, i.name || i.kind)), code(i.code), h('span', { class: 'soft' }, i.recovered ? said(i.recovered) : when(i.ended))))))] : null];
}

// The hub's own words come in both languages, and name its commands.
const said = (words) => (words ? data(words[current()]) : null);

// incident is failures of one cause as the hub keeps them.
function incident(ctx, i) {
  const record = i.kind === 'record';
  const rows = record || i.kind === 'delivery';
  const to = '#/rows?' + query({ kind: record ? 'message' : 'delivery', connection: i.connection, [record ? 'stream' : 'operation']: i.name, state: 'parked,unknown,blocked', code: i.code });
  return h('article', { class: 'card cause' },
    h('div', { class: 'cause-head' }, h('b', { class: 'count' }, number(i.kind === 'gate' ? i.waiting || 0 : i.now)), h('h2', {}, source(i.connection, i.name || i.kind))),
    h('p', {}, said(i.means)), h('p', { class: 'todo' }, said(i.do)),
    h('p', { class: 'soft' }, code(i.code), i.field ? [' ', code(i.field)] : null, ' · ', t('parked.since'), ' ', when(i.since), ' · ', t('parked.seen', { n: i.seen })),
    h('div', { class: 'actions' },
      i.fix === 'lookup' ? h('a', { class: 'button', href: '#/waiting', 'data-row': 'i' + i.id }, t('parked.fill')) : null,
      i.kind === 'gate' ? h('a', { class: 'button', href: '#/connections', 'data-row': 'i' + i.id }, t('home.see')) : null,
      rows ? h('a', { class: 'button', href: to, 'data-row': 'r' + i.id }, t('parked.show')) : null,
      rows && i.fix !== 'lookup' && i.fix !== 'wait' ? button(t('replay.all'), () => replayCause({ kind: i.kind, connection: i.connection, name: i.name, code: i.code }, ctx.redraw)) : null));
}

function card(ctx, c) {
  const to = c.kind === 'hint' ? null : '#/rows?' + query({ kind: c.kind === 'record' ? 'message' : 'delivery', connection: c.connection,
    [c.kind === 'record' ? 'stream' : 'operation']: c.name, state: c.state, code: c.code });
  return h('article', { class: 'card cause' },
    h('div', { class: 'cause-head' }, h('b', { class: 'count' }, number(c.count)), h('h2', {}, source(c.connection, c.name)), pill(c.state)),
    h('p', {}, meaning('means', c.code)),
    h('p', { class: 'todo' }, meaning('do', c.code)),
    h('p', { class: 'soft' }, code(c.code), c.oldest ? [' · ', t('parked.since'), ' ', when(c.oldest)] : null),
    h('div', { class: 'actions' }, to ? h('a', { class: 'button', href: to, 'data-row': c.kind + c.connection + c.name + c.code }, t('parked.show')) : h('span', { class: 'soft' }, t('parked.hint')),
      c.kind !== 'hint' && c.state === 'parked' ? button(t('replay.all'), () => replayCause(c, ctx.redraw)) : null));
}
