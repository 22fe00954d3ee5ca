// Elements are built here and nowhere else: text always goes in as text, never as markup.

const SVG = 'http://www.w3.org/2000/svg';

function fill(el, attrs, children) {
  for (const [name, value] of Object.entries(attrs || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) el.addEventListener(name.slice(2), value);
    else if (name in el && (name === 'value' || name === 'checked' || name === 'open')) el[name] = value;
    else el.setAttribute(name, value === true ? '' : value);
  }
  put(el, children);
  return el;
}

// put appends children: nodes, texts, and lists of them; null is nothing.
export function put(el, ...children) {
  for (const child of children.flat(9)) {
    if (child !== null && child !== undefined && child !== false) el.append(child);
  }
  return el;
}

export function h(tag, attrs, ...children) {
  return fill(document.createElement(tag), attrs, children);
}

export function s(tag, attrs, ...children) {
  return fill(document.createElementNS(SVG, tag), attrs, children);
}

// data is a value of the hub's: in no language, so nobody translates it.
export function data(value, attrs) {
  return h('span', { translate: 'no', class: 'data', ...attrs }, String(value ?? ''));
}

export function code(value) {
  return h('code', { translate: 'no' }, String(value ?? ''));
}

// prose is a sentence of the hub's whose words between backticks are names to type.
export function prose(text) {
  return String(text ?? '').split('`').map((part, i) => (i % 2 ? code(part) : part));
}

export function swap(el, ...children) {
  el.replaceChildren();
  return put(el, ...children);
}
