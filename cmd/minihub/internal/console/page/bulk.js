// One bulk replay: the plan, the first few and what became of them, then the rest; it can
// be held or ended at any time, and tells of every row what became of it.
import { h, data, code, put, swap } from './dom.js';
import { t, tx, number, lasting } from './text.js';
import { get, post, plain, query, may, download } from './api.js';
import { heading, pill, when, facts, button, busy, field, refusal, source } from './parts.js';
import { about } from './replays.js';

const page = 20;
const outcomes = ['refused', 'skipped', 'replayed', 'pending'];

// What a person has chosen and not sent yet outlives that the page is drawn again.
let draft = { id: '' };

export async function render(ctx) {
  const id = ctx.rest[0];
  const job = await get('replays/' + encodeURIComponent(id));
  if (draft.id !== id) draft = { id, mode: job.mode, rate: job.rate || '', why: job.why || '', typed: '', shown: '' };
  const items = job.items || {};
  // What did not go comes first, unless a person has chosen.
  const shown = items[draft.shown] ? draft.shown : outcomes.find((o) => items[o]) || 'pending';
  const rows = job.summed ? null : await results(job, items, ctx, shown);
  const going = job.state === 'canary' || job.state === 'running';
  let last = null;
  ctx.live((now) => {
    const mine = now.replays.find((r) => plain(r.id) === id);
    const key = mine ? mine.state + mine.updated : '';
    const moved = last !== null && key !== last;
    last = key;
    if (moved || going || underway(job) || (mine?.state || '') !== (over(job) ? '' : job.state)) ctx.redraw();
  });
  return [heading(t('replays.number', { id: String(job.id) }), pill(job.state)),
    h('h2', {}, about(job), job.incident ? [' ', h('a', { href: '#/incident/' + plain(job.incident), 'data-row': 'incident' }, t('bulk.incident'))] : null),
    h('p', { class: 'soft' }, tx('replays.by', { who: job.who }), ' · ', when(job.created), job.why ? [' · ', data(job.why)] : null),
    progress(job, items), steps(ctx, job, items), rows];
}

const over = (job) => job.state === 'done' || job.state === 'cancelled';

// underway is how many of the rows that went have not arrived.
function underway(job) {
  return ['ready', 'sending', 'waiting', 'unknown', 'accepted'].reduce((sum, state) => sum + (job.rows?.[state] || 0), 0);
}

function progress(job, items) {
  if (job.state === 'planned') return null;
  const gone = job.total - (items.pending || 0);
  const parts = (counts) => Object.entries(counts || {}).filter(([, n]) => n).sort((a, b) => b[1] - a[1]);
  return h('section', { class: 'card' },
    h('label', { class: 'bar' }, h('span', {}, t('bulk.gone', { n: job.total, gone: number(gone) })), h('progress', { max: job.total, value: gone })),
    job.estimate_seconds && !over(job) ? h('p', { class: 'soft' }, t('bulk.left', { time: lasting(Number(plain(job.estimate_seconds))) })) : null,
    facts([[t('bulk.mode'), t('mode.' + job.mode)], [t('bulk.rate'), job.rate ? t('bulk.persecond', { n: job.rate }) : t('bulk.asfast')], [t('bulk.changed'), when(job.updated)]]),
    parts(job.rows).length ? h('p', {}, t('bulk.now'), ' ', parts(job.rows).map(([state, n], i) => [i ? ' ' : '', pill(state), ' ', number(n)])) : null,
    job.summed ? h('p', { class: 'note' }, t('bulk.summed')) : null);
}

