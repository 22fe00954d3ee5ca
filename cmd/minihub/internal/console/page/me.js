// One's own account: roles, password, and where one is signed in.
import { h, data, swap } from './dom.js';
import { t, list } from './text.js';
import { get, post, call, self, session } from './api.js';
import { heading, pill, when, at, facts, button, busy, field, refusal, say } from './parts.js';

export async function render(ctx) {
  const me = self();
  const { sessions } = await get('sessions');
  const out = button(t('me.everywhere'), () => busy(out, async () => {
    await call('DELETE', 'sessions');
    location.reload(); // nothing of this session is left in the page
  }), { class: 'danger' });
  return [heading(t('nav.me')),
    facts([[t('sign.name'), data(me.name)], [t('people.roles'), list(me.roles.map((r) => t('role.' + r)))]]),
    h('h2', {}, t('me.sessions')),
    h('ul', { class: 'rows' }, sessions.map((s) => h('li', {}, h('div', { class: 'row' },
      h('span', { class: 'what' }, data(s.from)), s.current ? h('span', { class: 'pill good' }, t('me.here')) : pill('active'),
      h('span', { class: 'soft' }, t('me.began'), ' ', at(s.began_at), ' · ', t('me.seen'), ' ', when(s.seen_at)))))),
    h('div', { class: 'actions' }, out),
    me.provider ? null : [h('h2', {}, t('me.password')), password(ctx)]];
}

function password(ctx) {
  const old = h('input', { type: 'password', autocomplete: 'current-password', required: true, maxlength: 256 });
  const next = h('input', { type: 'password', autocomplete: 'new-password', required: true, minlength: 10, maxlength: 256 });
  const again = h('input', { type: 'password', autocomplete: 'new-password', required: true, maxlength: 256 });
  const answer = h('div', { 'aria-live': 'polite' });
  const send = h('button', { type: 'submit', class: 'main' }, t('people.save'));
  const same = () => again.setCustomValidity(again.value === next.value ? '' : t('me.differs'));
  next.addEventListener('input', same);
  again.addEventListener('input', same);
  return h('form', { class: 'card narrow-form', onsubmit: (e) => {
    e.preventDefault();
    busy(send, async () => {
      try {
        session(await post('session/password', { old: old.value, new: next.value }));
        say(t('me.changed'));
        await ctx.redraw();
      } catch (err) {
        swap(answer, refusal(err));
      }
    });
  } }, h('p', { class: 'soft' }, t('me.ends')), field(t('me.old'), old), field(t('sign.new'), next), field(t('me.again'), again), answer, h('div', { class: 'actions' }, send));
}
