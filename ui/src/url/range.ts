import { type Bound, DEFAULT_RANGE, formatBound, parseBound } from '../time/bound';
import { formatDuration, parseDuration } from '../time/duration';
import { codec, written } from './codec';

/** Auto refresh in milliseconds; 0 is off. */
export const REFRESH_CHOICES = [0, 5000, 10_000, 30_000, 60_000, 300_000] as const;

const bound = (initial: Bound) => written(initial, parseBound, formatBound);

const refresh = written(
  0,
  (value) => {
    const ms = parseDuration(value);
    return ms !== undefined && ms >= 1000 ? ms : undefined;
  },
  (ms) => (ms === 0 ? 'off' : formatDuration(ms)),
);

/** The time range, which every page keeps when the user moves on. */
export const rangeCodec = codec({ from: bound(DEFAULT_RANGE.from), to: bound(DEFAULT_RANGE.to), refresh });