// steps is what a person can do now.
function steps(ctx, job, items) {
  const answer = h('div', { 'aria-live': 'polite' });
  const act = (name, body) => async () => {
    try {
      await post('replays/' + job.id + '/' + name, { who: 'console', ...body?.() });
      await ctx.redraw();
    } catch (err) {
      swap(answer, refusal(err));
    }
  };
  const does = (text, name, cls, body) => {
    const el = button(text, () => busy(el, act(name, body)), { class: cls, 'data-row': name });
    return el;
  };
  if (!may('repair') || over(job)) return job.state === 'cancelled' ? h('p', { class: 'note' }, t('bulk.cancelled', { n: items.pending || 0 })) : null;
  const cancel = does(t(job.state === 'planned' ? 'bulk.drop' : 'bulk.cancel'), 'cancel', 'danger');
  if (job.state === 'canary' || job.state === 'running') return [h('div', { class: 'actions' }, does(t('bulk.pause'), 'pause', 'main'), cancel), h('p', { class: 'soft' }, t('bulk.ahead')), answer];
  const planned = job.state === 'planned';
  const mode = (job.modes || []).find((m) => m.mode === (planned ? draft.mode : job.mode));
  const once = mode?.needs_confirm || 0;
  const typed = h('input', { type: 'text', inputmode: 'numeric', autocomplete: 'off', value: draft.typed, oninput: () => { draft.typed = typed.value; } });
  const rate = h('input', { type: 'number', min: 0, max: 100000, value: draft.rate, oninput: () => { draft.rate = rate.value; } });
  const why = h('input', { type: 'text', autocomplete: 'off', maxlength: 500, value: draft.why, oninput: () => { draft.why = why.value; } });
  const body = () => ({ confirm: once > 0 && draft.typed.trim() === String(once), rate: Number(draft.rate || 0), why: draft.why.trim(), ...(planned ? { mode: draft.mode } : {}) });
  const go = planned ? does(t('bulk.first', { n: job.canary }), 'start', 'main', body) : does(t('bulk.rest', { n: items.pending || 0 }), job.state === 'paused' ? 'resume' : 'start', 'main', body);
  return h('section', { class: 'card' },
    planned ? [h('p', { class: 'todo' }, t('bulk.planned', { n: job.total })), modes(ctx, job)] : null,
    job.state === 'asking' ? h('p', { class: 'todo' }, t('bulk.asking', { n: job.total - (items.pending || 0) })) : null,
    job.state === 'paused' ? h('p', { class: 'todo' }, t('bulk.held')) : null,
    once ? [h('p', { class: 'alert' }, t('bulk.once', { n: once })), field(h('span', {}, tx('bulk.type', { key: String(once) })), typed)] : null,
    planned ? [limits(job), job.estimate_seconds ? h('p', {}, t('bulk.estimate', { time: lasting(Number(plain(job.estimate_seconds))) })) : h('p', {}, t('bulk.unlimited'))] : null,
    h('div', { class: 'fields' }, field(t('bulk.choose'), rate), planned ? field(t('field.why'), why) : null),
    answer, h('div', { class: 'actions' }, go, cancel));
}

// limits says in words what the targets allow.
function limits(job) {
  return (job.targets || []).map((x) => h('p', { class: 'soft' }, source(x.connection, x.operation), ' · ', t('replays.rows', { n: x.count }), x.per_second
    ? [' · ', pace(Number(plain(x.per_second)))] : null));
}

const pace = (n) => (n >= 1 ? t('bulk.allows', { n: Math.floor(n) }) : t('bulk.allowsminute', { n: Math.max(1, Math.floor(n * 60)) }));

function modes(ctx, job) {
  return h('fieldset', { class: 'modes' }, h('legend', {}, t('replay.mode')), (job.modes || []).map((m) => {
    const can = job.total - (m.cannot || 0);
    const told = [['bulk.safe', m.safe], ['bulk.asks', m.asks_first], ['bulk.confirm', m.needs_confirm], ['bulk.cannot', m.cannot]].filter(([, n]) => n);
    return h('label', {}, h('input', { type: 'radio', name: 'mode', value: m.mode, checked: m.mode === draft.mode, disabled: can <= 0, 'data-row': 'mode' + m.mode,
      onchange: () => { draft.mode = m.mode; draft.typed = ''; ctx.redraw(); } }),
    h('span', {}, h('b', {}, t('mode.' + m.mode)), ' ', h('span', { class: 'soft' }, t('mode.' + m.mode + '.about')), h('br'), told.map(([key, n], i) => [i ? ' · ' : '', t(key, { n })])));
  }));
}

// results is what became of the rows, by outcome, and the files of all of them.
async function results(job, items, ctx, shown) {
  const list = h('ul', { class: 'rows' });
  let next = '';
  const load = async () => {
    const out = await get('replays/' + job.id + '/items?' + query({ format: 'page', state: shown, limit: page, cursor: next }));
    next = out.next || '';
    put(list, out.items.map((i) => h('li', {}, item(job, i))));
    more.hidden = !next;
  };
  const more = button(t('action.more'), () => busy(more, load), { class: 'more' });
  await load();
  const file = (text, format) => {
    const el = button(text, () => busy(el, () => download('replays/' + job.id + '/items?format=' + format, 'replay-' + job.id + '.' + format)));
    return el;
  };
  if (job.state === 'planned') return [h('h2', {}, t('bulk.which')), list, more];
  return [h('div', { class: 'heading' }, h('h2', {}, t('bulk.results')), file(t('bulk.csv'), 'csv'), file(t('bulk.jsonl'), 'jsonl')),
    h('div', { class: 'actions', role: 'group', 'aria-label': t('bulk.results') }, outcomes.filter((o) => items[o]).map((o) => button([t('state.' + o), ' ', number(items[o])],
      () => { draft.shown = o; ctx.redraw(); }, { 'aria-pressed': String(o === shown), 'data-row': 'o' + o }))),
    list, more];
}

function item(job, i) {
  return h('a', { class: 'row', href: '#/message/' + i.message + (job.kind === 'delivery' ? '?delivery=' + i.id : ''), 'data-row': 'x' + i.id }, h('span', { class: 'what' }, data(i.key || String(i.id), { class: 'data key' })), pill(i.now),
    h('span', { class: 'soft' }, t('state.' + i.state), i.at ? [' · ', when(i.at)] : null, i.code || i.now_code ? [' · ', code(i.code || i.now_code)] : null), i.text ? h('span', { class: 'why' }, data(i.text)) : null);
}
