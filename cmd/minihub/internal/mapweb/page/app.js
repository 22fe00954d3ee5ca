// The page keeps documents as text: a number that JavaScript read would lose digits.
import { attach } from './editor.js';

const texts = {
  en: {
    title: 'mapping workshop', mapping: 'Mapping', sample: 'Sample', result: 'Result', skip: 'To the mapping',
    context: 'Context: key, store, source, links, lookups', other: '中文', otherLang: 'zh-CN', own: 'yours', shipped: 'shipped', noSample: '(none: type or paste one)', chooseSample: '(choose a case)',
    problems: n => n === 1 ? '1 error' : n + ' errors', warnings: n => n === 1 ? '1 remark' : n + ' remarks', fits: 'fits its schema', waiting: 'nothing yet: mend the errors first',
    ok: ms => `mapped in ${ms} ms`, failed: n => n === 1 ? '1 error' : `${n} errors`, working: 'mapping…', gone: 'the workshop does not answer; is `minihub map serve` still running?',
    unset: list => 'Target fields this sample does not bring forth: ' + list, line: 'line', auto: 'Theme: system', light: 'Theme: light', dark: 'Theme: dark', folder: 'Your folder has mistakes; what was read last is used:',
    keys: 'Alt+1 sample · Alt+2 mapping · Alt+3 result · F8 next error · Ctrl+Enter map now',
  },
  zh: {
    title: '映射工作台', mapping: '映射', sample: '样例', result: '结果', skip: '跳到映射',
    context: '上下文: key, store, source, links, lookups', other: 'English', otherLang: 'en', own: '自有', shipped: '内置', noSample: '(无: 请输入或粘贴)', chooseSample: '(选择用例)',
    problems: n => `${n} 个错误`, warnings: n => `${n} 个提示`, fits: '符合结构', waiting: '暂无结果: 请先修正错误',
    ok: ms => `映射完成, 用时 ${ms} 毫秒`, failed: n => `${n} 个错误`, working: '正在映射…', gone: '工作台没有响应; `minihub map serve` 是否仍在运行?',
    unset: list => '该样例没有产生的目标字段: ' + list, line: '行', auto: '主题: 跟随系统', light: '主题: 浅色', dark: '主题: 深色', folder: '目录中有错误, 暂用上次读到的内容:',
    keys: 'Alt+1 样例 · Alt+2 映射 · Alt+3 结果 · F8 下一个错误 · Ctrl+Enter 立即映射',
  },
};
const $ = id => document.getElementById(id);
const stored = { get: k => { try { return localStorage.getItem(k); } catch { return null; } }, set: (k, v) => { try { localStorage.setItem(k, v); } catch { /* private mode */ } } };
let lang = stored.get('lang') || ((navigator.language || '').toLowerCase().startsWith('zh') ? 'zh' : 'en');
let theme = stored.get('theme') || 'auto';
const t = key => texts[lang][key];
const state = { file: '', samples: [], trial: null, took: 0, folder: null, list: [] };

const editors = {};
for (const id of ['sample', 'context', 'mapping', 'result']) {
  editors[id] = attach($(id));
  $(id).addEventListener('input', later);
}
const show = (id, text) => editors[id].show(text);

// mark paints the lines of what is wrong and lists it under the editor.
function mark(id, found, list) {
  editors[id].mark(found);
  if (!list) return;
  $(list).append(...found.map(f => {
    const li = document.createElement('li');
    li.className = f.kind;
    const b = document.createElement('button');
    b.type = 'button';
    const add = (name, text) => { if (text) { const s = document.createElement(name === 'code' ? 'code' : 'span'); s.className = name; s.textContent = text + ' '; b.append(s); } };
    add('at', (f.line ? `${t('line')} ${f.line}:${f.column || 1}` : '') + (f.place ? (f.line ? ' · ' : '') + f.place : ''));
    add('what', f.text);
    add('hint', f.hint ? '(' + f.hint + ')' : '');
    add('code', f.code);
    b.addEventListener('click', () => go(id, f.line || 1, f.column || 1));
    f.button = b;
    li.append(b);
    return li;
  }));
}
function go(id, line, column) {
  if (id === 'context') $('context-box').open = true;
  editors[id].go(line, column);
}
function badge(id, bad, warn, good) {
  const b = $(id);
  b.className = bad ? 'bad' : warn ? 'warn' : 'good';
  b.textContent = bad ? t('problems')(bad) : warn ? t('warnings')(warn) : good || '';
}

