// The page of a one-time link: its holder chooses a password, and the first one a name.
import { h, swap } from './dom.js';
import { t } from './text.js';
import { post, session, remember } from './api.js';
import { field, refusal, busy } from './parts.js';

// taken is the secret of the link that opened the page, taken out of the address.
export function taken() {
  const found = location.hash.match(/^#invite=([\w-]+)(?:&name=(.*))?$/);
  if (!found) return null;
  history.replaceState(null, '', location.pathname + '#/');
  return { secret: found[1], name: decodeURIComponent(found[2] || '') };
}

// accept draws the form; done goes on with the session that it began.
export function accept(invite, done) {
  const name = h('input', { type: 'text', autocomplete: 'username', required: true, maxlength: 64, spellcheck: 'false', autocapitalize: 'none', value: invite.name, readonly: Boolean(invite.name) });
  const password = h('input', { type: 'password', autocomplete: 'new-password', required: true, minlength: 10, maxlength: 256 });
  const said = h('div', { 'aria-live': 'polite' });
  const send = h('button', { type: 'submit', class: 'main' }, t('sign.save'));
  const node = h('div', { class: 'card narrow' }, h('h1', { tabindex: '-1' }, t('sign.welcome')), h('p', { class: 'soft' }, t('sign.once')),
    h('form', { onsubmit: (e) => {
      e.preventDefault();
      busy(send, async () => {
        try {
          remember('');
          session(await post('invite', { invite: invite.secret, name: name.value.trim(), password: password.value }));
        } catch (err) {
          swap(said, refusal(err));
          return;
        }
        await done();
      });
    } }, field(t('sign.name'), name), field(t('sign.new'), password), said, send));
  queueMicrotask(() => (invite.name ? password : name).focus());
  return node;
}
