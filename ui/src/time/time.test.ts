import { describe, expect, test } from 'vitest';
import { formatBound, parseBound, type Range, resolveRange } from './bound';
import { formatAgo, formatDuration, formatSeconds, parseDuration } from './duration';
import { rangeLabel } from './quick';
import { alignSpan, parseStep, stepFor, tooFine } from './step';
import { parseTypedRange } from './typed';
import { parseMoment, startOf } from './zone';

/** Saturday, 21 November 2026, 09:30:05 UTC. */
const NOW = Date.UTC(2026, 10, 21, 9, 30, 5);
const HOUR = 3_600_000;

test.each([
  ['90s', 90_000],
  ['1h30m', 90 * 60_000],
  ['500ms', 500],
  ['1w', 7 * 24 * HOUR],
  ['', undefined],
  ['30m1h', undefined],
  ['1.5h', undefined],
  ['5', undefined],
  ['99999999999999999999y', undefined],
])('parseDuration(%j)', (text, want) => {
  expect(parseDuration(text)).toBe(want);
});

test.each([
  [0, '0s'],
  [90 * 60_000, '1h30m'],
  [7 * 24 * HOUR, '7d'],
  [1500, '1s500ms'],
])('formatDuration(%j)', (ms, want) => {
  expect(formatDuration(ms)).toBe(want);
  expect(parseDuration(want)).toBe(ms);
});

test.each([
  [0.00000012, '120 ns'],
  [0.0123, '12.3 ms'],
  [1.5, '1.50 s'],
  [90_061, '1d1h1m1s'],
])('formatSeconds(%j)', (seconds, want) => {
  expect(formatSeconds(seconds)).toBe(want);
});

test.each([
  [3000, '3 s ago'],
  [-4000, 'in 4 s'],
  [100, 'now'],
  [300_000, '5 min ago'],
  [5 * HOUR, '5 h ago'],
  [72 * HOUR, '3 days ago'],
])('formatAgo(%j)', (ms, want) => {
  expect(formatAgo(ms)).toBe(want);
});

describe('bounds', () => {
  test.each(['now', 'now-1h', 'now-1h30m', 'now+5m', 'now/d', 'now-1d/d', '1795000000000'])(
    '%s round trips',
    (text) => {
      const bound = parseBound(text);
      expect(bound && formatBound(bound)).toBe(text);
    },
  );

  test.each(['', 'tomorrow', 'now-', 'now-1x', 'now-1h/q', '-5', '1e9', '12345678901234567'])(
    '%j is refused',
    (text) => {
      expect(parseBound(text)).toBeUndefined();
    },
  );

  test('a reversed range shows the minute before its end', () => {
    const range = { from: { kind: 'absolute', ms: 5000 }, to: { kind: 'absolute', ms: 1000 } } satisfies Range;
    expect(resolveRange(range, NOW, 'utc')).toEqual({ start: -59_000, end: 1000 });
  });

  test('weeks start on Monday', () => {
    expect(new Date(startOf(NOW, 'w', 'utc')).toISOString()).toBe('2026-11-16T00:00:00.000Z');
  });
});

describe('typed ranges', () => {
  const check = (typed: string, want: string | undefined) =>
    test(JSON.stringify(typed), () => {
      const range = parseTypedRange(typed, NOW, 'utc');
      expect(range && `${formatBound(range.from)} ${formatBound(range.to)}`).toBe(want);
    });
  check('6h', 'now-6h now');
  check('last 90m', 'now-1h30m now');
  check('1h 30m', 'now-1h30m now');
  check('Last 5 minutes', 'now-5m now');
  check('2 days', 'now-2d now');
  check('Yesterday', 'now-1d/d now/d');
  check('now-2h to now-1h', 'now-2h now-1h');
  check('now-2h', 'now-2h now');
  check('2026-11-01 10:00 to 11:00', `${Date.UTC(2026, 10, 1, 10)} ${Date.UTC(2026, 10, 1, 11)}`);
  check('2026-11-01 10:00 to 2026-11-02 08:00:30', `${Date.UTC(2026, 10, 1, 10)} ${Date.UTC(2026, 10, 2, 8, 0, 30)}`);
  check('2026-11-01', `${Date.UTC(2026, 10, 1)} ${Date.UTC(2026, 10, 2)}`);
  check('2026-11-01 10:00', `${Date.UTC(2026, 10, 1, 10)} now`);
  check('2026-11-01 11:00 to 10:00', undefined);
  check('2026-02-31', undefined);
  check('soon', undefined);
  check('', undefined);
});

test('moments follow the zone unless they end in Z', () => {
  expect(parseMoment('2026-11-01T10:00:00.5Z', 'local')).toBe(Date.UTC(2026, 10, 1, 10, 0, 0, 500));
  expect(parseMoment('2026-11-01 10:61', 'utc')).toBeUndefined();
});

test('range labels', () => {
  const label = (from: string, to: string) => {
    const range = { from: parseBound(from), to: parseBound(to) };
    return rangeLabel(range as Range, 'utc');
  };
  expect(label('now-1h', 'now')).toBe('Last 1 hour');
  expect(label('now-50m', 'now')).toBe('Last 50 minutes');
  expect(label('now-90m', 'now')).toBe('Last 90 minutes');
  expect(label('now-3601s', 'now')).toBe('Last 1h1s');
  expect(label('now-2h', 'now-1h')).toBe('now-2h to now-1h');
  expect(label('1793527200000', '1793530800000')).toBe('2026-11-01 10:00 to 11:00');
  expect(label('1793527200000', 'now')).toBe('2026-11-01 10:00 to now');
});

describe('steps', () => {
  const span = (seconds: number) => ({ start: 0, end: seconds * 1000 });

  test.each([
    [60, 1],
    [900, 5],
    [3600, 10],
    [86_400, 300],
    [30 * 86_400, 7200],
    [20 * 365 * 86_400, 604_800 * 3],
  ])('auto over %j s', (seconds, want) => {
    expect(stepFor(span(seconds), 'auto')).toBe(want);
  });

  test('explicit steps', () => {
    expect(parseStep('15s')).toBe(15);
    expect(parseStep('0.5')).toBe(0.5);
    expect(parseStep('0')).toBeUndefined();
    expect(parseStep('fast')).toBeUndefined();
    expect(tooFine(span(86_400), 1)).toBe(8);
    expect(tooFine(span(3600), 1)).toBeUndefined();
  });

  test('both ends lie on the grid', () => {
    expect(alignSpan({ start: 12_345, end: 99_999 }, 10)).toEqual({ start: 10_000, end: 90_000 });
  });
});
