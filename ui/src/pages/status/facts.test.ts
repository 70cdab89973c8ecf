import { expect, test } from 'vitest';
import { factName, factsOf, factText, isFact } from './facts';

test.each([
  ['storageRetention', 'Storage retention'],
  ['GOGC', 'Garbage collection (GOGC)'],
  ['some_new_thing', 'Some new thing'],
])('%s is called %s', (key, name) => {
  expect(factName(key)).toBe(name);
});

const NOW = Date.UTC(2026, 10, 21, 10);

test.each([
  [true, 'yes'],
  [12345, '12,345'],
  ['15d', '15d'],
  ['0001-01-01T00:00:00Z', 'never'],
  ['2026-11-21T09:00:00.4Z', '2026-11-21 09:00:00 (60 min ago)'],
  [['a', 'b'], 'a, b'],
])('%j reads %s', (value, text) => {
  expect(factText(value, 'utc', NOW)).toBe(text);
});

test('what only old clients need is left out while it is empty', () => {
  expect(isFact('goroutineCount', 0)).toBe(false);
  expect(isFact('goroutineCount', 43)).toBe(true);
  expect(isFact('corruptionCount', 0)).toBe(true);
  expect(isFact('unsupported', [])).toBe(false);
  expect(isFact('branch', '')).toBe(false);
  expect(isFact('goVersion', 'none')).toBe(false);
  expect(isFact('lastClockJumpSeconds', 0)).toBe(false);
  expect(isFact('lastClockJumpSeconds', -45.5)).toBe(true);
});

test('what is known of one thing has a row for each part', () => {
  const record = {
    hostname: 'a_b',
    GOGC: '',
    memory: { limitBytes: 2048, queriesRefused: 3, state: 'no_new_queries' },
    unsupported: ['a', 'b'],
  };
  expect(factsOf(record, 'utc', NOW)).toEqual([
    ['Hostname', 'a_b'],
    ['Memory: limit', '2 KiB'],
    ['Memory: queries refused', '3'],
    ['Memory: state', 'no new queries'],
    ['Not supported, and ignored', 'a, b'],
  ]);
});
