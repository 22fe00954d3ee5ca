// Connections: open or closed and why, limits, pause and resume, a test call.
import { h, data, code, swap } from './dom.js';
import { t, tx, word, number, share } from './text.js';
import { get, post } from './api.js';
import { heading, pill, when, at, facts, button, busy, field, refusal, say, dialog } from './parts.js';

const tested = new Map(); // findings of test calls, by connection

export async function render(ctx) {
  const [{ connections }, { limits }] = await Promise.all([get('connections'), get('limits').catch(() => ({ limits: [] }))]);
  ctx.again(5);
  return [heading(t('connections.title')), h('div', { class: 'cards' }, connections.map((c) => card(ctx, c, limits.filter((l) => l.connection === c.name))))];
}

function card(ctx, c, limits) {
  const paused = (c.gates || []).some((g) => g.Reason === 'pause');
  const found = h('div', { 'aria-live': 'polite' }, findings(tested.get(c.name)));
  const test = button(t('connections.test'), () => busy(test, async () => {
    swap(found, h('p', { class: 'soft' }, t('action.loading')));
    try {
      const out = await get('doctor?online=true');
      tested.set(c.name, out.findings.filter((f) => f.of === c.name));
      swap(found, findings(tested.get(c.name)));
    } catch (err) {
      swap(found, refusal(err));
    }
  }), { 'aria-label': t('connections.test') + ' ' + c.name });
  const turn = paused
    ? button(t('connections.resume'), () => busy(turn, async () => { await post('connections/' + encodeURIComponent(c.name) + '/resume', { who: 'console' }); say(t('connections.resumed')); await ctx.redraw(); }), { class: 'main', 'aria-label': t('connections.resume') + ' ' + c.name })
    : button(t('connections.pause'), () => pause(ctx, c), { 'aria-label': t('connections.pause') + ' ' + c.name });
  turn.dataset.row = c.name;
  return h('article', { class: 'card' }, h('div', { class: 'cause-head' }, h('h2', {}, data(c.name)), pill(paused ? 'paused' : c.closed ? 'closed' : 'open')),
    (c.gates || []).map(gate), paused ? h('p', { class: 'soft' }, t('connections.kept')) : null,
    facts([[t('connections.queued'), number(c.queued)], [t('connections.minutes_5'), calls(c.health.minutes_5)], [t('connections.hour'), calls(c.health.hour)],
      [t('connections.success'), c.health.last_success ? when(c.health.last_success) : t('connections.never')],
      [t('connections.failure'), c.health.last_failure ? [when(c.health.last_failure), c.health.last_code ? [' · ', code(c.health.last_code)] : null] : ''],
      ...(c.credentials || []).map((k) => [word('credential', k.name), life(k)])]),
    usage(limits), found, h('div', { class: 'actions' }, turn, test));
}

// calls are how many there were and what share of them failed; a refused document is no
// fault of the connection.
function calls(n) {
  if (!n.made) return t('connections.none');
  return [t('connections.made', { n: n.made }), ' · ', h('span', { class: n.failed ? 'why' : 'soft' }, t('connections.failed', { share: share(n.failed / n.made) })),
    n.refused ? [' · ', t('connections.refused', { n: n.refused })] : null];
}

function life(k) {
  const ends = k.ends ? [t('connections.ends'), ' ', when(k.ends)] : t('connections.endless');
  return [ends, ' · ', h('span', { class: k.renews ? 'soft' : 'why' }, t(k.renews ? 'connections.renews' : 'connections.person'))];
}

function gate(g) {
  return h('div', { class: 'alert' }, h('p', {}, g.Operation ? [data(g.Operation), ': '] : null, word('gate', g.Reason)), g.Text ? h('p', { class: 'why' }, data(g.Text)) : null,
    h('p', { class: 'soft' }, t('gate.since'), ' ', at(g.Since), g.Until && !g.Until.startsWith('0001') ? [' · ', t('gate.until'), ' ', when(g.Until)] : null, g.Who ? [' · ', tx('order.who', { who: g.Who })] : null, g.Code ? [' · ', code(g.Code)] : null));
}

// usage shows the fullest limits; a vendor may have dozens.
function usage(limits) {
  const list = limits.filter((l) => l.allowed).sort((a, b) => b.used / b.allowed - a.used / a.allowed);
  const near = list.filter((l, i) => i < 2 || l.used / l.allowed > 0.5);
  const rest = list.slice(near.length);
  return [near.map(limit), rest.length ? h('details', {}, h('summary', { class: 'soft' }, t('connections.more', { n: rest.length })), rest.map(limit)) : null];
}

function limit(l) {
  return h('div', { class: 'limit' }, h('span', {}, tx('connections.limit', { name: l.limit })), h('meter', { min: 0, max: l.allowed, high: l.allowed * 0.9, optimum: 0, value: l.used, 'aria-label': l.limit }),
    h('span', { class: 'soft' }, t('connections.used', { used: l.used, allowed: l.allowed })));
}

function findings(list) {
  if (!list) return null;
  return h('ul', { class: 'plain' }, list.map((f) => h('li', {}, pill(f.state), ' ', word('check', f.check), f.state === 'ok' ? null : [': ', data(f.text), f.remedy ? [' ', data(f.remedy)] : null])));
}

function pause(ctx, c) {
  dialog(t('connections.pause'), (close) => {
    const why = h('input', { type: 'text', required: true, autocomplete: 'off' });
    const answer = h('div', {});
    const send = h('button', { type: 'submit', class: 'danger' }, t('connections.pause'));
    return h('form', { onsubmit: (e) => {
      e.preventDefault();
      busy(send, async () => {
        try {
          await post('connections/' + encodeURIComponent(c.name) + '/pause', { who: 'console', why: why.value.trim() });
          close();
          await ctx.redraw();
        } catch (err) {
          swap(answer, refusal(err));
        }
      });
    } }, h('p', {}, tx('connections.holds', { name: c.name })), field(t('field.why'), why), answer, h('div', { class: 'actions' }, send));
  });
}
