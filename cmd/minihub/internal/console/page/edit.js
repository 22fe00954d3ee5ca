// The document of a parked message or delivery is edited as text: checked while one types,
// compared with what it was, previewed, and sent as a new revision beside the original.
import { h, data, code, swap } from './dom.js';
import { t, tx, known, meaning } from './text.js';
import { get, post, parse } from './api.js';
import { heading, pill, at, facts, field, button, dialog, refusal, say, source, busy } from './parts.js';
import { changed, leaves, lines } from './diff.js';
import { rows } from './replay.js';
import { rehearsal } from './wire.js';
import { fault } from './json.js';
import { attach } from './editor.js';

const calls = { message: 'messages/', delivery: 'deliveries/' };
const pause = 250; // ms without a key before the hub is asked
const drafts = new Map(); // what was typed and not sent, so that another look at the order costs nothing

export async function render(ctx) {
  const [kind, id] = ctx.rest;
  const path = (calls[kind] || calls.delivery) + encodeURIComponent(id) + '/edit';
  const doc = await get(path);
  const kept = drafts.get(path);
  const home = '#/message/' + doc.message + (kind === 'delivery' ? '?delivery=' + id : '');
  const area = h('textarea', { id: 'document', spellcheck: 'false', autocomplete: 'off', autocapitalize: 'off', wrap: 'off', translate: 'no', 'aria-label': t('edit.document'), 'aria-describedby': 'found' });
  const status = h('p', { id: 'check', role: 'status', 'aria-live': 'polite' });
  const list = h('ol', { class: 'list', id: 'found' });
  const send = button(t('edit.preview'), () => preview(), { class: 'main', disabled: true });
  const box = h('div', { class: 'editor' }, h('div', { class: 'marks', 'aria-hidden': 'true' }), h('div', { class: 'gutter', 'aria-hidden': 'true' }), area);
  const editor = attach(area);
  editor.show(kept?.revision === doc.revision ? kept.text : doc.text);
  let checked = null; // the hub's answer to the text as it stands
  let turn = 0;
  let timer;

  function show(problems, said) {
    editor.mark(problems.map((p) => ({ line: p.line, kind: 'bad' })));
    swap(list, problems.map((p) => h('li', {}, h('button', { type: 'button', onclick: () => editor.go(p.line || 1, p.column || 1) },
      p.line ? h('span', { class: 'at' }, t('edit.at', { line: p.line, column: p.column }), ' ') : null, p.pointer ? [code(p.pointer), ' '] : null,
      t(ruled(p.rule)), p.text ? [' ', data(p.text, { class: 'data hint' })] : null))));
    swap(status, said);
    send.disabled = !checked || problems.length > 0 || checked.unchanged || Boolean(checked.code);
  }

  // The newest text wins: an answer to an older one is dropped, and nobody asks for a page
  // that was left.
  async function ask(mine) {
    if (mine !== turn || !area.isConnected) return;
    try {
      const out = await post(path + '/check', { document: area.value });
      if (mine !== turn || !area.isConnected) return;
      checked = out;
      const stands = out.code && h('div', { class: 'alert' }, h('p', {}, t('edit.stands')), h('p', {}, meaning('means', out.code)), h('p', { class: 'why' }, data(out.text)));
      show(out.problems.map(worded), out.problems.length ? t('edit.problems', { n: out.problems.length }) : stands || (out.unchanged ? t('edit.unchanged') : t('edit.fits')));
    } catch (err) {
      if (mine === turn) swap(status, refusal(err));
    }
  }

  function check(wait) {
    clearTimeout(timer);
    const mine = ++turn;
    checked = null;
    const wrong = fault(area.value);
    if (wrong) {
      show([{ ...wrong, rule: 'json.' + wrong.what }], t('edit.problems', { n: 1 }));
      return;
    }
    send.disabled = true;
    swap(status, t('edit.checking'));
    timer = setTimeout(() => ask(mine), wait);
  }

  area.addEventListener('input', () => {
    drafts.set(path, { text: area.value, revision: doc.revision });
    check(pause);
  });

  function preview() {
    const answer = checked;
    dialog(t('edit.preview.title'), (close) => {
      const reason = h('input', { type: 'text', required: true, minlength: '4', autocomplete: 'off', id: 'why' });
      const guard = h('div', {});
      const said = h('div', {});
      const go = h('button', { type: 'submit', class: 'main' }, t('edit.send'));
      let typed = null;
      const demand = (why) => {
        const expected = doc.key || id;
        typed = h('input', { type: 'text', required: true, autocomplete: 'off', spellcheck: 'false', id: 'confirm', oninput: () => { go.disabled = typed.value.trim() !== expected; } });
        go.disabled = true;
        swap(guard, h('p', { class: 'alert' }, why), field(h('span', {}, tx('replay.type', { key: expected })), typed));
      };
      if (answer.rows.some((r) => r.confirm)) demand(t('replay.once'));
      return h('form', { onsubmit: (e) => {
        e.preventDefault();
        busy(go, async () => {
          try {
            await post(path, { document: area.value, revision: doc.revision, why: reason.value.trim(), who: 'console', confirm: Boolean(typed) });
            drafts.delete(path);
            close();
            say(t('edit.sent'));
            location.hash = home;
          } catch (err) {
            if (err.code === 'replay.confirm') demand(t('replay.twice'));
            else swap(said, refusal(err));
          }
        });
      } }, h('h3', {}, t('edit.changes')), sides(parse(doc.text), parse(area.value)),
      kind === 'message' ? [h('h3', {}, t('replay.preview')), h('div', { class: 'preview' }, rows(answer))] : null,
      rehearsal(path + '/rehearsal', answer, { document: area.value }),
      field(t('edit.why'), reason), guard, said, h('div', { class: 'actions' }, go));
    });
  }

  setTimeout(() => check(0));
  return [heading([t('edit.title'), ' ', data(doc.key, { class: 'data key' })], pill(doc.state)),
    facts([[t(kind === 'message' ? 'field.source' : 'field.target'), source(doc.connection, doc.name)], [t('field.revision'), data(doc.revision)]]),
    h('p', { class: 'soft' }, t('edit.about'), ' ', doc.edited ? t('edit.again') : null),
    h('div', { class: 'editing' }, box, h('section', { 'aria-label': t('edit.found') }, status, list)),
    h('div', { class: 'actions' }, send, button(t('edit.undo'), () => { editor.show(doc.text); drafts.delete(path); check(0); }), h('a', { class: 'button', href: home }, t('edit.back')))];
}

