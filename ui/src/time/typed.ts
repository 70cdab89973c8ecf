import { absolute, type Bound, parseBound, type Range, relative, resolveBound } from './bound';
import { parseDuration } from './duration';
import { parseMoment, type Zone } from './zone';

const WORDS: Record<string, Range> = {
  today: { from: relative(0, 'd'), to: relative(0) },
  yesterday: { from: relative(-86_400_000, 'd'), to: relative(0, 'd') },
  'this week': { from: relative(0, 'w'), to: relative(0) },
  'last week': { from: relative(-7 * 86_400_000, 'w'), to: relative(0, 'w') },
};

/**
 * Reads what a person types into the range field: `6h`, `last 6h`, `yesterday`, `now-2h to now-1h`,
 * `2026-11-01 10:00 to 11:00`, `2026-11-01` (the whole day).
 */
export function parseTypedRange(text: string, now: number, zone: Zone): Range | undefined {
  const typed = text.trim().toLowerCase().replace(/\s+/g, ' ');
  const word = WORDS[typed];
  if (word !== undefined) return word;
  const distance = parseDuration(compactDuration(typed.replace(/^last /, '')));
  if (distance !== undefined && distance > 0) return { from: relative(-distance), to: relative(0) };
  const ends = splitEnds(typed);
  if (ends === undefined) return wholeDay(typed, zone);
  const from = parseEnd(ends[0], zone);
  const to = parseEnd(completeEnd(ends[0], ends[1]), zone);
  if (from === undefined || to === undefined) return undefined;
  return resolveBound(from, now, zone) < resolveBound(to, now, zone) ? { from, to } : undefined;
}

/** `5 minutes` and `1h 30m` as a duration is written in PromQL. */
function compactDuration(typed: string): string {
  return typed.replace(/ ?(s|m|h|d|w)(?:ec|in|our|ay|eek|econd|inute)?s?\b/g, '$1').replace(/ /g, '');
}

function splitEnds(typed: string): [string, string] | undefined {
  const parts = typed.split(/ (?:to|until|-|–|—) /);
  const [from, to] = parts;
  if (parts.length === 2 && from !== undefined && to !== undefined) return [from.replace(/^from /, ''), to];
  return parseBound(typed) !== undefined || parseMomentWithTime(typed) ? [typed, 'now'] : undefined;
}

const parseMomentWithTime = (typed: string) => /^\d{4}-\d\d-\d\d[t ]\d\d:/.test(typed);

/** `10:00 to 11:00` on one day: the second end may leave out the date. */
function completeEnd(from: string, to: string): string {
  const date = /^\d{4}-\d\d-\d\d/.exec(from);
  return date !== null && /^\d\d:\d\d/.test(to) ? `${date[0]} ${to}` : to;
}

function parseEnd(text: string, zone: Zone): Bound | undefined {
  const bound = parseBound(text);
  if (bound !== undefined) return bound;
  const ms = parseMoment(text.toUpperCase(), zone);
  return ms === undefined ? undefined : absolute(ms);
}

function wholeDay(typed: string, zone: Zone): Range | undefined {
  if (!/^\d{4}-\d\d-\d\d$/.test(typed)) return undefined;
  const start = parseMoment(typed, zone);
  return start === undefined ? undefined : { from: absolute(start), to: absolute(start + 86_400_000) };
}
