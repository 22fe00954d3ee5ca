// Deliveries that wait for a lookup entry: type the code once, and they go on in order.
import { h, data } from './dom.js';
import { t, tx, word } from './text.js';
import { get, post, query } from './api.js';
import { heading, busy, field, refusal, say } from './parts.js';

const most = 200;

export async function render(ctx) {
  const [{ waiting, next }, { counts }] = await Promise.all([get('waiting?' + query({ limit: most })), get('counts')]);
  ctx.again(10);
  const others = counts.filter((c) => c.state === 'blocked' && c.code !== 'blocked.lookup');
  return [heading(t('waiting.title')), h('p', { class: 'soft' }, t('waiting.about')), next ? h('p', { class: 'alert' }, t('waiting.more', { n: most })) : null,
    waiting.length ? h('div', { class: 'cards' }, waiting.map((e) => [e, e.deliveries + e.messages]).sort(([, a], [, b]) => b - a).map(([e, n]) => card(ctx, e, n))) : h('p', {}, t('waiting.none')),
    others.length ? [h('h2', {}, t('waiting.others')), h('ul', { class: 'rows' }, others.map((c) => h('li', {}, h('a', { class: 'row', 'data-row': c.connection + c.name + c.code,
      href: '#/rows?' + query({ kind: 'delivery', connection: c.connection, operation: c.name, state: 'blocked', code: c.code }) },
    h('span', { class: 'what' }, data(c.connection + '.' + c.name)), h('span', {}, t('waiting.n', { n: c.count })), h('span', { class: 'soft' }, word('means', c.code))))))] : null];
}

function card(ctx, e, n) {
  const value = h('input', { type: 'text', required: true, autocomplete: 'off', spellcheck: 'false', name: 'value' });
  const why = h('input', { type: 'text', required: true, autocomplete: 'off', name: 'why' });
  const answer = h('div', {});
  const send = h('button', { type: 'submit', class: 'main' }, t('waiting.save'));
  return h('form', { class: 'card', onsubmit: (ev) => {
    ev.preventDefault();
    busy(send, async () => {
      try {
        const out = await post('waiting', { table: e.table, key: e.key, value: value.value.trim(), who: 'console', why: why.value.trim() });
        say(t('waiting.released', { n: out.released }));
        document.activeElement.blur();
        await ctx.redraw();
      } catch (err) {
        answer.replaceChildren(refusal(err));
      }
    });
  } }, h('h2', {}, tx('waiting.entry', { key: e.key, table: e.table })),
  h('p', {}, t('waiting.n', { n }), ' · ', h('a', { 'data-row': e.table + e.key, href: '#/rows?' + query({ kind: 'delivery', state: 'blocked', code: 'blocked.lookup' }) }, t('waiting.show'))),
  h('div', { class: 'fields' }, field(t('waiting.value'), value), field(t('field.why'), why)), answer, h('div', { class: 'actions' }, send));
}
