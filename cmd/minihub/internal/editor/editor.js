// A plain text editor: a textarea with line numbers, and marks behind the lines that
// something is wrong with. Around the textarea stands
// <div class="editor"><div class="marks"></div><div class="gutter"></div>TEXTAREA</div>.

const lineHeight = 20; // as in editor.css

const make = (tag, name, text) => {
  const el = document.createElement(tag);
  if (name) el.className = name;
  if (text !== undefined) el.textContent = text;
  return el;
};

export function attach(area) {
  const gutter = area.parentElement.querySelector('.gutter');
  const marks = area.parentElement.querySelector('.marks');
  let lines = new Map(); // kind of mark by line
  let drawn = '';

  function follow() {
    const by = `translateY(${-area.scrollTop}px)`;
    gutter.style.transform = by;
    marks.style.transform = by;
  }

  // number draws the line numbers, when there is something new about them.
  function number() {
    const count = area.value.split('\n').length;
    const now = count + '|' + [...lines];
    if (now === drawn) return;
    drawn = now;
    gutter.replaceChildren(...Array.from({ length: count }, (_, i) => make('div', lines.get(i + 1) || '', i + 1)));
  }

  // mark paints the lines of what is wrong: line from 1, and kind bad or warn.
  function mark(found) {
    lines = new Map();
    for (const f of found) if (f.line && lines.get(f.line) !== 'bad') lines.set(f.line, f.kind);
    marks.replaceChildren(...[...lines].map(([line, kind]) => {
      const m = make('span', kind);
      m.dataset.line = line;
      m.style.top = (line - 1) * lineHeight + 'px';
      return m;
    }));
    number();
    follow();
  }

  // go puts the cursor at a line and column, both from 1; columns count characters.
  function go(line, column) {
    const rows = area.value.split('\n');
    let at = 0;
    for (let i = 0; i < line - 1 && i < rows.length; i++) at += rows[i].length + 1;
    at += [...(rows[line - 1] || '')].slice(0, column - 1).join('').length;
    area.focus();
    area.setSelectionRange(at, at);
    area.scrollTop = Math.max(0, (line - 6) * lineHeight);
  }

  function show(text) {
    area.value = text;
    number();
    follow();
  }

  area.addEventListener('scroll', follow);
  area.addEventListener('input', number);
  number();
  return { area, show, mark, go };
}
