import { plural } from '../format/value';
import { formatBound, type Range, relative } from './bound';
import { formatDuration } from './duration';
import { formatMomentShort, type Zone } from './zone';

export interface QuickRange {
  label: string;
  range: Range;
}

const last = (label: string, minutes: number): QuickRange => ({
  label: `Last ${label}`,
  range: { from: relative(-minutes * 60_000), to: relative(0) },
});

export const QUICK_RANGES: readonly QuickRange[] = [
  last('5 minutes', 5),
  last('15 minutes', 15),
  last('30 minutes', 30),
  last('1 hour', 60),
  last('3 hours', 180),
  last('6 hours', 360),
  last('12 hours', 720),
  last('24 hours', 1440),
  last('2 days', 2 * 1440),
  last('7 days', 7 * 1440),
  last('30 days', 30 * 1440),
  { label: 'Today', range: { from: relative(0, 'd'), to: relative(0) } },
  { label: 'Yesterday', range: { from: relative(-86_400_000, 'd'), to: relative(0, 'd') } },
];

const WORDS: readonly (readonly [name: string, ms: number])[] = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1000],
];

/** `11 minutes`; what is no whole number of one unit stays short: `1h30m`. */
function inWords(ms: number): string {
  const whole = WORDS.find(([, size]) => ms % size === 0 && ms / size < 100);
  return whole === undefined ? formatDuration(ms) : plural(ms / whole[1], whole[0]);
}

/** How a range is named on the button of the time bar. */
export function rangeLabel(range: Range, zone: Zone): string {
  const text = (r: Range) => `${formatBound(r.from)}|${formatBound(r.to)}`;
  const quick = QUICK_RANGES.find((q) => text(q.range) === text(range));
  if (quick !== undefined) return quick.label;
  const { from, to } = range;
  if (from.kind === 'relative' && from.round === undefined && from.offset < 0 && formatBound(to) === 'now') {
    return `Last ${inWords(-from.offset)}`;
  }
  const end = (bound: Range['from']) =>
    bound.kind === 'absolute' ? formatMomentShort(bound.ms, zone) : formatBound(bound);
  const [start, stop] = [end(from), end(to)];
  const sameDay = from.kind === 'absolute' && to.kind === 'absolute' && start.slice(0, 10) === stop.slice(0, 10);
  return `${start} to ${sameDay ? stop.slice(11) : stop}`;
}
