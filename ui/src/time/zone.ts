import dayjs, { type Dayjs } from 'dayjs';
import utc from 'dayjs/plugin/utc';
import type { RoundUnit } from './bound';

dayjs.extend(utc);

/** The clock on which times are shown and typed: the browser's, or UTC. */
export type Zone = 'local' | 'utc';

export function inZone(ms: number, zone: Zone): Dayjs {
  return zone === 'utc' ? dayjs.utc(ms) : dayjs(ms);
}

/** The start of the hour, the day, or the week (Monday) that `ms` lies in. */
export function startOf(ms: number, unit: RoundUnit, zone: Zone): number {
  const moment = inZone(ms, zone);
  if (unit === 'h') return moment.startOf('hour').valueOf();
  const midnight = moment.startOf('day');
  if (unit === 'd') return midnight.valueOf();
  return midnight.subtract((midnight.day() + 6) % 7, 'day').valueOf();
}

/** `2026-11-21 09:30:05`, with milliseconds only where there are any. */
export function formatMoment(ms: number, zone: Zone): string {
  return inZone(ms, zone).format(ms % 1000 === 0 ? 'YYYY-MM-DD HH:mm:ss' : 'YYYY-MM-DD HH:mm:ss.SSS');
}

/** As short as the neighbour on the same clock allows: leaves out seconds that are zero. */
export function formatMomentShort(ms: number, zone: Zone): string {
  return inZone(ms, zone).format(ms % 60_000 === 0 ? 'YYYY-MM-DD HH:mm' : 'YYYY-MM-DD HH:mm:ss');
}

/** `09:30:05` on the day of `now`, otherwise with the day: for columns of times that are mostly of today. */
export function formatClock(ms: number, now: number, zone: Zone): string {
  const today = startOf(now, 'd', zone) === startOf(ms, 'd', zone);
  return inZone(ms, zone).format(today ? 'HH:mm:ss' : 'YYYY-MM-DD HH:mm:ss');
}

/** Reads `2026-11-01`, `2026-11-01 10:00`, `2026-11-01T10:00:30`, with `Z` for UTC whatever the chosen zone is. */
export function parseMoment(text: string, zone: Zone): number | undefined {
  const match = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,3}))?)?)?(Z)?$/.exec(text.trim());
  if (match === null) return undefined;
  const [, y, mo, d, h = '0', mi = '0', s = '0', fraction = '0', z] = match;
  const parts = [Number(y), Number(mo) - 1, Number(d), Number(h), Number(mi), Number(s)] as const;
  const ms = Number(fraction.padEnd(3, '0'));
  const date = z !== undefined || zone === 'utc' ? new Date(Date.UTC(...parts, ms)) : new Date(...parts, ms);
  const [month, day, hour, minute, second] =
    z !== undefined || zone === 'utc'
      ? [date.getUTCMonth(), date.getUTCDate(), date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()]
      : [date.getMonth(), date.getDate(), date.getHours(), date.getMinutes(), date.getSeconds()];
  // `Date` rolls 31 February over to March; a person who typed it made a mistake.
  const same = month === parts[1] && day === parts[2] && minute === parts[4] && second === parts[5];
  return same && (hour === parts[3] || zone === 'local') ? date.getTime() : undefined;
}
