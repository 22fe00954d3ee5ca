// Backfills: a window of the past read again as a job. The plan comes first, with when it
// would be done and what it leaves to live orders; then it goes, and can be held.
import { h, data, swap } from './dom.js';
import { t, tx, number, time, length } from './text.js';
import { post, plain } from './api.js';
import { pill, at, facts, button, busy, field, refusal, dialog } from './parts.js';

// fillButtons open a plan: yesterday with one click.
export function fillButtons(ctx, streams) {
  return h('div', { class: 'actions' }, button(t('backfill.yesterday'), () => ask(ctx, streams, 'yesterday'), { id: 'backfill-yesterday' }),
    button(t('backfill.week'), () => ask(ctx, streams, 'last-7-days')), button(t('backfill.open'), () => ask(ctx, streams, '')));
}

export function fillCards(ctx, list) {
  const shown = list.filter((b) => b.state !== 'planned' && b.state !== 'cancelled');
  return shown.length ? h('section', {}, h('h2', {}, t('backfill.title')), h('div', { class: 'cards' }, shown.map((b) => card(ctx, b)))) : null;
}

const open = ['running', 'paused', 'failed'];

function card(ctx, b) {
  const act = (name, attrs = {}) => {
    const el = button(t('backfill.' + name), () => busy(el, async () => { await post('backfills/' + b.id + '/' + name, { who: 'console' }); await ctx.redraw(); }), { 'aria-label': t('backfill.' + name) + ' ' + b.id, ...attrs });
    return el;
  };
  const all = Math.max(b.expected.items, b.items);
  return h('article', { class: 'card', id: 'backfill-' + b.id }, h('div', { class: 'cause-head' }, h('h3', {}, data(b.connection + '.' + b.stream)), pill(b.state)),
    h('p', { class: 'soft' }, at(b.from), ' – ', at(b.to)),
    open.includes(b.state) && all ? h('progress', { max: all, value: b.items, 'aria-label': t('backfill.progress') }) : null,
    h('p', {}, t(b.state === 'done' ? 'backfill.read' : 'backfill.read_of', { n: b.items, of: all })),
    b.state === 'running' ? h('p', { class: 'todo' }, ends(b), ' ', t('backfill.leaves', { n: b.leave })) : null,
    b.state === 'paused' ? h('p', { class: 'note' }, t('backfill.is_paused')) : null,
    b.text ? h('p', { class: 'alert' }, data(b.text)) : b.waits ? h('p', { class: 'note' }, t('backfill.waits'), ' ', data(b.waits)) : null,
    facts([[t('count.new'), number(b.new)], [t('backfill.same'), number(b.unchanged)], b.failed ? [t('backfill.failed'), number(b.failed)] : ['', ''], [t('backfill.took'), b.busy_seconds ? length(Number(plain(b.busy_seconds))) : '']]),
    h('div', { class: 'actions' }, b.state === 'running' ? act('pause') : null, b.state === 'paused' || b.state === 'failed' ? act('resume', { class: 'main' }) : null, open.includes(b.state) ? act('cancel', { class: 'danger' }) : null));
}

// ends says when it is done, by the reader's clock.
function ends(b) {
  if (!b.done_about) return t('backfill.unknown');
  return t('backfill.ends', { at: time(b.done_about), span: length(Number(plain(b.seconds_left))) });
}

// local is a time as an input of the page takes it.
const local = (d) => new Date(d - d.getTimezoneOffset() * 60000).toISOString().slice(0, 16);

function ask(ctx, streams, preset) {
  dialog(t('backfill.title'), (close) => {
    const now = new Date();
    // Orders are what people mean.
    const first = streams.find((name) => name.endsWith('.orders')) || streams[0];
    const stream = h('select', {}, streams.map((name) => h('option', { value: name, translate: 'no', selected: name === first }, name)));
    const from = h('input', { type: 'datetime-local', required: true, value: local(new Date(now - 86400000)) });
    const to = h('input', { type: 'datetime-local', required: true, value: local(now) });
    const leave = h('input', { type: 'number', min: 0, max: 95, required: true, value: '35' });
    const answer = h('div', { 'aria-live': 'polite' });
    const start = h('button', { type: 'submit', class: 'main', disabled: true }, t('backfill.start'));
    let planned = null;
    let turn = 0;
    const plan = async () => {
      const mine = ++turn;
      const old = planned;
      planned = null;
      start.disabled = true;
      swap(answer, h('p', { class: 'soft' }, t('backfill.counts')));
      try {
        if (old) await post('backfills/' + old.id + '/cancel', { who: 'console' });
        const [connection, ...rest] = stream.value.split('.');
        const window = preset ? { preset } : { from: new Date(from.value).toISOString(), to: new Date(to.value).toISOString() };
        const out = await post('backfills', { connection, stream: rest.join('.'), ...window, leave: Number(leave.value), who: 'console' });
        if (mine !== turn) return;
        planned = out;
        start.disabled = false;
        swap(answer, forecast(out));
      } catch (err) {
        if (mine === turn) swap(answer, refusal(err));
      }
    };
    for (const el of [stream, from, to, leave]) el.addEventListener('change', plan);
    plan();
    return h('form', { onsubmit: (e) => {
      e.preventDefault();
      if (!planned) return;
      busy(start, async () => {
        try {
          await post('backfills/' + planned.id + '/start', { who: 'console' });
          close();
          await ctx.redraw();
        } catch (err) {
          swap(answer, refusal(err));
        }
      });
    } }, h('p', {}, t('backfill.about')), field(t('backfill.stream'), stream),
    preset ? null : h('div', { class: 'fields' }, field(t('backfill.from'), from), field(t('backfill.to'), to)),
    field(t('backfill.leave'), leave), answer, h('div', { class: 'actions' }, start));
  });
}

function forecast(b) {
  const tight = (b.limits || []).slice().sort((x, y) => y.calls / y.allowed - x.calls / x.allowed)[0];
  return h('div', { class: 'fine' }, h('p', { class: 'soft' }, at(b.from), ' – ', at(b.to)),
    b.method === 'unknown' ? h('p', {}, t('backfill.unknown'), b.text ? [' ', data(b.text)] : null)
      : [h('p', {}, t('backfill.' + b.method, { n: b.expected.items }), ' ', t('backfill.fresh', { n: b.expected.new })),
        h('p', { class: 'todo' }, ends(b), ' ', t('backfill.leaves', { n: b.leave }))],
    tight ? h('p', { class: 'soft' }, tx('backfill.calls', { n: tight.calls, name: tight.connection + '.' + tight.limit }), ' ', t('connections.used', { used: tight.used, allowed: tight.allowed })) : null);
}
