// A replay: the mode, what would go out, and a confirmation. What may cost twice demands
// that its key is typed.
import { h, data, code, swap } from './dom.js';
import { t, tx, word, known, meaning } from './text.js';
import { get, post, query } from './api.js';
import { dialog, busy, field, refusal, say, pill, source } from './parts.js';
import { lines } from './diff.js';
import { rehearsal } from './wire.js';

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
        swap(preview, rows(out), rehearsal(delivery ? 'deliveries/' + delivery + '/rehearsal?' + query({ mode }) : 'messages/' + message + '/rehearsal', out));
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

export function rows(out) {
  if (out.code && !out.rows.length) {
    return h('div', { class: 'alert' }, h('p', {}, t('replay.still')), h('p', {}, meaning('means', out.code)), h('p', { class: 'why' }, data(out.text)), h('p', { class: 'soft' }, code(out.code)));
  }
  if (!out.rows.length) return h('p', {}, t('replay.nothing'));
  return out.rows.filter((r) => r.state !== 'filtered' || out.rows.length === 1).map((r) => h('section', { class: 'goes' },
    h('h4', {}, source(r.connection, r.operation), ' ', data(r.key, { class: 'data key' }), ' ', pill(r.state)),
    known('repeat.' + r.repeat) ? h('p', { class: 'soft' }, t('repeat.' + r.repeat)) : null,
    r.edited ? h('p', { class: 'note' }, t('edit.made')) : null,
    r.code ? h('p', {}, meaning('means', r.code), ' ', code(r.code)) : null, r.text ? h('p', { class: 'why' }, data(r.text)) : null,
    r.document ? lines(r.document, new Set(), t('replay.preview')) : h('p', { class: 'soft' }, t('doc.unmade'))));
}
