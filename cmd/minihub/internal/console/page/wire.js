// What went over the wire, or would: requests and answers as sent, masked places marked.
import { h, data, code, swap } from './dom.js';
import { t, tx, known as hasText, span } from './text.js';
import { get, post, may } from './api.js';
import { button, busy, dialog, field, refusal, say, source } from './parts.js';

const dots = /••••(?:\([^()]*\))?/g;

// marked splits a masked text into what is shown and what is not.
function marked(text) {
  const out = [];
  let from = 0;
  for (const m of text.matchAll(dots)) {
    out.push(text.slice(from, m.index), h('mark', { class: 'masked' }, m[0]));
    from = m.index + m[0].length;
  }
  out.push(text.slice(from));
  return out;
}

// body draws a request or an answer below its title, with a button that copies it.
export function body(title, b) {
  const copy = button(t('wire.copy'), () => navigator.clipboard.writeText(b.text).then(() => say(t('wire.copied')), () => say(t('wire.uncopied'))),
    { class: 'quiet', 'aria-label': t('wire.copy') + ' ' + title });
  return h('section', { class: 'wire' }, h('div', { class: 'heading' }, h('h4', {}, title),
    h('span', { class: 'soft' }, b.format === 'none' ? t('wire.none') : [data(b.format.toUpperCase()), ' · ', t('wire.bytes', { n: b.bytes }), b.hidden ? [' · ', t('wire.hidden', { n: b.hidden })] : null,
      b.cut ? [' · ', t('wire.cut')] : null]), b.text ? copy : null),
  b.text ? h('pre', { class: 'doc', translate: 'no', tabindex: '0', role: 'region', 'aria-label': title }, marked(b.text)) : null);
}

const opened = new Set(); // calls that stay open while the page renews itself
const known = new Map(); // tries with what was said, by delivery and number of tries

function said(d) {
  const key = d.id + '/' + d.tries.length;
  if (!known.has(key)) {
    if (known.size > 50) known.clear();
    const asked = get('deliveries/' + d.id + '/calls');
    asked.catch(() => known.delete(key));
    known.set(key, asked);
  }
  return known.get(key);
}

// call is one call of a try: a line that opens into what was sent and what came back.
export function call(d, i, j, c) {
  const id = d.id + '/' + i + '/' + j;
  const inside = h('div', { class: 'wires' });
  const draw = async () => {
    swap(inside, h('p', { class: 'soft' }, t('action.loading')));
    try {
      const whole = (await said(d)).tries[i].calls[j];
      swap(inside, whole.url !== c.url ? h('p', {}, code(whole.url)) : null, whole.error ? h('p', { class: 'why' }, data(whole.error)) : null,
        body(t('wire.request'), whole.request), body(t('wire.response'), whole.response),
        may('reveal') && (whole.request.hidden || whole.response.hidden) ? h('div', { class: 'actions' }, button(t('wire.reveal'), () => reveal(d, i, j))) : null);
    } catch (err) {
      swap(inside, refusal(err));
    }
  };
  const box = h('details', { class: 'call', open: opened.has(id) }, h('summary', {}, h('span', {}, code(c.method + ' ' + c.url), ' ', c.status ? data('→ ' + c.status) : t('order.unanswered'), ' ',
    h('span', { class: 'soft' }, span(c.took_ms, 'millisecond', 'short'), ' · ', t('order.bytes', { sent: c.sent_bytes, got: c.got_bytes })))), inside);
  box.addEventListener('toggle', () => {
    if (box.open && !opened.has(id)) {
      opened.add(id);
      draw();
    } else if (!box.open) opened.delete(id);
  });
  if (box.open) draw();
  return box;
}

// reveal shows one call unmasked, to whoever says why.
function reveal(d, i, j) {
  dialog(t('wire.reveal.title'), () => {
    const reason = h('input', { type: 'text', required: true, minlength: '4', autocomplete: 'off' });
    const place = h('div', { class: 'wires', 'aria-live': 'polite' });
    const show = h('button', { type: 'submit', class: 'main' }, t('wire.reveal.do'));
    return h('form', { onsubmit: (e) => {
      e.preventDefault();
      busy(show, async () => {
        try {
          const out = await post('messages/' + d.message + '/reveal', { delivery: d.id, try: i + 1, call: j + 1, reason: reason.value.trim() });
          const whole = (title, text) => [h('h4', {}, title), h('pre', { class: 'doc', translate: 'no', tabindex: '0', role: 'region', 'aria-label': title }, text)];
          swap(place, out.request ? whole(t('wire.request'), out.request) : null, out.response ? whole(t('wire.response'), out.response) : null);
        } catch (err) {
          swap(place, refusal(err));
        }
      });
    } }, h('p', {}, t('wire.reveal.about')), field(t('field.why'), reason), h('div', { class: 'actions' }, show), place);
  });
}

// rehearsal shows the exact requests of a replay below its preview, and what to know
// before they are sent; an edit gives the document it would send.
export function rehearsal(path, preview, edited) {
  if (!may('repair') || !preview.rows.some((r) => r.state === 'ready' && r.document)) return null;
  const place = h('section', { class: 'rehearsal', 'aria-label': t('rehearsal.title') }, h('h3', {}, t('rehearsal.title')), h('p', { class: 'soft' }, t('rehearsal.making')));
  (edited ? post(path, edited) : get(path)).then((out) => swap(place, h('h3', {}, t('rehearsal.title')), out.rows.map((r) => exact(r, out.rows.length > 1))), (err) => swap(place, h('h3', {}, t('rehearsal.title')), refusal(err)));
  return place;
}

function exact(r, several) {
  const know = warnings(r);
  const reason = r.code ? [hasText('means.' + r.code) ? t('means.' + r.code) : data(r.text), ' ', code(r.code)] : null;
  return h('section', { class: 'goes' }, several ? h('h4', {}, source(r.connection, r.operation), ' ', data(r.key, { class: 'data key' })) : null,
    know.length ? h('ul', { class: 'note' }, know.map((w) => h('li', {}, w))) : null,
    r.call ? [r.reads ? h('p', {}, t('rehearsal.reads'), ' ', reason) : null, h('p', {}, code(r.call.method + ' ' + r.call.url)), body(t('rehearsal.request'), r.call.request)]
      : h('p', {}, reason || t('rehearsal.same')));
}

// warnings are the side effects that the operation's declaration and its history tell of.
function warnings(r) {
  return [r.unsure ? t('rehearsal.unsure') : null, r.attempts ? t('rehearsal.before', { n: r.attempts }) : null,
    r.budget ? t('rehearsal.budget', { n: r.budget }) : null, r.asks_first ? t('rehearsal.asks') : null,
    r.settle_ms && (r.unsure || r.asks_first) ? tx('rehearsal.settle', { span: span(Math.round(r.settle_ms / 1000), 'second') }) : null,
    r.multi_step ? t('rehearsal.steps') : null].filter(Boolean);
}
