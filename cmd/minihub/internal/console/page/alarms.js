// Alarms: what is wrong now, what was, and whether those who should hear of it do.
import { h, data, code, prose, swap } from './dom.js';
import { t, tx, word, current } from './text.js';
import { get, post, may } from './api.js';
import { heading, when, at, facts, button, busy, field, refusal, pill, say, dialog } from './parts.js';

const tried = new Map(); // results of tests, by receiver
const places = { failures: 'incidents', gate: 'connections', pause: 'connections', token: 'connections', quota: 'connections', backlog: 'flows', oldest: 'flows', silence: 'jobs', job: 'jobs', job_fails: 'jobs' };

export async function render(ctx) {
  const found = await get('alarms?language=' + current());
  ctx.again(5);
  const one = ctx.rest[0];
  return [heading(t('nav.alarms')),
    found.open.length ? h('div', { class: 'cards' }, found.open.map((a) => open(ctx, a, a.id === one))) : h('p', { class: 'fine' }, t('alarms.none')),
    h('h2', {}, t('alarms.receivers')),
    found.receivers.length ? h('div', { class: 'cards' }, found.receivers.map((r) => receiver(ctx, r))) : h('p', { class: 'note' }, t('alarms.unheard'), ' ', code('alarms: {receivers: [...]}'), ' ', code('hub.yaml')),
    h('h2', {}, t('alarms.past')),
    found.past.length ? h('ul', { class: 'rows' }, found.past.map((a) => past(a, a.id === one))) : h('p', { class: 'soft' }, t('alarms.nothing'))];
}

function open(ctx, a, wanted) {
  const place = places[a.lead.rule];
  const told = Object.entries(a.told || {});
  return h('article', { class: 'card cause', 'aria-current': wanted ? 'true' : null },
    h('h2', { translate: 'no' }, a.title), h('p', { class: 'todo', translate: 'no' }, prose(a.mend)),
    facts([[t('alarms.since'), [at(a.opened_at), ' (', when(a.opened_at), ')']], [t('alarms.peak'), a.peak ? t('alarms.n', { n: a.peak }) : ''],
      [t('alarms.told'), told.length ? told.map(([name], i) => [i ? ', ' : '', data(name)]) : t('alarms.untold')],
      [t('alarms.ack'), a.ack ? [data(a.ack.who), ': ', data(a.ack.note), ' ', h('span', { class: 'soft' }, when(a.ack.at))] : '']]),
    h('div', { class: 'actions' }, place ? h('a', { class: 'button', href: '#/' + place, 'data-row': a.id }, t('home.see')) : null,
      !a.ack && may('operate') ? button(t('alarms.take'), () => take(ctx, a), { 'aria-label': t('alarms.take') + ' ' + a.title }) : null));
}

// take says who looks after an alarm: it is not told again meanwhile.
function take(ctx, a) {
  dialog(t('alarms.take'), (close) => {
    const note = h('input', { type: 'text', autocomplete: 'off', maxlength: 200, required: true, autofocus: true });
    const answer = h('div', {});
    const send = h('button', { type: 'submit', class: 'main' }, t('alarms.take'));
    return h('form', { onsubmit: (e) => {
      e.preventDefault();
      busy(send, async () => {
        try {
          await post('alarms/' + encodeURIComponent(a.id) + '/ack', { note: note.value.trim() });
          close();
          await ctx.redraw();
        } catch (err) {
          swap(answer, refusal(err));
        }
      });
    } }, h('p', { translate: 'no' }, a.title), h('p', { class: 'soft' }, t('alarms.takes')), field(t('alarms.note'), note), answer, h('div', { class: 'actions' }, send));
  });
}

function receiver(ctx, r) {
  const result = h('div', { 'aria-live': 'polite' }, outcome(tried.get(r.name)));
  const test = button(t('alarms.test'), () => busy(test, async () => {
    swap(result, h('p', { class: 'soft' }, t('action.loading')));
    try {
      const out = await post('alarms/test', { receiver: r.name });
      tried.set(r.name, out.results[0]);
      swap(result, outcome(out.results[0]));
      say(t(out.results[0].ok ? 'alarms.passed' : 'alarms.failed'));
    } catch (err) {
      swap(result, refusal(err));
    }
  }), { 'data-row': r.name, 'aria-label': t('alarms.test') + ' ' + r.name });
  return h('article', { class: 'card' },
    h('div', { class: 'cause-head' }, h('h2', {}, data(r.name)), r.last_at || r.error ? pill(r.error ? 'fail' : 'ok') : null),
    facts([[t('alarms.kind'), word('receiver', r.kind)], [t('alarms.last'), r.last_at ? [when(r.last_at), r.answer ? [' · ', data(r.answer)] : null] : t('people.never')],
      [t('alarms.retry'), r.next ? when(r.next) : '']]),
    r.error ? h('p', { class: 'alert' }, data(r.error)) : null, result, may('operate') ? h('div', { class: 'actions' }, test) : null);
}

function outcome(r) {
  if (!r) return null;
  return h('div', { class: r.ok ? 'fine' : 'alert' }, h('p', {}, t(r.ok ? 'alarms.passed' : 'alarms.failed')),
    h('p', { class: 'why' }, t('alarms.fired'), ' ', data(r.answer)), r.recovered ? h('p', { class: 'why' }, t('alarms.closed'), ' ', data(r.recovered)) : null, h('p', { class: 'soft' }, data(r.took)));
}

function past(a, wanted) {
  return h('li', {}, h('div', { class: 'row', 'aria-current': wanted ? 'true' : null }, h('span', { class: 'what', translate: 'no' }, a.title), pill('recovered'),
    h('span', { class: 'soft' }, tx('alarms.over', { from: at(a.opened_at), to: at(a.closed_at) }), a.peak ? [' · ', t('alarms.most', { n: a.peak })] : null)));
}
