// The hub's API, and nothing else.

export class Refused extends Error {
  constructor(status, error) {
    super(error.text || '');
    this.status = status;
    this.code = error.code || '';
    this.hint = error.hint || '';
  }
}

const kept = 'minihub.token';

export function token() {
  return sessionStorage.getItem(kept) || '';
}

export function remember(value) {
  if (value) sessionStorage.setItem(kept, value);
  else sessionStorage.removeItem(kept);
}

// A person's session is a cookie that the page cannot read; its changing calls carry this.
let csrf = '';
let me = null;

export function session(who) {
  me = who;
  csrf = who?.csrf || '';
}

// self is who is signed in: name, kind, roles and rights.
export const self = () => me;
export const signedIn = () => Boolean(me);
// may says whether to offer what needs a right; the hub decides in any case.
export const may = (right) => Boolean(me?.rights?.includes(right));

// A number that a browser would round, an id above 2^53 or an amount with trailing zeros,
// stays the text that came: Invariant 6.
const mark = '\uE000';
const tokens = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

export function parse(text) {
  return JSON.parse(text.replace(tokens, (m) => (m[0] !== '"' && (m.length > 15 || /[.eE]/.test(m)) ? '"' + mark + m + '"' : m)));
}

// exact is the text of a value as the hub wrote it.
export function exact(value) {
  if (typeof value === 'string') return value.startsWith(mark) ? value.slice(1) : JSON.stringify(value);
  return JSON.stringify(value);
}

export function plain(value) {
  return typeof value === 'string' && value.startsWith(mark) ? value.slice(1) : String(value ?? '');
}

// follow reads the hub's live events until it is stopped: each is given to told, and the
// end of the stream to ended.
export function follow(told, ended) {
  const stop = new AbortController();
  const headers = { Accept: 'text/event-stream' };
  if (token()) headers.Authorization = 'Bearer ' + token();
  (async () => {
    const answer = await fetch('../api/v1/live', { headers, cache: 'no-store', credentials: 'same-origin', signal: stop.signal });
    if (!answer.ok) return;
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      const events = (text + part.value).split('\n\n');
      text = events.pop();
      for (const e of events) {
        const line = e.split('\n').find((l) => l.startsWith('data: '));
        if (line) told(parse(line.slice(6)));
      }
    }
  })().catch(() => null).then(() => { if (!stop.signal.aborted) ended(); });
  return () => stop.abort();
}

// download saves what the API answers as a file.
export async function download(path, name) {
  const headers = token() ? { Authorization: 'Bearer ' + token() } : {};
  const answer = await fetch('../api/v1/' + path, { headers, cache: 'no-store', credentials: 'same-origin' }).catch(() => null);
  if (!answer) throw new Refused(0, { code: 'console.offline' });
  if (!answer.ok) throw new Refused(answer.status, (await answer.json().catch(() => ({}))).error || {});
  const link = document.createElement('a');
  link.href = URL.createObjectURL(await answer.blob());
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

// call asks the API; a refusal is thrown in the API's own words.
export async function call(method, path, body) {
  const headers = { Accept: 'application/json' };
  if (token()) headers.Authorization = 'Bearer ' + token();
  else if (csrf && method !== 'GET') headers['X-CSRF-Token'] = csrf;
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  let answer;
  try {
    answer = await fetch('../api/v1/' + path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), cache: 'no-store', credentials: 'same-origin' });
  } catch {
    throw new Refused(0, { code: 'console.offline' });
  }
  const text = await answer.text();
  let out = {};
  try {
    out = text ? parse(text) : {};
  } catch {
    throw new Refused(answer.status, { code: 'console.answer' });
  }
  if (!answer.ok) throw new Refused(answer.status, out.error || {});
  return out;
}

export const get = (path) => call('GET', path);
export const post = (path, body) => call('POST', path, body || {});

// query writes what is given as the part of an address behind its question mark.
export function query(params) {
  const out = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value !== '' && value !== undefined && value !== null) out.set(name, value);
  }
  return out.toString();
}
