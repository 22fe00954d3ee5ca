// One order, one screen: every hop of its root in time order over all flows.
import { h, data, code, swap } from './dom.js';
import { t, tx, word, known, meaning, span, time } from './text.js';
import { get, post, may, plain } from './api.js';
import { heading, pill, tone, at, facts, button, dialog, field, refusal, say, source, busy } from './parts.js';
import { changed, unmatched, lines } from './diff.js';
import { replay } from './replay.js';
import { revealer } from './reveal.js';
import { history, restore } from './edit.js';
import { call } from './wire.js';

const calm = ['filtered', 'not_needed', 'superseded', 'withdrawn'];
const opened = new Set(); // hops that stay open while the page renews itself
let whole = false;
let before = '';

export async function render(ctx) {
  const id = ctx.rest[0];
  const m = await get('messages/' + encodeURIComponent(id));
  ctx.again(4);
  const wanted = ctx.query.get('delivery');
  const fresh = render.of !== location.hash;
  if (fresh) {
    render.of = location.hash;
    opened.clear();
    whole = false;
    before = '';
    if (wanted) opened.add('d' + wanted);
  }
  const text = JSON.stringify(m) + whole + document.documentElement.lang;
  const same = text === before && document.getElementById('hops');
  before = text;
  if (same) return null;
  const docs = new Map([[m.id, m]]); // messages that were asked for, by id
  const hops = hopsOf(m);
  if (wanted && hops.some((x) => x.id === 'd' + wanted && x.calm)) whole = true;
  const troubles = ['bad', 'warn'].flatMap((grade) => hops.filter((x) => tone(x.state) === grade));
  // Who comes to an order that stands still comes for the reason.
  if (fresh && !wanted && troubles.length) opened.add(troubles[0].id);
  // What is open is drawn at once, so that a page that renews itself does not flicker.
  await Promise.all(hops.filter((x) => opened.has(x.id)).flatMap((x) => [x.row.message ?? x.n, olderOf(x, m)?.id]).filter(Boolean).map((of) => messageOf(of, docs)));
  const quiet = hops.filter((x) => x.calm).length;
  const again = () => { before = ''; ctx.redraw(); };
  return [heading(h('span', {}, word('entity', m.entity), ' ', data(m.key, { class: 'data key' })), pill(worst(hops, m.state))),
    facts([[t('field.source'), source(m.connection, m.stream)], [t('field.label'), m.label && m.label !== m.key ? data(m.label) : ''], [t('field.received'), at(m.received_at)],
      [t('field.version'), data(plain(m.version))], [t('field.repeats'), m.repeats ? t('order.repeats', { n: m.repeats }) : ''],
      [t('field.trace'), m.trace_url ? h('a', { href: m.trace_url, target: '_blank', rel: 'noreferrer' }, code(m.trace_id)) : m.trace_id ? code(m.trace_id) : '']]),
    troubles.length ? h('section', { class: 'alert', 'aria-label': t('order.trouble') }, h('h2', {}, t('order.trouble')), h('ul', { class: 'plain' }, troubles.map((x) => h('li', {},
      h('a', { href: '#', 'data-row': 't' + x.id, onclick: (e) => { e.preventDefault(); reveal(x.id); } }, x.title()), ': ', meaning('means', x.row.code))))) : h('p', { class: 'fine' }, t('order.fine')),
    h('div', { class: 'heading' }, h('h2', {}, t('order.hops')), quiet ? button(whole ? t('order.less', { n: quiet }) : t('order.all', { n: quiet }), () => { whole = !whole; again(); }, { class: 'quiet' }) : null),
    h('ol', { id: 'hops', class: 'hops' }, hops.filter((x) => whole || !x.calm).map((x) => hop(x, m, docs, again)))];
}

function worst(hops, own) {
  return ['unknown', 'parked', 'blocked', 'waiting', 'sending', 'ready', 'accepted', 'received'].find((s) => hops.some((x) => x.state === s)) || own;
}

