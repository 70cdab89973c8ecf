/** The units of PromQL durations, largest first, in milliseconds. */
const UNITS: readonly [unit: string, ms: number][] = [
  ['y', 365 * 86_400_000],
  ['w', 7 * 86_400_000],
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
];

const FORM = /^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/;

/** Reads `90s`, `1h30m`, `500ms`: whole numbers with units in falling order, as in PromQL. */
export function parseDuration(text: string): number | undefined {
  const match = FORM.exec(text.trim());
  if (match === null || match[0] === '') return undefined;
  const total = UNITS.reduce((sum, [, ms], i) => sum + Number(match[i + 1] ?? 0) * ms, 0);
  return Number.isSafeInteger(total) ? total : undefined;
}

/** Writes a duration with as few parts as possible without losing any: `1h30m`, `7d`. Weeks and years stay days. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s';
  let rest = Math.round(Math.abs(ms));
  let text = ms < 0 ? '-' : '';
  for (const [unit, size] of UNITS.slice(2)) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) text += `${count}${unit}`;
  }
  return text;
}

/** A measured duration in seconds, for people: three digits and one unit, `1.25 s`, `830 ms`, `12.0 µs`. */
export function formatSeconds(seconds: number): string {
  const size = Math.abs(seconds);
  if (size === 0) return '0 s';
  if (!Number.isFinite(size)) return String(seconds);
  if (size >= 120) return formatDuration(Math.round(seconds) * 1000);
  for (const [unit, factor] of [
    ['s', 1],
    ['ms', 1e3],
    ['µs', 1e6],
  ] as const) {
    if (size * factor >= 1) return `${digits(seconds * factor)} ${unit}`;
  }
  return `${digits(seconds * 1e9)} ns`;
}

function digits(value: number): string {
  return Math.abs(value) >= 1000 ? value.toFixed(0) : value.toPrecision(3);
}

/** How long ago something happened: `3 s ago`, `5 min ago`; `in 4 s` for what is yet to come. */
export function formatAgo(ms: number): string {
  const size = Math.abs(ms);
  const text = spoken(size);
  if (size < 500) return 'now';
  return ms > 0 ? `${text} ago` : `in ${text}`;
}

/** How long ago a moment was. It is not yet to come, though the server's clock may be ahead. */
export function formatSince(moment: number, now: number): string {
  return formatAgo(Math.max(0, now - moment));
}

/** How soon a moment comes, or `now` if it should have come. */
export function formatUntil(moment: number, now: number): string {
  return formatAgo(Math.min(0, now - moment));
}

function spoken(ms: number): string {
  if (ms < 119_500) return `${Math.round(ms / 1000)} s`;
  if (ms < 2 * 3_600_000) return `${Math.round(ms / 60_000)} min`;
  if (ms < 2 * 86_400_000) return `${Math.round(ms / 3_600_000)} h`;
  return `${Math.round(ms / 86_400_000)} days`;
}
