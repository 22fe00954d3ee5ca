// Jobs: when in words, the next and the last run, run now, and backfill of a window.
import { h, data, code, swap } from './dom.js';
import { t, tx, word, number, span, timeIn } from './text.js';
import { get, post } from './api.js';
import { heading, pill, when, facts, button, busy, field, refusal, say, dialog } from './parts.js';
import { inWords } from './schedule.js';

const told = { 'put unfinished rows back into their lanes': 'job.sweep', 'drop payloads past their age': 'job.retention', 'compare sources, ledger and targets': 'job.reconcile' };

// about says what a job does; a text of the deployment's own stays as it is.
function about(text) {
  if (text.startsWith('pull ')) return tx('job.pull', { streams: text.slice(5).split(' ').join(', ') });
  return told[text] ? t(told[text]) : data(text);
}

export async function render(ctx) {
  const [{ jobs }, { flows }] = await Promise.all([get('jobs'), get('flows').catch(() => ({ flows: [] }))]);
  ctx.again(5);
  const streams = [...new Set(flows.flatMap((f) => f.from))].sort();
  return [heading(t('jobs.title'), streams.length ? button(t('backfill.open'), () => backfill(streams)) : null),
    h('div', { class: 'cards' }, (jobs || []).map((j) => card(ctx, j)))];
}

function card(ctx, j) {
  const last = j.last;
  const run = button(t('jobs.run'), () => busy(run, async () => {
    try {
      const out = await post('jobs/' + encodeURIComponent(j.job) + '/run');
      say([t('jobs.ran'), ' ', counts(out.run?.Counts)]);
    } catch (err) {
      say(refusal(err));
    }
    await ctx.redraw();
  }), { 'data-row': j.job, 'aria-label': t('jobs.run') + ' ' + j.job });
  const words = inWords(j.schedule);
  return h('article', { class: 'card' }, h('div', { class: 'cause-head' }, h('h2', {}, data(j.job)), j.running ? pill('running') : j.paused ? pill('paused') : last ? pill(last.State) : null),
    h('p', {}, about(j.text)),
    facts([[t('jobs.when'), words ? h('span', { title: j.schedule }, words) : code(j.schedule)], [t('jobs.zone'), data(j.time_zone)],
      [t('jobs.next'), [timeIn(j.next, j.time_zone), ' (', when(j.next), ')']],
      [t('jobs.last'), last ? [timeIn(last.Started, j.time_zone), ' · ', span(Math.max(0, Math.round((new Date(last.Ended) - new Date(last.Started)) || 0)), 'millisecond', 'short')] : t('jobs.never')],
      [t('jobs.counts'), last ? counts(last.Counts) : '']]),
    last?.Text ? h('p', { class: 'alert' }, data(last.Text)) : null, h('div', { class: 'actions' }, run));
}

function counts(all) {
  const some = Object.entries(all || {}).filter(([, n]) => n > 0);
  return some.length ? some.map(([name, n], i) => [i ? ' · ' : '', word('count', name), ' ', number(n)]) : t('count.none');
}

// local is a time as an input of the page takes it.
const local = (d) => new Date(d - d.getTimezoneOffset() * 60000).toISOString().slice(0, 16);

function backfill(streams) {
  dialog(t('backfill.title'), (close) => {
    const now = new Date();
    const stream = h('select', { required: true }, streams.map((name) => h('option', { value: name, translate: 'no' }, name)));
    const from = h('input', { type: 'datetime-local', required: true, value: local(new Date(now - 86400000)) });
    const to = h('input', { type: 'datetime-local', required: true, value: local(now) });
    const answer = h('div', { 'aria-live': 'polite' });
    const sure = h('input', { type: 'checkbox', required: true });
    const send = h('button', { type: 'submit', class: 'main' }, t('backfill.do'));
    return h('form', { onsubmit: (e) => {
      e.preventDefault();
      const [connection, ...rest] = stream.value.split('.');
      swap(answer, h('p', { class: 'soft' }, t('backfill.runs')));
      busy(send, async () => {
        try {
          const out = await post('backfill', { connection, stream: rest.join('.'), from: new Date(from.value).toISOString(), to: new Date(to.value).toISOString() });
          swap(answer, h('p', { class: 'fine' }, t('backfill.done'), ' ', counts(out.counts)), h('div', { class: 'actions' }, button(t('action.close'), close)));
        } catch (err) {
          swap(answer, refusal(err));
        }
      });
    } }, h('p', {}, t('backfill.about')), field(t('backfill.stream'), stream), h('div', { class: 'fields' }, field(t('backfill.from'), from), field(t('backfill.to'), to)),
    h('label', { class: 'check' }, sure, h('span', {}, t('backfill.sure'))), answer, h('div', { class: 'actions' }, send));
  });
}
