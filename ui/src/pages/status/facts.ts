import { formatCount, formatValue } from '../../format/value';
import { formatAgo } from '../../time/duration';
import { formatMoment, type Zone } from '../../time/zone';

/** Names that the API is known to use, in words. Others are shown as they come, so nothing is hidden. */
const WORDS: Record<string, string> = {
  goVersion: 'Go version',
  rustVersion: 'Rust version',
  buildUser: 'Built by',
  buildDate: 'Built on',
  CWD: 'Working directory',
  reloadConfigSuccess: 'Last reload worked',
  lastConfigTime: 'Configuration loaded',
  GOMAXPROCS: 'Processors used',
  corruptionCount: 'Damaged places found',
  damagedFiles: 'Damaged files kept',
  clockJumps: 'Jumps of the clock',
  lastClockJump: 'Last jump of the clock',
  lastClockJumpSeconds: 'Seconds it jumped',
  unsupported: 'Not supported, and ignored',
  GOMEMLIMIT: 'Memory limit (GOMEMLIMIT)',
  GOGC: 'Garbage collection (GOGC)',
  GODEBUG: 'Debugging (GODEBUG)',
};

/** `storageRetention` becomes "Storage retention". */
export function factName(key: string): string {
  const known = WORDS[key];
  if (known !== undefined) return known;
  const words = key
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/_/g, ' ')
    .toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Facts about Go's runtime; a server that is not written in Go leaves them empty and only has them for old clients. */
const OF_GO = ['goroutineCount', 'GOMEMLIMIT', 'GOGC', 'GODEBUG'];

/** Whether there is anything to tell: what the server leaves empty is no fact. */
export function isFact(key: string, value: unknown): boolean {
  if (OF_GO.includes(key)) return value !== 0 && value !== '';
  if (key === 'goVersion' && value === 'none') return false;
  if (key === 'lastClockJumpSeconds') return value !== 0;
  return value !== '' && value !== null && !(Array.isArray(value) && value.length === 0);
}

/** A value of the runtime information as people read it. */
export function factText(value: unknown, zone: Zone, now: number): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'number') return formatCount(value);
  if (Array.isArray(value)) return value.map(String).join(', ');
  if (typeof value !== 'string') return String(value);
  if (/^\d{4}-\d\d-\d\dT/.test(value)) {
    const ms = Date.parse(value);
    // The server writes the year 1 for "never".
    if (Number.isNaN(ms) || ms <= 0) return 'never';
    return `${formatMoment(Math.round(ms / 1000) * 1000, zone)} (${formatAgo(now - ms)})`;
  }
  return value;
}

/** What there is to tell, by names and texts. What is known of one thing, such as memory, has a row for each part. */
export function factsOf(record: Readonly<Record<string, unknown>>, zone: Zone, now: number): [string, string][] {
  return Object.entries(record)
    .filter(([key, value]) => isFact(key, value))
    .flatMap(([key, value]): [string, string][] => {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) {
        return [[factName(key), factText(value, zone, now)]];
      }
      return Object.entries(value).map(([part, text]) => factPart(factName(key), part, text, zone, now));
    });
}

/** `Memory: limit`, `18.83 GiB`: one of several things that are known of `whole`. */
function factPart(whole: string, key: string, value: unknown, zone: Zone, now: number): [string, string] {
  const size = /^(.+)Bytes$/.exec(key)?.[1];
  const text =
    size !== undefined && typeof value === 'number' ? formatValue(value, 'bytes') : factText(value, zone, now);
  // A state is a word for programs, such as `no_new_queries`.
  return [`${whole}: ${factName(size ?? key).toLowerCase()}`, key === 'state' ? text.replaceAll('_', ' ') : text];
}
