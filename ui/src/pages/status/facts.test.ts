import { expect, test } from 'vitest';
import { factName, factText } from './facts';

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
  ['', 'not set'],
  ['15d', '15d'],
  ['0001-01-01T00:00:00Z', 'never'],
  ['2026-11-21T09:00:00.4Z', '2026-11-21 09:00:00 (60 min ago)'],
  [{ a: 1 }, '{"a":1}'],
])('%j reads %s', (value, text) => {
  expect(factText(value, 'utc', NOW)).toBe(text);
});