// ruled is the text of a rule; what is no JSON has the texts of its own.
function ruled(rule) {
  return known(rule) ? rule : known('rule.' + rule) ? 'rule.' + rule : 'rule.any';
}

// worded leaves out of a problem what its rule's own text says already.
function worded(p) {
  const plain = ['required', 'additionalProperties', 'hidden', 'frozen', 'repeated'];
  const near = p.rule === 'additionalProperties' || p.rule === 'enum' ? p.hint : ''; // the name that may be meant
  return { ...p, text: [plain.includes(p.rule) ? '' : p.text, near].filter(Boolean).join('; ') };
}

// sides shows a document before and after, with what differs marked. The hub may say what
// does, since masked values look alike.
function sides(before, after, marked) {
  const half = (title, doc, other) => h('section', {}, h('h4', {}, title), doc ? lines(doc, marked ? below(doc, marked) : other ? changed(doc, other) : new Set(), title) : h('p', { class: 'soft' }, t('doc.none')));
  const both = h('div', { class: 'docs' }, half(t('edit.before'), before, after), half(t('edit.after'), after, before));
  requestAnimationFrame(() => first(both));
  return both;
}

// first scrolls both documents to what differs first.
function first(both) {
  for (const doc of both.querySelectorAll('.doc')) {
    const mark = doc.querySelector('mark');
    if (mark) doc.scrollTop += mark.getBoundingClientRect().top - doc.getBoundingClientRect().top - doc.clientHeight / 3;
  }
}

// below are the fields of a document at the pointers or below them: a new line has several.
function below(doc, pointers) {
  return new Set([...leaves(doc).keys()].filter((at) => pointers.some((p) => at === p || at.startsWith(p + '/'))));
}

// history tells what people made of a document, the last first.
export function history(edits) {
  if (!edits?.length) return null;
  return [h('h3', {}, t('edit.history')), [...edits].reverse().map((e) => h('details', { class: 'edit', ontoggle: (x) => first(x.currentTarget) }, h('summary', {}, tx(e.original ? 'edit.restored' : 'edit.by', { who: e.who, why: e.why }), ' ',
    h('small', {}, at(e.at))), sides(e.before, e.after, e.changed || [])))];
}

// restore maps a message from its own document again.
export function restore(id, revision, done) {
  dialog(t('edit.restore'), (close) => {
    const reason = h('input', { type: 'text', required: true, minlength: '4', autocomplete: 'off' });
    const said = h('div', {});
    const go = h('button', { type: 'submit', class: 'main' }, t('edit.restore'));
    return h('form', { onsubmit: (e) => {
      e.preventDefault();
      busy(go, async () => {
        try {
          await post('messages/' + id + '/edit', { original: true, revision, why: reason.value.trim(), who: 'console' });
          close();
          say(t('edit.restore.done'));
          done();
        } catch (err) {
          swap(said, refusal(err));
        }
      });
    } }, h('p', {}, t('edit.restore.about')), field(t('edit.why'), reason), said, h('div', { class: 'actions' }, go));
  });
}
