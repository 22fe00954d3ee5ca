// Where a text stops being JSON, found while it is typed. It is never parsed into values
// here, so that no number loses a digit. The hub's own reader finds the same places; a
// test holds both to it.

const most = { depth: 100, number: 40, exponent: 400 };

class Stop extends Error {
  constructor(what, at) {
    super(what);
    this.at = at;
  }
}

// fault is the first thing that is wrong with a text: what, and its line and column from
// 1, the column in characters. null: it is one JSON document, and no key stands twice.
export function fault(text) {
  const found = { what: '', at: 0 };
  try {
    read(text, (at) => {
      if (!found.what) Object.assign(found, { what: 'repeated', at });
    });
  } catch (err) {
    if (!(err instanceof Stop)) throw err;
    Object.assign(found, { what: err.message, at: err.at });
  }
  if (!found.what) return null;
  const head = text.slice(0, found.at);
  return { what: found.what, line: head.split('\n').length, column: [...head.slice(head.lastIndexOf('\n') + 1)].length + 1 };
}

const glued = /[0-9a-zA-Z.+-]/;

function read(text, repeated) {
  let i = 0;
  let depth = 0;
  const stop = (what, at = i) => { throw new Stop(at >= text.length && what !== 'empty' ? 'end' : what, Math.min(at, text.length)); };
  const space = () => { while (i < text.length && ' \n\t\r'.includes(text[i])) i++; };

  function string() {
    const start = i++;
    for (;;) {
      if (i >= text.length) stop('end');
      const c = text[i];
      if (c === '"') break;
      if (c < ' ') stop('control');
      if (c === '\\') {
        const hex = text.slice(i + 2, i + 6);
        if (text[i + 1] === 'u' && /^[0-9a-fA-F]{4}$/.test(hex) && hex !== '0000') i += 6;
        else if (i + 1 < text.length && '"\\/bfnrt'.includes(text[i + 1])) i += 2;
        else stop(i + 1 >= text.length ? 'end' : 'escape');
      } else i++;
    }
    return JSON.parse(text.slice(start, ++i)); // a string alone: nothing to lose
  }

  function number() {
    const start = i;
    const digits = () => {
      const from = i;
      while (text[i] >= '0' && text[i] <= '9') i++;
      if (i === from) stop('digit');
      return text.slice(from, i);
    };
    if (text[i] === '-') i++;
    if (text[i] === '0') i++;
    else digits();
    if (text[i] === '.') {
      i++;
      digits();
    }
    let exponent = 0;
    if (text[i] === 'e' || text[i] === 'E') {
      i++;
      if (text[i] === '+' || text[i] === '-') i++;
      exponent = Number(digits());
    }
    ended();
    if (i - start > most.number || exponent > most.exponent) stop('number', start);
  }

  function ended() {
    if (i < text.length && glued.test(text[i])) stop('comma');
  }

  function word(name) {
    for (const c of name) {
      if (text[i] !== c) stop('value');
      i++;
    }
    ended();
  }

  // next steps over a comma; false at the end of what is open.
  function next(end) {
    space();
    if (text[i] === ',') {
      i++;
      space();
      return true;
    }
    if (text[i] !== end) stop(end === '}' ? 'brace' : 'bracket');
    i++;
    depth--;
    return false;
  }

  function enter(end) {
    if (++depth > most.depth) stop('depth');
    i++;
    space();
    if (text[i] !== end) return true;
    i++;
    depth--;
    return false;
  }

  function object() {
    const keys = new Set();
    if (!enter('}')) return;
    do {
      if (text[i] !== '"') stop('key');
      const at = i;
      const key = string();
      if (keys.has(key)) repeated(at);
      keys.add(key);
      space();
      if (text[i] !== ':') stop('colon');
      i++;
      space();
      value();
    } while (next('}'));
  }

  function value() {
    const c = text[i];
    if (c === '{') object();
    else if (c === '[') {
      if (enter(']')) do value(); while (next(']'));
    } else if (c === '"') string();
    else if (c === 't') word('true');
    else if (c === 'f') word('false');
    else if (c === 'n') word('null');
    else if (c === '-' || c >= '0' && c <= '9') number();
    else stop('value');
  }

  space();
  if (i === text.length) stop('empty');
  value();
  space();
  if (i < text.length) stop('trailing');
}
