// The parts that pages share.
import { h, data, code, swap } from './dom.js';
import { t, tx, word, known, time, ago } from './text.js';

const tones = {
  good: ['replayed', 'recovered', 'delivered', 'unchanged', 'routed', 'done', 'ok', 'open', 'active'],
  bad: ['failing', 'refused', 'parked', 'unknown', 'failed', 'interrupted', 'fail', 'closed', 'disabled'],
  warn: ['asking', 'skipped', 'blocked', 'waiting', 'warn', 'paused', 'missed'],
  busy: ['ready', 'sending', 'accepted', 'received', 'pending', 'canary', 'running', 'invited'],
};

export function tone(state) {
  return Object.keys(tones).find((name) => tones[name].includes(state)) || 'calm';
}

export function pill(state) {
  return h('span', { class: 'pill ' + tone(state) }, word('state', state));
}

export function heading(title, ...rest) {
  return h('div', { class: 'heading' }, h('h1', { tabindex: '-1' }, title), ...rest);
}

export function button(text, onclick, attrs = {}) {
  return h('button', { type: 'button', onclick, ...attrs }, text);
}

export function when(value) {
  return value ? h('time', { datetime: value, title: time(value) }, ago(value)) : null;
}

export function at(value) {
  return value ? h('time', { datetime: value }, time(value)) : null;
}

// facts is a list of names and values; empty values are left out.
export function facts(rows) {
  return h('dl', { class: 'facts' }, rows.filter(([, value]) => value !== null && value !== undefined && value !== '')
    .map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value))));
}

// refusal says what went wrong, in the language where the code is known.
export function refusal(err) {
  const key = 'error.' + err.code;
  if (known(key)) return h('p', { class: 'alert', role: 'alert' }, t(key));
  return h('div', { class: 'alert', role: 'alert' }, h('p', {}, tx('error.any', { text: err.message || err.code })), err.hint ? h('p', {}, data(err.hint)) : null,
    err.code ? h('p', { class: 'soft' }, code(err.code)) : null);
}

export function say(text) {
  const place = document.getElementById('said');
  swap(place, text);
  clearTimeout(say.timer);
  say.timer = setTimeout(() => swap(place), 8000);
}

export function source(connection, name) {
  return data(connection + '.' + name);
}

// field is a labelled input.
export function field(label, input) {
  return h('label', { class: 'field' }, h('span', {}, label), input);
}

// dialog opens a modal; make gets a function that closes it.
export function dialog(title, make) {
  const before = document.activeElement;
  const box = h('dialog', { 'aria-labelledby': 'dialog-title' });
  const close = () => box.close();
  box.addEventListener('close', () => {
    box.remove();
    if (before && before.isConnected) before.focus();
  });
  const head = h('div', { class: 'dialog-head' }, h('h2', { id: 'dialog-title' }, title), button(t('action.close'), close, { class: 'quiet' }));
  box.append(head, make(close));
  document.body.append(box);
  box.showModal();
  return box;
}

// secret shows what nobody can see again, to be copied.
export function secret(label, value) {
  const box = h('input', { type: 'text', readonly: true, translate: 'no', value });
  return h('div', { class: 'secret' }, field(label, box), button(t('action.copy'), async () => {
    box.select();
    try {
      await navigator.clipboard.writeText(value);
      say(t('action.copied'));
    } catch {
      say(t('action.select')); // a page without TLS may not write there
    }
  }, { class: 'main' }));
}

// busy keeps a button from being pressed twice while its work is under way.
export async function busy(el, work) {
  el.disabled = true;
  try {
    return await work();
  } finally {
    el.disabled = false;
  }
}
