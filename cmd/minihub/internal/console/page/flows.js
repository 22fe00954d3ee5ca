// Flows as a live picture: from the streams through the flow to the operations, with
// counts at each edge.
import { h, s, data } from './dom.js';
import { t, word, number, length } from './text.js';
import { get, plain, query } from './api.js';
import { heading, pill, at } from './parts.js';

// edges are what moves now, by kind, connection and name.
function edges(now) {
  const by = new Map(now.edges.map((e) => [e.kind + ' ' + e.connection + '.' + e.name, e]));
  return (kind, name) => by.get(kind + ' ' + name) || { done: 0, open: 0, stuck: 0, per_minute: 0 };
}

export async function render(ctx) {
  const [{ flows }, now] = await Promise.all([get('flows'), get('flows/now')]);
  ctx.live(() => ctx.redraw()); // rows that moved
  ctx.again(5); // rates that fell
  const shut = new Set(now.gates.flatMap((g) => [g.operation ? g.connection + '.' + g.operation : g.connection]));
  const width = Math.min(1200, document.getElementById('main').clientWidth - 2 * 16) - 34;
  const of = edges(now);
  return [heading(t('flows.title')), h('p', { class: 'soft' }, t('flows.revision', { n: now.revision }), now.canary ? [' ', t('flows.canary', { n: now.canary })] : null, ' ', t('flows.about')),
    now.gates.length ? h('ul', { class: 'plain gates' }, now.gates.map((g) => h('li', { class: 'note' }, h('a', { href: '#/connections' }, data(g.operation ? g.connection + '.' + g.operation : g.connection)), ' ', pill(g.reason === 'pause' ? 'paused' : 'closed'), ' ',
      word('gate', g.reason), ' ', h('span', { class: 'soft' }, t('gate.since'), ' ', at(g.since))))) : null,
    h('ul', { class: 'legend' }, ['done', 'open', 'stuck'].map((k) => h('li', { class: 'n-' + k }, t('flows.' + k)))),
    flows.map((f) => h('section', { class: 'card flow' }, h('h2', {}, data(f.name)), picture(f, of, shut, width)))];
}

const rowHeight = 80;
const box = 60;

function picture(f, of, shut, width) {
  const sources = f.from.map((name) => {
    const [connection, ...rest] = name.split('.');
    return { name, connection, n: of('message', name), to: { kind: 'message', connection, stream: rest.join('.') } };
  });
  const steps = f.steps.map((x) => ({ name: x.connection + '.' + x.operation, connection: x.connection, n: of('delivery', x.connection + '.' + x.operation), to: { kind: 'delivery', connection: x.connection, operation: x.operation } }));
  return width < 620 ? trunk(f, sources, steps, shut, width) : columns(f, sources, steps, shut, width);
}

function canvas(f, width, height, ...children) {
  return s('svg', { class: 'picture', width, height, viewBox: `0 0 ${width} ${height}`, role: 'group', 'aria-label': f.name }, ...children);
}

function node(x, at, shut) {
  const list = x.n.stuck ? '#/rows?' + query({ ...x.to, state: x.to.kind === 'message' ? 'parked' : 'parked,unknown' }) : '#/rows?' + query(x.to);
  const label = x.name + ': ' + [...['done', 'open', 'stuck'].map((k) => t('flows.' + k) + ' ' + number(x.n[k])), ...pace(x)].join(', ');
  const fit = Math.floor((at.w - 20) / 7.6);
  return s('a', { href: list, 'aria-label': label, 'data-row': x.name }, s('title', {}, label),
    s('rect', { x: at.x, y: at.y, width: at.w, height: box, rx: 8, class: 'node' + (x.n.stuck ? ' bad' : shut.has(x.connection) || shut.has(x.name) ? ' warn' : '') }),
    s('text', { x: at.x + 10, y: at.y + 18, class: 'name', translate: 'no' }, x.name.length > fit ? x.name.slice(0, fit - 1) + '…' : x.name),
    s('text', { x: at.x + 10, y: at.y + 35, class: 'numbers', translate: 'no' }, s('tspan', { class: 'n-done' }, '✓ ' + number(x.n.done)),
      s('tspan', { class: 'n-open', dx: 12 }, '… ' + number(x.n.open)), s('tspan', { class: 'n-stuck', dx: 12 }, '! ' + number(x.n.stuck))),
    s('text', { x: at.x + 10, y: at.y + 52, class: 'pace' }, pace(x).join(' · ')));
}

