import { formatDuration, parseDuration } from './duration';
import { startOf, type Zone } from './zone';

/** One end of a time range: a moment, or a distance from now that moves on with the clock. */
export type Bound =
  | { kind: 'absolute'; ms: number }
  | {
      kind: 'relative';
      /** Milliseconds from now; negative in the past. */
      offset: number;
      /** Go back to the start of this unit afterwards: `now/d` is midnight. */
      round?: RoundUnit;
    };

export type RoundUnit = 'h' | 'd' | 'w';

/** A range as the user chose it. */
export interface Range {
  from: Bound;
  to: Bound;
}

/** A range on the clock, in milliseconds since 1970. */
export interface Span {
  start: number;
  end: number;
}

export const DEFAULT_RANGE: Range = { from: relative(-3_600_000), to: relative(0) };

export function relative(offset: number, round?: RoundUnit): Bound {
  return round === undefined ? { kind: 'relative', offset } : { kind: 'relative', offset, round };
}

export function absolute(ms: number): Bound {
  return { kind: 'absolute', ms: Math.round(ms) };
}

/** Reads `now`, `now-1h30m`, `now-1d/d` or milliseconds since 1970. */
export function parseBound(text: string): Bound | undefined {
  if (/^\d{1,15}$/.test(text)) return absolute(Number(text));
  const match = /^now(?:([+-])([0-9a-z]+))?(?:\/([hdw]))?$/.exec(text);
  if (match === null) return undefined;
  const [, sign, distance, round] = match;
  const size = distance === undefined ? 0 : parseDuration(distance);
  if (size === undefined) return undefined;
  return relative(sign === '-' ? -size : size, round as RoundUnit | undefined);
}

export function formatBound(bound: Bound): string {
  if (bound.kind === 'absolute') return String(bound.ms);
  const distance = bound.offset === 0 ? '' : `${bound.offset < 0 ? '-' : '+'}${formatDuration(Math.abs(bound.offset))}`;
  return `now${distance}${bound.round === undefined ? '' : `/${bound.round}`}`;
}

export function resolveBound(bound: Bound, now: number, zone: Zone): number {
  if (bound.kind === 'absolute') return bound.ms;
  const ms = now + bound.offset;
  return bound.round === undefined ? ms : startOf(ms, bound.round, zone);
}

/** The range on the clock. A range that is empty or reversed is shown as the minute before its end. */
export function resolveRange(range: Range, now: number, zone: Zone): Span {
  const end = resolveBound(range.to, now, zone);
  const start = resolveBound(range.from, now, zone);
  return start < end ? { start, end } : { start: end - 60_000, end };
}

/** Whether the range moves with the clock. */
export function isLive(range: Range): boolean {
  return range.to.kind === 'relative' && range.to.offset === 0 && range.to.round === undefined;
}
