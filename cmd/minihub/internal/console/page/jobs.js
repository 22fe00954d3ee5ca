// Jobs: when in words, the next ticks, pause and resume, run now, and the history with
// every tick that began no run. Backfills stand above them.
import { h, data, code, swap, put } from './dom.js';
import { t, tx, word, number, span, length, timeIn } from './text.js';
import { get, post, query } from './api.js';
import { heading, pill, when, at, facts, button, busy, field, refusal, say, dialog } from './parts.js';
import { inWords } from './schedule.js';
import { fillButtons, fillCards } from './backfill.js';

const told = { 'put unfinished rows back into their lanes': 'job.sweep', 'drop documents and results past their age': 'job.retention', 'compare sources, ledger and targets': 'job.reconcile' };

// about says what a job does; a text of the deployment's own stays as it is.
function about(text) {
  if (text.startsWith('pull ')) return tx('job.pull', { streams: text.slice(5).split(' ').join(', ') });
  return told[text] ? t(told[text]) : data(text);
}

export async function render(ctx) {
  const [{ jobs }, { flows }, { backfills }] = await Promise.all([get('jobs'), get('flows').catch(() => ({ flows: [] })), get('backfills?limit=6').catch(() => ({ backfills: [] }))]);
  ctx.again(3);
  const streams = [...new Set(flows.flatMap((f) => f.from))].sort();
  return [heading(t('jobs.title'), streams.length ? fillButtons(ctx, streams) : null), fillCards(ctx, backfills),
    h('div', { class: 'cards' }, (jobs || []).map((j) => card(ctx, j)))];
}

function card(ctx, j) {
  const last = j.last;
  const named = (key) => ({ 'aria-label': t(key) + ' ' + j.job });
  const run = button(t('jobs.run'), () => busy(run, async () => {
    try {
      const out = await post('jobs/' + encodeURIComponent(j.job) + '/run');
      say([t('jobs.ran'), ' ', counts(out.run?.counts)]);
    } catch (err) {
      say(refusal(err));
    }
    await ctx.redraw();
  }), { 'data-row': j.job, ...named('jobs.run') });
  const turn = j.paused
    ? button(t('jobs.resume'), () => busy(turn, async () => { await post('jobs/' + encodeURIComponent(j.job) + '/resume', { who: 'console' }); say(t('jobs.resumed')); await ctx.redraw(); }), { class: 'main', ...named('jobs.resume') })
    : button(t('jobs.pause'), () => pause(ctx, j), named('jobs.pause'));
  const words = inWords(j.schedule);
  return h('article', { class: 'card' }, h('div', { class: 'cause-head' }, h('h2', {}, data(j.job)), j.running ? pill('running') : j.paused ? pill('paused') : last ? pill(last.state) : null),
    j.paused ? h('div', { class: 'alert' }, h('p', { class: 'todo' }, t('jobs.is_paused')), h('p', {}, data(j.pause.why)), h('p', { class: 'soft' }, t('gate.since'), ' ', at(j.pause.since), ' · ', tx('order.who', { who: j.pause.who }))) : null,
    !j.paused && j.lost ? h('p', { class: 'note' }, lost(j.lost)) : null,
    h('p', {}, about(j.text)),
    facts([[t('jobs.when'), words ? h('span', { title: j.schedule }, words) : code(j.schedule)], [t('jobs.zone'), data(j.time_zone)],
      j.paused ? [t('jobs.next'), t('jobs.not_while')] : [t('jobs.next'), h('details', {}, h('summary', {}, timeIn(j.next, j.time_zone), ' (', when(j.next), ')'),
        h('ol', { class: 'plain' }, j.upcoming.slice(1).map((tick) => h('li', {}, timeIn(tick, j.time_zone)))))],
      [t('jobs.last'), last ? [timeIn(last.started, j.time_zone), ' · ', took(last)] : t('jobs.never')],
      [t('jobs.counts'), last ? counts(last.counts) : '']]),
    last?.text ? h('p', { class: 'alert' }, data(last.text)) : null,
    h('div', { class: 'actions' }, run, turn, button(t('jobs.history'), () => history(j), named('jobs.history'))));
}

// lost says how many ticks began no run, why and when.
function lost(row) {
  return [t('jobs.lost.' + row.state, { n: row.counts?.ticks || 0 }), ' ', h('span', { class: 'soft' }, at(row.tick), row.ended && row.ended !== row.tick ? [' – ', at(row.ended)] : null)];
}

function took(run) {
  const ms = new Date(run.ended) - new Date(run.started);
  if (!run.ended || !(ms >= 0)) return t('state.' + run.state);
  return ms < 1000 ? span(ms, 'millisecond', 'short') : length(ms / 1000);
}

function counts(all) {
  const some = Object.entries(all || {}).filter(([, n]) => n > 0);
  return some.length ? some.map(([name, n], i) => [i ? ' · ' : '', word('count', name), ' ', number(n)]) : t('count.none');
}

const size = 20;

// history lists what a job did and what it missed, page by page.
function history(j) {
  dialog(t('jobs.history'), () => {
    const rows = h('ul', { class: 'rows' });
    let cursor = '';
    const more = button(t('action.more'), () => busy(more, load), { class: 'more' });
    async function load() {
      try {
        const page = await get('jobs/' + encodeURIComponent(j.job) + '/runs?' + query({ limit: size, cursor }));
        cursor = page.next || '';
        put(rows, page.runs.map((r) => h('li', {}, h('div', { class: 'row' }, h('span', { class: 'what' }, timeIn(r.tick, j.time_zone)), pill(r.state),
          h('span', { class: 'soft' }, ['skipped', 'paused', 'missed'].includes(r.state) ? lost(r) : [took(r), ' · ', counts(r.counts)]), r.text ? h('span', { class: 'why' }, data(r.text)) : null))));
        if (!rows.children.length) rows.append(h('li', { class: 'soft' }, t('jobs.never')));
      } catch (err) {
        swap(rows, h('li', {}, refusal(err)));
      }
      more.hidden = !cursor;
    }
    load();
    return h('div', {}, h('p', {}, data(j.job)), rows, more);
  });
}

function pause(ctx, j) {
  dialog(t('jobs.pause'), (close) => {
    const why = h('input', { type: 'text', required: true, autocomplete: 'off' });
    const answer = h('div', {});
    const send = h('button', { type: 'submit', class: 'danger' }, t('jobs.pause'));
    return h('form', { onsubmit: (e) => {
      e.preventDefault();
      busy(send, async () => {
        try {
          await post('jobs/' + encodeURIComponent(j.job) + '/pause', { who: 'console', why: why.value.trim() });
          close();
          await ctx.redraw();
        } catch (err) {
          swap(answer, refusal(err));
        }
      });
    } }, h('p', {}, tx('jobs.holds', { name: j.job })), field(t('field.why'), why), answer, h('div', { class: 'actions' }, send));
  });
}
