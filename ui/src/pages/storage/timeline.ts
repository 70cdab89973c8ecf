import type { StoragePart } from '../../api/storage';
import type { Span } from '../../time/bound';
import { inZone, type Zone } from '../../time/zone';

/** Parts that do not overlap each other, on one line. */
export interface Lane {
  level: number;
  parts: StoragePart[];
}

/** Levels from the newest parts to the oldest; parts of a level that overlap get lines of their own. */
export function lanes(parts: readonly StoragePart[]): Lane[] {
  const all: Lane[] = [];
  const inOrder = parts.toSorted((a, b) => a.level - b.level || a.minTime - b.minTime || a.id - b.id);
  for (const part of inOrder) {
    const fits = (lane: Lane) => lane.level === part.level && (lane.parts.at(-1)?.maxTime ?? 0) < part.minTime;
    const lane = all.find(fits);
    if (lane === undefined) all.push({ level: part.level, parts: [part] });
    else lane.parts.push(part);
  }
  return all;
}

/** From the oldest sample on disk or in memory to the newest; undefined without any. */
export function storedSpan(parts: readonly StoragePart[], head: { minTime: number | null; maxTime: number | null }) {
  const starts = parts.map(({ minTime }) => minTime);
  const ends = parts.map(({ maxTime }) => maxTime);
  if (head.minTime !== null) starts.push(head.minTime);
  if (head.maxTime !== null) ends.push(head.maxTime);
  const start = starts.reduce((least, time) => Math.min(least, time), Number.POSITIVE_INFINITY);
  const end = ends.reduce((most, time) => Math.max(most, time), Number.NEGATIVE_INFINITY);
  return start <= end ? { start, end: Math.max(end, start + 1) } : undefined;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEPS = [
  MINUTE,
  5 * MINUTE,
  15 * MINUTE,
  30 * MINUTE,
  HOUR,
  2 * HOUR,
  6 * HOUR,
  12 * HOUR,
  DAY,
  2 * DAY,
  7 * DAY,
];
const MOST_MARKS = 8;
/** A mark nearer to the end than this part of the span would have no room for its text. */
const TEXT_SHARE = 0.07;

export interface Mark {
  time: number;
  text: string;
}

/** Round moments in the span, a few of them. */
export function timeMarks({ start, end }: Span, zone: Zone): Mark[] {
  const step =
    STEPS.find((size) => (end - start) / size <= MOST_MARKS) ?? Math.ceil((end - start) / MOST_MARKS / DAY) * DAY;
  const offset = inZone(start, zone).utcOffset() * MINUTE;
  const marks: Mark[] = [];
  const last = end - (end - start) * TEXT_SHARE;
  for (let time = Math.ceil((start + offset) / step) * step - offset; time <= last; time += step) {
    const moment = inZone(time, zone);
    const midnight = moment.hour() === 0 && moment.minute() === 0;
    marks.push({ time, text: moment.format(midnight ? 'MMM D' : 'HH:mm') });
  }
  return marks;
}