// pace says how much goes over an edge, and how old the oldest is that waits.
function pace(x) {
  const rate = Number(plain(x.n.per_minute));
  const old = x.n.oldest ? (Date.now() - new Date(x.n.oldest)) / 1000 : 0;
  return [t('flows.rate', { n: Math.round(rate < 10 ? rate * 10 : rate) / (rate < 10 ? 10 : 1) }), old > 5 ? t('flows.lag', { span: length(old) }) : ''].filter(Boolean);
}

// edge is as wide as its share of what went over it.
function edge(path, x, most) {
  const all = x.n.done + x.n.open + x.n.stuck;
  return s('path', { d: path, class: 'edge' + (x.n.stuck ? ' bad' : x.n.open ? ' busy' : ''), 'stroke-width': most ? (1.5 + 5 * (all / most)).toFixed(1) : 1.5 });
}

const total = (x) => x.n.done + x.n.open + x.n.stuck;

function columns(f, sources, steps, shut, width) {
  const w = Math.min(300, width * 0.28);
  const height = Math.max(sources.length, steps.length) * rowHeight;
  const top = (list) => (height - list.length * rowHeight) / 2 + (rowHeight - box) / 2;
  const middle = { x: width / 2 - 60, y: height / 2 - box / 2, w: 120 };
  const most = Math.max(1, ...sources.map(total), ...steps.map(total));
  const curve = (x1, y1, x2, y2) => `M${x1} ${y1} C${(x1 + x2) / 2} ${y1} ${(x1 + x2) / 2} ${y2} ${x2} ${y2}`;
  const y = (list, i) => top(list) + i * rowHeight;
  return canvas(f, width, height,
    sources.map((x, i) => edge(curve(w, y(sources, i) + box / 2, middle.x, height / 2), x, most)),
    steps.map((x, i) => edge(curve(middle.x + middle.w, height / 2, width - w, y(steps, i) + box / 2), x, most)),
    s('rect', { ...{ x: middle.x, y: middle.y, width: middle.w, height: box }, rx: 22, class: 'hub' }),
    s('text', { x: width / 2, y: height / 2 + 5, 'text-anchor': 'middle', class: 'hubname', translate: 'no' }, f.name),
    sources.map((x, i) => node(x, { x: 1, y: y(sources, i), w: w - 1 }, shut)),
    steps.map((x, i) => node(x, { x: width - w, y: y(steps, i), w: w - 1 }, shut)));
}

// trunk is the picture for a narrow screen: one line down, with branches.
function trunk(f, sources, steps, shut, width) {
  const all = [...sources, ...steps];
  const inner = width - 2;
  const line = 72;
  const hub = sources.length * line;
  const most = Math.max(1, ...all.map(total));
  const y = (i) => (i < sources.length ? i * line : i * line + 50);
  const height = all.length * line + 50;
  return canvas(f, inner, height,
    s('path', { d: `M12 ${box / 2} V${y(all.length - 1) + box / 2}`, class: 'edge' }),
    all.map((x, i) => edge(`M12 ${y(i) + box / 2} H40`, x, most)),
    s('rect', { x: 1, y: hub + 4, width: 120, height: 34, rx: 17, class: 'hub' }), s('text', { x: 61, y: hub + 26, 'text-anchor': 'middle', class: 'hubname', translate: 'no' }, f.name),
    all.map((x, i) => node(x, { x: 40, y: y(i), w: inner - 42 }, shut)));
}
