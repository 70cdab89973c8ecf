import { expect, test } from 'vitest';
import { levelText, pollRate, syncText, withPoll } from './words';

test.each([
  ['always', /before it is acknowledged/],
  ['segment', /segment of it is full/],
  ['interval 1000ms', /every 1 s: a power cut/],
  ['interval 250ms', /every 250 ms/],
])('sync mode %s', (mode, text) => {
  expect(syncText(mode)).toMatch(text);
});

test('levels', () => {
  expect([0, 1, 3].map(levelText)).toEqual(['cut from memory', 'merged once', 'merged 3 times']);
});

test('the rate is that of the last minute', () => {
  const one = withPoll([], { atMs: 1000, samples: 100 });
  expect(pollRate(one)).toBeUndefined();
  const two = withPoll(one, { atMs: 6000, samples: 600 });
  expect(pollRate(two)).toBe(100);
  // The first poll is too old by now.
  expect(pollRate(withPoll(two, { atMs: 66_000, samples: 6600 }))).toBe(100);
  expect(withPoll(two, { atMs: 66_000, samples: 6600 })).toHaveLength(2);
  expect(pollRate(withPoll(two, { atMs: 7000, samples: 3 }))).toBeUndefined();
});
