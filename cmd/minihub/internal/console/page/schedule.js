// A cron line in words.
import { t, span, list, weekday } from './text.js';

const units = { s: 'second', m: 'minute', h: 'hour' };
const whole = (part) => /^\d+$/.test(part);
const step = (part) => part.match(/^\*\/(\d+)$/)?.[1];
const two = (n) => String(n).padStart(2, '0');

function days(part) {
  const names = { SUN: 0, MON: 1, TUE: 2, WED: 3, THU: 4, FRI: 5, SAT: 6 };
  const out = [];
  for (const one of part.toUpperCase().split(',')) {
    const [from, to = from] = one.split('-').map((d) => names[d] ?? Number(d));
    if (!Number.isInteger(from) || !Number.isInteger(to)) return null;
    for (let d = from; d <= to; d++) out.push(weekday(d % 7));
  }
  return list(out);
}

// inWords says a schedule of six fields or @every in the language; null = it has no short
// form, and the line itself is shown.
export function inWords(spec) {
  const every = spec.match(/^@every (?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/);
  if (every && (every[1] || every[2] || every[3])) {
    return t('schedule.every', { span: list([every[1] && span(Number(every[1]), units.h), every[2] && span(Number(every[2]), units.m), every[3] && span(Number(every[3]), units.s)].filter(Boolean)) });
  }
  const f = spec.split(/\s+/);
  if (f.length !== 6) return null;
  const [sec, min, hour, day, month, week] = f;
  if (month !== '*') return null;
  const anyDay = ['*', '?'].includes(day) && ['*', '?'].includes(week);
  if (anyDay && hour === '*' && min === '*' && step(sec)) return t('schedule.every', { span: span(Number(step(sec)), units.s) });
  if (!whole(sec)) return null;
  if (anyDay && hour === '*' && (step(min) || min === '*')) return t('schedule.every', { span: span(Number(step(min) || 1), units.m) });
  if (anyDay && whole(min) && (step(hour) || hour === '*')) return t('schedule.hourly', { span: span(Number(step(hour) || 1), units.h), minute: two(min) });
  if (!whole(min) || !whole(hour)) return null;
  const at = two(hour) + ':' + two(min) + (Number(sec) ? ':' + two(sec) : '');
  if (anyDay) return t('schedule.daily', { at });
  if (['*', '?'].includes(day)) {
    const names = days(week);
    return names && t('schedule.weekly', { at, days: names });
  }
  return whole(day) && ['*', '?'].includes(week) ? t('schedule.monthly', { at, n: Number(day) }) : null;
}
