// A replay: the mode, what would go out, and a confirmation. What may cost twice demands
// that its key is typed.
import { h, data, code, swap } from './dom.js';
import { t, tx, word, known, meaning } from './text.js';
import { get, post, query } from './api.js';
import { dialog, busy, field, refusal, say, pill, source } from './parts.js';
import { lines } from './diff.js';

// replay opens the dialog for one delivery, or for one message that is parked.
export function replay({ delivery, message, key, done }) {
  dialog(t('replay.title'), (close) => {
    const preview = h('div', { class: 'preview', 'aria-live': 'polite' });
    const guard = h('div', {});
    const answer = h('div', {});
    const send = h('button', { type: 'submit', class: 'main' }, t('replay.send'));
    let typed = null;
    let mode = 're-map';
    let expected = key || '';
    const demand = (why) => {
      expected = expected || String(delivery || message);
      typed = h('input', { type: 'text', required: true, autocomplete: 'off', spellcheck: 'false', id: 'confirm', oninput: () => { send.disabled = typed.value.trim() !== expected; } });
      send.disabled = true;
      swap(guard, h('p', { class: 'alert' }, why), field(h('span', {}, tx('replay.type', { key: expected })), typed));
    };
    const free = () => {
      typed = null;
      send.disabled = false;
      swap(guard);
    };
    let turn = 0;
    const show = async () => {
      const mine = ++turn;
      swap(answer);
      free();
      send.disabled = true;
      swap(preview, h('p', { class: 'soft' }, t('action.loading')));
      if (mode === 're-pull') {
        send.disabled = false;
        swap(preview, h('p', {}, t('replay.pulls')));
        return;
      }
      try {
        const out = await get(delivery ? 'deliveries/' + delivery + '/preview?' + query({ mode }) : 'messages/' + message + '/preview');
        if (mine !== turn) return;
        send.disabled = false;
        swap(preview, rows(out));
        const sent = out.rows.find((r) => r.confirm);
        if (sent) {
          expected = sent.key || expected;
          demand(t('replay.once'));
        }
      } catch (err) {
        if (mine === turn) swap(preview, refusal(err));
      }
    };
    const modes = delivery ? ['re-map', 'as-sent', 're-pull'] : ['re-map', 're-pull'];
    const form = h('form', { onsubmit: (e) => {
      e.preventDefault();
      busy(send, async () => {
        try {
          const out = await post('replay', { ...(delivery ? { delivery } : { message }), mode, who: 'console', confirm: Boolean(typed && typed.value.trim() === expected) });
          const row = out.rows[0];
          if (row && row.code) {
            swap(answer, h('div', { class: 'alert', role: 'alert' }, h('p', {}, t('replay.parked')), h('p', {}, meaning('means', row.code)), h('p', { class: 'why' }, data(row.text)), h('p', { class: 'soft' }, code(row.code))));
            return;
          }
          close();
          say([t('replay.done'), ' ', row ? word('state', row.to) : null]);
          done();
        } catch (err) {
          if (err.code === 'replay.confirm') demand(t('replay.twice'));
          else swap(answer, refusal(err));
        }
      });
    } }, h('fieldset', { class: 'modes' }, h('legend', {}, t('replay.mode')), modes.map((m) => h('label', {}, h('input', { type: 'radio', name: 'mode', value: m, checked: m === mode,
      onchange: () => { mode = m; show(); } }), h('span', {}, h('b', {}, t('mode.' + m)), ' ', h('span', { class: 'soft' }, t('mode.' + m + '.about')))))),
    h('h3', {}, t('replay.preview')), preview, guard, answer, h('div', { class: 'actions' }, send));
    show();
    return form;
  });
}

function rows(out) {
  if (out.code && !out.rows.length) {
    return h('div', { class: 'alert' }, h('p', {}, t('replay.still')), h('p', {}, meaning('means', out.code)), h('p', { class: 'why' }, data(out.text)), h('p', { class: 'soft' }, code(out.code)));
  }
  if (!out.rows.length) return h('p', {}, t('replay.nothing'));
  return out.rows.filter((r) => r.state !== 'filtered' || out.rows.length === 1).map((r) => h('section', { class: 'goes' },
    h('h4', {}, source(r.connection, r.operation), ' ', data(r.key, { class: 'data key' }), ' ', pill(r.state)),
    known('repeat.' + r.repeat) ? h('p', { class: 'soft' }, t('repeat.' + r.repeat)) : null,
    r.code ? h('p', {}, meaning('means', r.code), ' ', code(r.code)) : null, r.text ? h('p', { class: 'why' }, data(r.text)) : null,
    r.document ? lines(r.document, new Set(), t('replay.preview')) : h('p', { class: 'soft' }, t('doc.unmade'))));
}

// replayCause replays all parked rows of a cause: counted first, then confirmed by typing
// the number. One-shot deliveries are left out by the hub, since nobody confirms them.
export function replayCause(cause, done) {
  dialog(t('replay.all'), (close) => {
    const filter = { kind: cause.kind === 'record' ? 'message' : 'delivery', connection: cause.connection, code: cause.code,
      ...(cause.kind === 'record' ? {} : { operation: cause.name }) };
    const place = h('div', {}, h('p', { class: 'soft' }, t('action.loading')));
    (async () => {
      try {
        const { planned } = await post('replay', { filter, mode: 're-map', plan: true });
        const typed = h('input', { type: 'text', inputmode: 'numeric', required: true, autocomplete: 'off', oninput: () => { all.disabled = typed.value.trim() !== String(planned); } });
        const answer = h('div', { 'aria-live': 'polite' });
        const run = (limit, el) => busy(el, async () => {
          try {
            const out = await post('replay', { filter: limit ? { ...filter, limit } : filter, mode: 're-map', who: 'console' });
            swap(answer, h('p', { class: out.failed ? 'alert' : 'fine' }, t('replay.counted', { n: out.replayed, failed: out.failed })),
              out.rows.filter((r) => r.text).slice(0, 5).map((r) => h('p', { class: 'why' }, data(r.label), ' ', data(r.text))));
            if (!limit && !out.failed) {
              close();
              say(t('replay.counted', { n: out.replayed, failed: out.failed }));
            }
            done();
          } catch (err) {
            swap(answer, refusal(err));
          }
        });
        const canary = h('button', { type: 'button', onclick: () => run(10, canary) }, t('replay.canary', { n: Math.min(10, planned) }));
        const all = h('button', { type: 'submit', class: 'main', disabled: true }, t('replay.count', { n: planned }));
        swap(place, h('form', { onsubmit: (e) => { e.preventDefault(); run(0, all); } }, h('p', {}, t('replay.plan', { n: planned })), h('p', { class: 'soft' }, t('replay.left')),
          field(h('span', {}, tx('replay.type', { key: String(planned) })), typed), answer, h('div', { class: 'actions' }, canary, all)));
      } catch (err) {
        swap(place, refusal(err));
      }
    })();
    return place;
  });
}
