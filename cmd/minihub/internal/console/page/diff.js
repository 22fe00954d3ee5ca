// Documents side by side: which fields differ, and the lines to show them on.
import { h } from './dom.js';
import { exact } from './api.js';

const escape = (name) => String(name).replaceAll('~', '~0').replaceAll('/', '~1');

// leaves lists the fields of a document by JSON pointer.
export function leaves(doc, at = '', out = new Map()) {
  if (doc !== null && typeof doc === 'object' && Object.keys(doc).length > 0) {
    for (const [name, value] of Object.entries(doc)) leaves(value, at + '/' + escape(name), out);
  } else {
    out.set(at, exact(doc));
  }
  return out;
}

// changed are the fields of a document that another one of the same shape has otherwise.
export function changed(doc, other) {
  const there = leaves(other);
  return new Set([...leaves(doc)].filter(([at, value]) => there.get(at) !== value).map(([at]) => at));
}

const bare = (value) => value.replace(/^"|"$/g, '');

// unmatched are the fields whose value a document of another shape has nowhere.
export function unmatched(doc, other) {
  const there = new Set([...leaves(other).values()].map(bare));
  return new Set([...leaves(doc)].filter(([, value]) => !there.has(bare(value))).map(([at]) => at));
}

// lines draws a document, with the marked fields set off. drawn may return what stands in
// the place of a value.
export function lines(doc, marked = new Set(), label = '', drawn = null) {
  const pre = h('pre', { class: 'doc', translate: 'no', tabindex: '0', role: 'region', 'aria-label': label });
  const line = (depth, text, isMarked) => {
    pre.append(h(isMarked ? 'mark' : 'span', { class: 'line' }, '  '.repeat(depth), text), '\n');
  };
  const walk = (value, at, depth, name, tail) => {
    const head = name === null ? '' : JSON.stringify(name) + ': ';
    const isList = Array.isArray(value);
    const entries = value !== null && typeof value === 'object' ? Object.entries(value) : [];
    if (entries.length === 0) {
      line(depth, [head, drawn?.(at, exact(value)) || (isList ? '[]' : exact(value)), tail], marked.has(at));
      return;
    }
    line(depth, head + (isList ? '[' : '{'), false);
    entries.forEach(([key, child], i) => walk(child, at + '/' + escape(key), depth + 1, isList ? null : key, i < entries.length - 1 ? ',' : ''));
    line(depth, (isList ? ']' : '}') + tail, false);
  };
  walk(doc, '', 0, null, '');
  return pre;
}
