// What needs a person, grouped by cause: one line for 10,000 rows of one fault.
import { h, code } from './dom.js';
import { t, meaning, number } from './text.js';
import { get, query } from './api.js';
import { heading, pill, when, button, source } from './parts.js';
import { replayCause } from './replay.js';

// causes groups the hub's counts; a cause of messages is of a stream, one of deliveries of
// an operation.
function causes(counts) {
  return counts.filter((c) => c.state === 'parked' || c.state === 'unknown').sort((a, b) => b.count - a.count);
}

export async function render(ctx) {
  const found = causes((await get('counts')).counts);
  ctx.again(10);
  const total = found.reduce((sum, c) => sum + c.count, 0);
  return [heading(t('parked.title')), h('p', { class: 'soft' }, total ? t('parked.total', { n: total }) : t('parked.none')), h('div', { class: 'cards' }, found.map((c) => card(ctx, c)))];
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