// hopsOf are the versions that came in and the deliveries that came of them, by time.
function hopsOf(m) {
  const came = new Map();
  const versions = (m.versions || []).map((v) => {
    came.set(v.id, v.received_at);
    return { id: 'm' + v.id, kind: 'version', row: v.id === m.id ? { ...v, code: m.code, text: m.text } : v, state: v.state, at: v.received_at, order: 0, n: v.id,
      title: () => [t('order.came'), ' ', data(v.stream)], calm: false };
  });
  const deliveries = m.deliveries.map((d) => ({ id: 'd' + d.id, kind: 'delivery', row: d, state: d.state, at: d.tries?.[0]?.started_at || came.get(d.message) || m.received_at,
    order: 1, n: d.id, title: () => source(d.connection, d.operation), calm: calm.includes(d.state) }));
  return [...versions, ...deliveries].sort((a, b) => new Date(a.at) - new Date(b.at) || a.order - b.order || a.n - b.n);
}

function reveal(id) {
  const el = document.getElementById('hop-' + id);
  el.open = true;
  el.scrollIntoView({ block: 'start' });
  el.querySelector('summary').focus({ preventScroll: true });
}

function hop(x, m, docs, again) {
  const body = h('div', { class: 'hop-body' });
  const box = h('details', { id: 'hop-' + x.id, class: 'hop ' + tone(x.state), open: opened.has(x.id) },
    h('summary', { 'data-row': x.id }, h('span', { class: 'dot', 'aria-hidden': 'true' }), h('span', { class: 'what' }, x.title(), x.row.key ? [' ', data(x.row.key, { class: 'data key' })] : null),
      pill(x.state), h('span', { class: 'soft' }, at(x.at), x.row.attempts ? [' · ', t('order.attempts', { n: x.row.attempts })] : null)), body);
  const draw = () => fillHop(x, m, docs, body, again);
  box.addEventListener('toggle', () => {
    if (box.open && !opened.has(x.id)) {
      opened.add(x.id);
      draw();
    } else if (!box.open) opened.delete(x.id);
  });
  if (box.open) draw();
  return h('li', {}, box);
}

async function fillHop(x, m, docs, body, again) {
  swap(body, h('p', { class: 'soft' }, t('action.loading')));
  try {
    swap(body, x.kind === 'version' ? await version(x, m, docs, again) : await delivery(x, docs, again));
  } catch (err) {
    swap(body, refusal(err));
  }
}

function messageOf(id, docs) {
  if (!docs.has(id)) docs.set(id, get('messages/' + id));
  return docs.get(id);
}

// olderOf is the version before one of the same stream.
function olderOf(x, m) {
  return x.kind === 'version' ? m.versions.filter((o) => o.stream === x.row.stream && o.id < x.n).sort((a, b) => b.id - a.id)[0] : null;
}

// why explains a state that needs one.
function why(row, state) {
  if (!row.code && !row.text) return null;
  const grave = ['bad', 'warn'].includes(tone(state));
  return h('div', { class: grave ? 'alert' : 'note' }, h('p', {}, grave || known('means.' + row.code) ? meaning('means', row.code) : null),
    grave ? h('p', { class: 'todo' }, meaning('do', row.code)) : null, row.text ? h('p', { class: 'why' }, data(row.text)) : null, h('p', { class: 'soft' }, code(row.code)));
}

async function version(x, m, docs, again) {
  const v = x.row;
  const own = await messageOf(v.id, docs);
  const doc = own.document;
  const older = olderOf(x, m);
  const earlier = older ? (await messageOf(older.id, docs)).document : null;
  const marked = doc && earlier ? changed(doc, earlier) : new Set();
  return [why(own, v.state),
    h('div', { class: 'actions' }, ['parked', 'no_target'].includes(v.state) ? [button(t('replay.one'), () => replay({ message: v.id, key: own.key, done: again }), { class: 'main' }), doc ? editing('message', v.id) : null] : null,
      own.edits?.length && !own.edits.at(-1).original && may('repair') ? button(t('edit.restore'), () => restore(v.id, own.revision, again)) : null),
    history(own.edits),
    h('h3', {}, t('doc.source'), ' ', h('small', {}, t('field.version'), ' ', data(plain(v.version)))),
    earlier ? h('p', { class: 'soft' }, t('doc.changed', { n: marked.size })) : null,
    doc ? lines(doc, marked, t('doc.source'), revealer(v.id, 0, own.masked)) : h('p', { class: 'soft' }, t('doc.none'))];
}

