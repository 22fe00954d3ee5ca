// Who did what, when and why; and whether anybody changed the record of it.
import { h, data, code, swap } from './dom.js';
import { t, tx, word } from './text.js';
import { get, query, download } from './api.js';
import { heading, at, button, busy, field, refusal, pill } from './parts.js';

const names = ['who', 'act', 'on', 'from', 'to'];
const pageSize = 50;

export async function render(ctx) {
  const asked = Object.fromEntries(names.map((n) => [n, ctx.query.get(n) || '']));
  const first = await get('audit?' + query({ ...asked, limit: pageSize }));
  const rows = h('ol', { class: 'rows' }, first.entries.map(entry));
  const more = button(t('action.more'), () => busy(more, async () => {
    const next = await get('audit?' + query({ ...asked, limit: pageSize, before: more.dataset.before }));
    rows.append(...next.entries.map(entry));
    follow(next.before);
  }), { class: 'more' });
  const follow = (before) => { more.hidden = !before; more.dataset.before = before || ''; };
  follow(first.before);
  const verdict = h('div', { 'aria-live': 'polite' });
  const verify = button(t('audit.verify'), () => busy(verify, async () => {
    swap(verdict, h('p', { class: 'soft' }, t('action.loading')));
    swap(verdict, await get('audit/verify').then(said, refusal));
  }));
  const save = button(t('audit.export'), () => busy(save, async () => {
    await download('audit/export?' + query(asked), 'audit.jsonl').catch((err) => swap(verdict, refusal(err)));
  }));
  return [heading(t('audit.title'), verify, save), verdict, filter(asked), first.entries.length ? rows : h('p', { class: 'soft' }, t('audit.none')), more];
}

// local is a time as an input of the page takes it.
const local = (value) => (value ? new Date(new Date(value) - new Date(value).getTimezoneOffset() * 60000).toISOString().slice(0, 16) : '');

function filter(asked) {
  const input = (name, attrs) => h('input', { name, autocomplete: 'off', spellcheck: 'false', ...attrs });
  const moment = (value) => (value ? new Date(value).toISOString() : '');
  return h('form', { class: 'filter', onsubmit: (e) => {
    e.preventDefault();
    const is = Object.fromEntries(new FormData(e.currentTarget));
    location.hash = '#/audit?' + query({ who: is.who.trim(), act: is.act.trim(), on: is.on.trim(), from: moment(is.from), to: moment(is.to) });
  } }, field(t('audit.who'), input('who', { value: asked.who })), field(t('audit.act'), input('act', { value: asked.act, placeholder: 'reveal' })),
  field(t('audit.on'), input('on', { value: asked.on, placeholder: 'message 7' })),
  field(t('backfill.from'), input('from', { type: 'datetime-local', value: local(asked.from) })), field(t('backfill.to'), input('to', { type: 'datetime-local', value: local(asked.to) })),
  h('button', { type: 'submit' }, t('audit.filter')));
}

function said(v) {
  if (v.broken) return h('p', { class: 'alert', role: 'alert' }, tx('audit.broken', { n: v.broken, reason: v.reason }));
  return h('p', { class: 'fine' }, t('audit.intact', { n: v.entries }), ' ', h('small', {}, t('audit.head'), ' ', code(v.head || '')));
}

const grades = { done: 'good', intent: 'calm', failed: 'bad', refused: 'bad' };

// about leads to what an entry is about, where there is a page for it.
function about(on) {
  const [, id] = /^message (\d+)$/.exec(on) || [];
  return id ? h('a', { href: '#/message/' + id }, data(on)) : data(on);
}

function entry(e) {
  return h('li', {}, h('div', { class: 'row' },
    h('span', { class: 'what' }, data(e.who), ' ', word('act', e.act), ' ', e.on ? about(e.on) : null),
    h('span', { class: 'pill ' + (grades[e.phase] || 'calm') }, word('phase', e.phase)),
    e.why ? h('span', { class: 'why' }, data(e.why)) : null,
    h('span', { class: 'soft' }, data('#' + e.id), ' · ', at(e.at), e.from ? [' · ', data(e.from)] : null, e.code ? [' · ', code(e.code)] : null,
      Object.entries(e.detail || {}).map(([name, value]) => [' · ', data(name + ' ' + value)]))));
}
