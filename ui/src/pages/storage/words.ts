import { formatValue } from '../../format/value';
import { parseDuration } from '../../time/duration';

/** What a crash or a power cut may cost with the way the log is synced. */
export function syncText(mode: string): string {
  if (mode === 'always') return 'Every batch is on the disk before it is acknowledged.';
  if (mode === 'segment')
    return 'The log is synced when a segment of it is full: a power cut may cost what came since.';
  const every = parseDuration(mode.replace(/^interval /, ''));
  if (every === undefined) return `The log is synced: ${mode}.`;
  return `The log is synced every ${formatValue(every / 1000, 'seconds')}: a power cut may cost that much, a crash of the program nothing.`;
}

/** The level of a part in words. */
export function levelText(level: number): string {
  if (level === 0) return 'cut from memory';
  return level === 1 ? 'merged once' : `merged ${level} times`;
}

export interface Poll {
  atMs: number;
  samples: number;
}

/** Polls that are older tell nothing about now. */
const RATE_OVER_MS = 60_000;

/** The polls that count with one more. A count that fell is that of a server that was started again. */
export function withPoll(polls: readonly Poll[], poll: Poll): Poll[] {
  const last = polls.at(-1);
  if (last !== undefined && last.samples > poll.samples) return [poll];
  return [...polls.filter(({ atMs }) => atMs >= poll.atMs - RATE_OVER_MS && atMs < poll.atMs), poll];
}

/** Samples per second over the polls; undefined while there is only one. */
export function pollRate(polls: readonly Poll[]): number | undefined {
  const [first, last] = [polls[0], polls.at(-1)];
  if (first === undefined || last === undefined || first === last) return undefined;
  return ((last.samples - first.samples) * 1000) / (last.atMs - first.atMs);
}