async function delivery(x, docs, again) {
  const d = x.row;
  const came = await messageOf(d.message, docs);
  const from = came.document;
  const both = from && d.document;
  const replayable = ['parked', 'blocked'].includes(d.state);
  return [why(d, d.state),
    d.waits_for?.length ? h('p', {}, t('order.waits'), ' ', d.waits_for.map((w, i) => [i ? ', ' : '', data(w)])) : null,
    facts([[t('field.flow'), data(d.flow)], [t('field.step'), data(d.step)], [t('field.key'), d.key ? data(d.key) : ''], [t('field.mapping'), d.mapping ? code(d.mapping) : ''],
      [t('field.next'), d.next_at ? at(d.next_at) : ''], [t('field.cause'), d.cause ? data(d.cause) : '']]),
    replayable ? h('div', { class: 'actions' }, button(t('replay.one'), () => replay({ delivery: d.id, key: d.key, done: again }), { class: 'main' }), d.document ? editing('delivery', d.id) : null, button(t('discard.do'), () => discard(d, again))) : null,
    history(d.edits),
    d.tries?.length ? [h('h3', {}, t('order.tries')), h('ol', { class: 'tries' }, d.tries.map((a, i) => attempt(d, a, i)))] : h('p', { class: 'soft' }, t('order.untried')),
    h('h3', {}, t('doc.title')), both ? h('p', { class: 'soft' }, t('doc.legend')) : null,
    h('div', { class: 'docs' }, h('section', {}, h('h4', {}, t('doc.before')), from ? lines(from, both ? unmatched(from, d.document) : new Set(), t('doc.before'), revealer(d.message, 0, came.masked)) : h('p', { class: 'soft' }, t('doc.none'))),
      h('section', {}, h('h4', {}, t('doc.after')), d.document ? lines(d.document, both ? unmatched(d.document, from) : new Set(), t('doc.after'), revealer(d.message, d.id, d.masked)) : h('p', { class: 'soft' }, t('doc.unmade'))))];
}

// editing leads those who may repair to the editor.
function editing(kind, id) {
  return may('repair') ? h('a', { class: 'button', href: '#/edit/' + kind + '/' + id }, t('edit.do')) : null;
}

function attempt(d, a, i) {
  const took = new Date(a.ended_at) - new Date(a.started_at);
  return h('li', {}, h('div', {}, h('b', {}, word('try', a.kind)), ' ', pill(a.state), ' ', h('span', { class: 'soft' }, time(a.started_at), took >= 0 ? [' · ', span(took, 'millisecond', 'short')] : null,
    a.who ? [' · ', tx('order.who', { who: a.who })] : null)),
  a.text || a.code ? h('div', { class: 'why' }, a.code ? code(a.code) : null, ' ', data(a.text)) : null,
  (a.calls || []).map((c, j) => call(d, i, j, c)));
}

function discard(d, again) {
  dialog(t('discard.title'), (close) => {
    const reason = h('input', { type: 'text', required: true, autocomplete: 'off' });
    const answer = h('div', {});
    const send = h('button', { type: 'submit', class: 'danger' }, t('discard.do'));
    return h('form', { onsubmit: (e) => {
      e.preventDefault();
      busy(send, async () => {
        try {
          await post('deliveries/' + d.id + '/discard', { why: reason.value.trim(), who: 'console' });
          close();
          say(t('discard.done'));
          again();
        } catch (err) {
          swap(answer, refusal(err));
        }
      });
    } }, h('p', {}, tx('discard.about', { what: d.connection + '.' + d.operation, key: d.key })), field(t('field.why'), reason), answer, h('div', { class: 'actions' }, send));
  });
}
