// Who may use the hub: people with their roles, and tokens for programs.
import { h, data, swap } from './dom.js';
import { t, tx, list } from './text.js';
import { get, post, call, self } from './api.js';
import { heading, pill, when, at, facts, button, busy, field, refusal, say, dialog, secret } from './parts.js';

const roles = ['viewer', 'support', 'ops', 'integrator', 'admin'];

export async function render(ctx) {
  const [{ people }, { tokens }] = await Promise.all([get('people'), get('tokens')]);
  ctx.again(30);
  return [heading(t('people.title'), button(t('people.add'), () => addPerson(ctx), { class: 'main' })),
    people.length ? h('div', { class: 'cards' }, people.map((p) => person(ctx, p))) : h('p', { class: 'soft' }, t('people.none')),
    h('div', { class: 'heading' }, h('h2', {}, t('token.title')), button(t('token.add'), () => addToken(ctx))),
    h('p', { class: 'soft' }, t('token.about')),
    h('div', { class: 'cards' }, tokens.map((k) => token(ctx, k)).reverse())];
}

const named = (names) => list(names.map((r) => t('role.' + r)));
const of = (p, rest = '') => 'people/' + encodeURIComponent(p.name) + rest;

function person(ctx, p) {
  const own = self()?.kind === 'person' && self().name === p.name;
  const act = (key, work, attrs) => button(t(key), work, { 'aria-label': t(key) + ' ' + p.name, ...attrs });
  return h('article', { class: 'card' },
    h('div', { class: 'cause-head' }, h('h2', {}, data(p.name)), pill(p.disabled ? 'disabled' : p.password || p.provider ? 'active' : 'invited')),
    facts([[t('people.roles'), named(p.roles)], [t('people.signed_in'), p.signed_in_at ? when(p.signed_in_at) : t('people.never')], [t('people.since'), at(p.created_at)]]),
    own ? h('p', { class: 'soft' }, t('people.own'), ' ', h('a', { href: '#/me' }, t('nav.me'))) : h('div', { class: 'actions' },
      p.provider ? h('p', { class: 'soft' }, t('people.provider')) : [act('people.change', () => changeRoles(ctx, p), { 'data-row': p.name }), act('people.reset', () => reset(ctx, p))],
      p.disabled ? act('people.unblock', () => block(ctx, p, false)) : act('people.block', () => block(ctx, p, true), { class: 'danger' })));
}

// choice is a box for each role.
function choice(chosen) {
  const boxes = roles.map((r) => h('input', { type: 'checkbox', value: r, checked: chosen.includes(r) }));
  const node = h('fieldset', { class: 'modes' }, h('legend', {}, t('people.roles')), boxes.map((box) => h('label', {}, box,
    h('span', {}, h('b', {}, t('role.' + box.value)), ' ', h('small', {}, t('role.' + box.value + '.about'))))));
  return { node, get: () => boxes.filter((b) => b.checked).map((b) => b.value) };
}

// ask is a dialog with one form; work returns what follows its answer, or nothing when the
// dialog is to close.
function ask(title, button, parts, work) {
  dialog(title, (close) => {
    const answer = h('div', { 'aria-live': 'polite' });
    const send = h('button', { type: 'submit', class: 'main' }, t(button));
    const form = h('form', { onsubmit: (e) => {
      e.preventDefault();
      busy(send, async () => {
        try {
          const next = await work();
          if (next) form.replaceWith(h('div', {}, next, h('div', { class: 'actions' }, h('button', { type: 'button', onclick: close }, t('action.done')))));
          else close();
        } catch (err) {
          swap(answer, refusal(err));
        }
      });
    } }, parts, answer, h('div', { class: 'actions' }, send));
    return form;
  });
}

const typed = (attrs) => h('input', { type: 'text', autocomplete: 'off', spellcheck: 'false', ...attrs });

// link shows a one-time link, which nobody can see again.
function link(out) {
  const address = new URL(location.pathname, location.origin) + '#invite=' + out.invite + '&name=' + encodeURIComponent(out.person);
  return [h('p', {}, tx('people.give', { name: out.person, until: at(out.until) })), secret(t('people.link'), address)];
}

function addPerson(ctx) {
  const name = typed({ required: true, maxlength: 64, autofocus: true });
  const chosen = choice(['support']);
  ask(t('people.add'), 'people.invite', [field(t('sign.name'), name), chosen.node], async () => {
    const out = await post('people', { name: name.value.trim(), roles: chosen.get() });
    await ctx.redraw();
    return link(out);
  });
}

function changeRoles(ctx, p) {
  const chosen = choice(p.roles);
  const why = typed({});
  ask(t('people.change'), 'people.save', [h('p', {}, tx('people.gets', { name: p.name })), chosen.node, field(t('field.why'), why)], async () => {
    await post(of(p), { roles: chosen.get(), why: why.value.trim() });
    say(t('people.changed'));
    await ctx.redraw();
  });
}

function reset(ctx, p) {
  ask(t('people.reset'), 'people.make', h('p', {}, tx('people.resets', { name: p.name })), async () => {
    const out = await post(of(p, '/password'));
    await ctx.redraw();
    return link(out);
  });
}

function block(ctx, p, disabled) {
  const why = typed({ required: disabled });
  ask(t(disabled ? 'people.block' : 'people.unblock'), disabled ? 'people.block' : 'people.unblock',
    [h('p', {}, tx(disabled ? 'people.blocks' : 'people.unblocks', { name: p.name })), field(t('field.why'), why)], async () => {
      await post(of(p), { disabled, why: why.value.trim() });
      say(t('people.changed'));
      await ctx.redraw();
    });
}

function token(ctx, k) {
  return h('article', { class: 'card' },
    h('div', { class: 'cause-head' }, h('h2', {}, data(k.name)), pill(k.state)),
    facts([[t('people.roles'), named(k.roles)], [t('token.used'), k.used_at ? when(k.used_at) : t('people.never')],
      [t(k.state === 'active' ? 'token.expires' : 'token.expired'), k.expires_at ? at(k.expires_at) : ''], [t('token.maker'), data(k.maker)]]),
    k.state === 'active' ? h('div', { class: 'actions' }, button(t('token.revoke'), () => revoke(ctx, k), { class: 'danger', 'data-row': k.id, 'aria-label': t('token.revoke') + ' ' + k.name })) : null);
}

function addToken(ctx) {
  const name = typed({ required: true, maxlength: 64, autofocus: true });
  const days = h('input', { type: 'number', min: 1, max: 3650, value: '90', required: true });
  const chosen = choice(['viewer']);
  ask(t('token.add'), 'token.make', [field(t('token.name'), name), chosen.node, field(t('token.days'), days)], async () => {
    const out = await post('tokens', { name: name.value.trim(), roles: chosen.get(), days: Number(days.value) });
    await ctx.redraw();
    return [h('p', {}, tx('token.once', { name: out.name })), secret(t('sign.token'), out.token)];
  });
}

function revoke(ctx, k) {
  ask(t('token.revoke'), 'token.revoke', h('p', {}, tx('token.ends', { name: k.name })), async () => {
    await call('DELETE', 'tokens/' + encodeURIComponent(k.id));
    say(t('token.revoked'));
    await ctx.redraw();
  });
}
