// Every word of the console stands in text.json, in both languages; dates, numbers and
// plural forms are the browser's.
import { data } from './dom.js';

let words = {};
let language = 'en';

export async function load() {
  const answer = await fetch('text.json');
  words = await answer.json();
  const kept = localStorage.getItem('minihub.language');
  choose(kept || ((navigator.language || '').toLowerCase().startsWith('zh') ? 'zh' : 'en'));
}

export function choose(name) {
  language = name === 'zh' ? 'zh' : 'en';
  document.documentElement.lang = tag();
}

export const current = () => language;
export const tag = () => (language === 'zh' ? 'zh-CN' : 'en');

export function known(key) {
  return Boolean(words[key]);
}

function pattern(key, params) {
  const entry = words[key];
  if (!entry) return '⟦' + key + '⟧';
  const text = entry[language];
  if (typeof text === 'string') return text;
  return text[new Intl.PluralRules(tag()).select(params.n)] ?? text.other;
}

const holes = /\{(\w+)\}/;

// t is a text; numbers among its parameters are written in the language.
export function t(key, params = {}) {
  return pattern(key, params).split(holes).map((part, i) => (i % 2 === 0 ? part : typeof params[part] === 'number' ? number(params[part]) : params[part])).join('');
}

// tx is a text whose parameters are values of the hub or nodes.
export function tx(key, params = {}) {
  return pattern(key, params).split(holes).map((part, i) => {
    if (i % 2 === 0) return part;
    const value = params[part];
    return typeof value === 'number' ? number(value) : value instanceof Node ? value : data(value);
  });
}

// word says a name of the hub's in words, or as it is where there are none.
export function word(group, name) {
  return known(group + '.' + name) ? t(group + '.' + name) : data(name);
}

// meaning finds the text of a code, of its longest known beginning, or of any code.
export function meaning(group, code) {
  for (let c = code || ''; c; c = c.slice(0, Math.max(0, c.lastIndexOf('.')))) {
    if (known(group + '.' + c)) return t(group + '.' + c);
  }
  return t(group + '.any');
}

export function number(n) {
  return new Intl.NumberFormat(tag()).format(n);
}

// share writes a part of one in percent.
export function share(x) {
  return new Intl.NumberFormat(tag(), { style: 'percent', maximumFractionDigits: x < 0.1 ? 1 : 0 }).format(x);
}

// money writes an exact decimal of a currency, as the API tells it.
export function money(amount, currency) {
  return new Intl.NumberFormat(tag(), { style: 'currency', currency, currencyDisplay: 'code' }).format(amount);
}

const moment = (options) => (value) => (value && !String(value).startsWith('0001-') ? new Intl.DateTimeFormat(tag(), options).format(new Date(value)) : '');
export const time = moment({ dateStyle: 'medium', timeStyle: 'medium' });
// clock is the hour and minute of a time.
export const clock = moment({ timeStyle: 'short' });
// timeIn is a time as the clocks of a zone show it.
export const timeIn = (value, zone) => moment({ dateStyle: 'medium', timeStyle: 'medium', timeZone: zone || undefined })(value);

const spans = [['day', 86400], ['hour', 3600], ['minute', 60], ['second', 1]];

// ago says how long a time lies back or ahead.
export function ago(value) {
  const seconds = (new Date(value) - Date.now()) / 1000;
  const [unit, size] = spans.find(([, n]) => Math.abs(seconds) >= n) || spans[3];
  return new Intl.RelativeTimeFormat(tag(), { numeric: 'auto' }).format(Math.round(seconds / size), unit);
}

export function span(n, unit, display = 'long') {
  return new Intl.NumberFormat(tag(), { style: 'unit', unit, unitDisplay: display }).format(n);
}

// lasting says how long something takes, in the unit that people would say it in.
export function lasting(seconds) {
  const [unit, size] = spans.find(([, n]) => seconds >= 1.5 * n) || spans[3];
  return span(Math.max(1, Math.round(seconds / size)), unit);
}

export function list(items) {
  return new Intl.ListFormat(tag(), { type: 'conjunction' }).format(items);
}

// length is a time in its largest two units.
export function length(seconds) {
  const n = Math.max(1, Math.round(seconds));
  const [d, hour, m, s] = [Math.floor(n / 86400), Math.floor(n / 3600) % 24, Math.floor(n / 60) % 60, n % 60];
  const all = [[d, 'day'], [hour, 'hour'], [m, 'minute'], [s, 'second']];
  const first = all.findIndex(([k]) => k > 0);
  return list(all.slice(first, first + 2).filter(([k]) => k > 0).map(([k, unit]) => span(k, unit)));
}

// weekday is the name of a day, 0 = Sunday.
export function weekday(n) {
  return new Intl.DateTimeFormat(tag(), { weekday: 'long', timeZone: 'UTC' }).format(new Date(Date.UTC(2023, 0, 1 + n)));
}
