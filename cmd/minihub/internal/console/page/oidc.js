// Sign-in through an OpenID provider: this page sends the browser there, and hands in what
// it comes back with. Where somebody was is kept in the tab, never in an address.
import { h, data } from './dom.js';
import { t, tx, current } from './text.js';
import { get, post, session, remember } from './api.js';
import { busy } from './parts.js';

const kept = 'minihub.place';

// returned hands the provider's answer in, when the browser comes back with one; the place
// where somebody was is the address again. What is refused is thrown.
export async function returned() {
  if (!location.pathname.endsWith('/oidc')) return;
  const answer = new URLSearchParams(location.search);
  const place = sessionStorage.getItem(kept) || '';
  sessionStorage.removeItem(kept);
  history.replaceState(null, '', './' + (place.startsWith('#/') ? place : '#/'));
  if (!answer.has('state')) return;
  const sent = {};
  for (const name of ['state', 'code', 'error', 'iss']) {
    if (answer.has(name)) sent[name] = answer.get(name);
  }
  remember('');
  session(await post('session/oidc/finish', sent));
}

// way is the button of the provider; nothing where the hub has none. A sign-in begins at
// the address that the provider sends people back to: elsewhere the button leads there.
export async function way(failed) {
  const { oidc } = await get('session/ways').catch(() => ({}));
  if (!oidc) return null;
  const label = oidc.label?.[current()] ? data(oidc.label[current()]) : tx('sign.with', { name: oidc.name });
  if (new URL(oidc.console).origin !== location.origin) {
    return h('p', {}, t('sign.elsewhere'), ' ', h('a', { href: oidc.console }, data(oidc.console)));
  }
  const go = h('button', { type: 'submit' }, h('span', {}, label));
  return h('form', { onsubmit: async (e) => {
    e.preventDefault();
    try {
      await busy(go, async () => {
        const { url } = await post('session/oidc');
        sessionStorage.setItem(kept, location.hash);
        location.assign(url);
      });
    } catch (no) {
      failed(no);
    }
  } }, go);
}
