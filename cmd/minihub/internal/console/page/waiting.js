// Deliveries that wait for a lookup entry: type the code once, and they go on in order.
import { h, data } from './dom.js';
import { t, tx, word } from './text.js';
import { get, post, optional, query } from './api.js';
import { heading, busy, field, refusal, say } from './parts.js';

const most = 1000;

// entries finds what is waited for. Deliveries of one cause carry one text, so one message
// of each text is asked.
async function entries() {
  const kept = await optional('waiting?limit=200');
  if (kept) {
    const list = kept.waiting.map((w) => ({ table: w.table, key: w.key, n: w.deliveries + w.messages, path: 'waiting' }));
    return { list: list.sort((a, b) => b.n - a.n), capped: false };
  }
  const { deliveries } = await get('deliveries?' + query({ state: 'blocked', code: 'blocked.lookup', limit: most }));
  const texts = new Map();
  for (const d of deliveries) {
    const seen = texts.get(d.text) || { n: 0, of: d };
    seen.n++;
    texts.set(d.text, seen);
  }
  const found = new Map();
  await Promise.all([...texts.values()].map(async ({ n, of }) => {
    const m = await get('messages/' + of.message);
    const waits = (m.deliveries || []).find((d) => d.id === of.id)?.waits_for || [];
    for (const w of waits.filter((w) => w.startsWith('lookup '))) {
      const [, table, ...key] = w.split(' ');
      const id = table + ' ' + key.join(' ');
      const e = found.get(id) || { table, key: key.join(' '), n: 0, at: new Set(), message: of.message };
      e.n += n;
      e.at.add(of.connection);
      found.set(id, e);
    }
  }));
  return { list: [...found.values()].sort((a, b) => b.n - a.n), capped: deliveries.length === most };
}

export async function render(ctx) {
  const [{ list, capped }, { counts }] = await Promise.all([entries(), get('counts')]);
  ctx.again(10);
  const others = counts.filter((c) => c.state === 'blocked' && c.code !== 'blocked.lookup');
  return [heading(t('waiting.title')), h('p', { class: 'soft' }, t('waiting.about')), capped ? h('p', { class: 'alert' }, t('waiting.capped', { n: most })) : null,
    list.length ? h('div', { class: 'cards' }, list.map((e) => card(ctx, e))) : h('p', {}, t('waiting.none')),
    others.length ? [h('h2', {}, t('waiting.others')), h('ul', { class: 'rows' }, others.map((c) => h('li', {}, h('a', { class: 'row', 'data-row': c.connection + c.name + c.code,
      href: '#/rows?' + query({ kind: 'delivery', connection: c.connection, operation: c.name, state: 'blocked', code: c.code }) },
    h('span', { class: 'what' }, data(c.connection + '.' + c.name)), h('span', {}, t('waiting.n', { n: c.count })), h('span', { class: 'soft' }, word('means', c.code))))))] : null];
}

function card(ctx, e) {
  const value = h('input', { type: 'text', required: true, autocomplete: 'off', spellcheck: 'false', name: 'value' });
  const why = h('input', { type: 'text', required: true, autocomplete: 'off', name: 'why' });
  const answer = h('div', {});
  const send = h('button', { type: 'submit', class: 'main' }, t('waiting.save'));
  return h('form', { class: 'card', onsubmit: (ev) => {
    ev.preventDefault();
    busy(send, async () => {
      try {
        const out = await post(e.path || 'lookups', { table: e.table, key: e.key, value: value.value.trim(), who: 'console', why: why.value.trim() });
        say(t('waiting.released', { n: out.released }));
        document.activeElement.blur();
        await ctx.redraw();
      } catch (err) {
        answer.replaceChildren(refusal(err));
      }
    });
  } }, h('h2', {}, tx('waiting.entry', { key: e.key, table: e.table })),
  h('p', {}, t('waiting.n', { n: e.n }), e.at ? [' ', t('waiting.at'), ' ', data([...e.at].join(', ')), ' · ',
    h('a', { href: '#/message/' + e.message, 'data-row': e.table + e.key }, t('waiting.example'))] : [' · ', h('a', { 'data-row': e.table + e.key,
    href: '#/rows?' + query({ kind: 'delivery', state: 'blocked', code: 'blocked.lookup' }) }, t('waiting.show'))]),
  h('div', { class: 'fields' }, field(t('waiting.value'), value), field(t('field.why'), why)), answer, h('div', { class: 'actions' }, send));
}