function render() {
  document.documentElement.lang = lang === 'zh' ? 'zh-CN' : 'en';
  document.title = 'minihub · ' + t('title');
  for (const el of document.querySelectorAll('[data-t]')) el.textContent = t(el.dataset.t);
  $('language').textContent = t('other');
  $('language').lang = t('otherLang');
  $('theme').textContent = t(theme);
  if (theme === 'auto') delete document.documentElement.dataset.theme; else document.documentElement.dataset.theme = theme;
  const f = state.folder;
  $('folder').hidden = !f;
  if (f) $('folder').textContent = t('folder') + '\n' + f;
  paint();
}
function paint() {
  for (const id of ['sample-list', 'mapping-list', 'result-list']) $(id).replaceChildren();
  const r = state.trial;
  if (!r) return;
  const from = (list, kind, place) => list.map(p => ({ kind, place: place ? place(p) : '', text: p.text, hint: p.hint, code: p.code || p.rule, line: p.line, column: p.column }));
  const sample = from(r.sample, 'bad').concat(from(r.input, 'warn', v => v.pointer));
  const context = from(r.context, 'bad');
  const mapping = from(r.problems, 'bad', p => p.target).concat(from(r.errors, 'bad', p => p.target));
  const result = from(r.violations, 'bad', v => v.pointer || '/');
  const empty = !r.result;
  if (editors.result.area.value !== r.result) show('result', r.result);
  editors.result.area.placeholder = empty ? t('waiting') : '';
  mark('sample', sample, 'sample-list');
  mark('context', context, 'sample-list');
  mark('mapping', mapping, 'mapping-list');
  mark('result', result, 'result-list');
  badge('sample-count', r.sample.length + r.context.length, r.input.length);
  badge('mapping-count', mapping.length, 0);
  badge('result-count', result.length, 0, r.ok ? t('fits') : '');
  $('unset').hidden = !r.unset.length;
  $('unset').textContent = r.unset.length ? t('unset')(r.unset.join(', ')) : '';
  state.list = [...sample, ...context, ...mapping, ...result].filter(f => f.kind === 'bad');
  const bad = state.list.length;
  $('status').textContent = bad ? t('failed')(bad) : t('ok')(state.took);
}

// The newest text wins: an answer to an older one is dropped.
let timer = 0, turn = 0;
function later() { clearTimeout(timer); timer = setTimeout(run, 150); }
async function run() {
  clearTimeout(timer);
  const mine = ++turn;
  $('status').textContent = t('working');
  const began = performance.now();
  try {
    const answer = await fetch('api/try', {
      method: 'POST', headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ file: state.file, mapping: $('mapping').value, sample: $('sample').value, context: $('context').value }),
    });
    const r = await answer.json();
    if (mine !== turn) return;
    if (!answer.ok) { $('status').textContent = r.error; return; }
    state.trial = r;
    state.took = Math.round(performance.now() - began);
    paint();
    document.body.dataset.turn = mine;
  } catch {
    if (mine === turn) $('status').textContent = t('gone');
  }
}

function option(value, text) { const o = document.createElement('option'); o.value = value; o.textContent = text; return o; }
async function open(name, source) {
  const answer = await fetch('api/mapping?name=' + encodeURIComponent(name));
  const m = answer.ok ? await answer.json() : { name, source: '', samples: [] };
  state.file = name;
  state.samples = m.samples;
  show('mapping', source !== undefined ? source : m.source);
  $('samples').replaceChildren(option('', m.samples.length ? t('chooseSample') : t('noSample')), ...m.samples.map((s, i) => option(i, s.name)));
  if (m.samples.length) { $('samples').value = 0; choose(); } else { run(); }
}
function choose() {
  const s = state.samples[$('samples').value];
  if (!s) return;
  $('samples').title = s.about;
  show('sample', s.input.replace(/\n$/, ''));
  show('context', s.context.replace(/\n$/, ''));
  $('context-box').open = s.context !== '';
  run();
}
async function start() {
  render();
  const w = await (await fetch('api/workshop')).json();
  state.folder = w.error || w.problems.map(p => `${p.file || ''}:${p.line || 0}: ${p.text}`).join('\n') || null;
  const groups = [[t('own'), w.mappings.filter(m => m.own)], [t('shipped'), w.mappings.filter(m => !m.own)]];
  const names = w.mappings.map(m => m.name);
  const first = w.start || (w.mappings.find(m => m.own) || w.mappings[0] || { name: '' }).name;
  $('pick').replaceChildren(...(first && !names.includes(first) ? [option(first, first)] : []), ...groups.filter(g => g[1].length).map(([label, list]) => {
    const g = document.createElement('optgroup');
    g.label = label;
    g.append(...list.map(m => { const o = option(m.name, m.name); o.title = m.title; return o; }));
    return g;
  }));
  $('pick').value = first;
  render();
  await open(first, w.source);
}
$('pick').addEventListener('change', () => open($('pick').value));
$('samples').addEventListener('change', choose);
$('language').addEventListener('click', () => { lang = lang === 'zh' ? 'en' : 'zh'; stored.set('lang', lang); render(); });
$('theme').addEventListener('click', () => { theme = { auto: 'light', light: 'dark', dark: 'auto' }[theme]; stored.set('theme', theme); render(); });
let problem = -1;
document.addEventListener('keydown', e => {
  const pane = { 1: 'sample', 2: 'mapping', 3: 'result' }[e.key];
  if (e.altKey && pane) { e.preventDefault(); $(pane).focus(); }
  if (e.ctrlKey && e.key === 'Enter') { e.preventDefault(); run(); }
  if (e.key === 'F8' && state.list.length) { e.preventDefault(); problem = (problem + 1) % state.list.length; state.list[problem].button.click(); }
});
start();
