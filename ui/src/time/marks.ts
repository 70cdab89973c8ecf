import type { Span } from './bound';
import { inZone, type Zone } from './zone';

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
