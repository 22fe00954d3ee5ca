// A masked value, shown for a minute to whoever may and says what for.
import { h, code, swap } from './dom.js';
import { t, tx } from './text.js';
import { post, may, exact } from './api.js';
import { dialog, field, refusal, say, busy } from './parts.js';

const minute = 60000;
const shown = new Map(); // what is shown now, by its place: the page may be drawn anew meanwhile

// revealer returns what draws the values that a document masks, for lines().
export function revealer(message, delivery, masked) {
  if (!may('reveal') || !masked?.length) return null;
  const hidden = new Set(masked);
  return (at, text) => (hidden.has(at) ? value({ message, delivery, at, place: [message, delivery, at].join(' ') }, text) : null);
}

function value(of, text) {
  const place = h('span', {});
  const turn = h('button', { type: 'button', class: 'tiny', onclick: () => {
    if (shown.delete(of.place)) draw();
    else ask(of, draw);
  } });
  const draw = () => {
    const now = shown.get(of.place);
    const left = now ? now.until - Date.now() : 0;
    if (left <= 0) shown.delete(of.place);
    else setTimeout(draw, left);
    swap(place, left > 0 ? now.text : text);
    place.className = left > 0 ? 'revealed' : '';
    swap(turn, t(left > 0 ? 'reveal.hide' : 'reveal.show'));
    turn.setAttribute('aria-label', t(left > 0 ? 'reveal.hide' : 'reveal.show') + ' ' + of.at);
  };
  draw();
  return [place, ' ', turn];
}

function ask(of, draw) {
  dialog(t('reveal.title'), (close) => {
    const reason = h('input', { type: 'text', required: true, minlength: 4, maxlength: 200, autocomplete: 'off', autofocus: true });
    const answer = h('div', {});
    const send = h('button', { type: 'submit', class: 'main' }, t('reveal.do'));
    return h('form', { onsubmit: (e) => {
      e.preventDefault();
      busy(send, async () => {
        try {
          const out = await post('messages/' + of.message + '/reveal', { pointer: of.at, reason: reason.value.trim(), delivery: of.delivery || undefined });
          shown.set(of.place, { text: exact(out.value), until: Date.now() + minute });
          close();
          draw();
          say(t('reveal.done'));
        } catch (err) {
          swap(answer, refusal(err));
        }
      });
    } }, h('p', {}, tx('reveal.about', { field: code(of.at) })), field(t('field.why'), reason), answer, h('div', { class: 'actions' }, send));
  });
}
