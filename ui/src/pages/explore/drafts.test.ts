import { expect, test } from 'vitest';
import { draftsOf, letter, urlOf } from './drafts';

test('drafts and URL hold the same', () => {
  const url = { q: ['up', 'rate(x[5m])'], off: [1] };
  const drafts = draftsOf(url, 7);
  expect(drafts).toEqual([
    { id: 7, text: 'up', on: true },
    { id: 8, text: 'rate(x[5m])', on: false },
  ]);
  expect(urlOf(drafts)).toEqual(url);
});

test('empty drafts are left out, and positions move up', () => {
  const drafts = [
    { id: 1, text: ' ', on: true },
    { id: 2, text: ' up ', on: false },
  ];
  expect(urlOf(drafts)).toEqual({ q: ['up'], off: [0] });
  expect(urlOf([])).toEqual({ q: [''], off: [] });
});

test('there is always one draft, and never more than can be told apart', () => {
  expect(draftsOf({ q: [], off: [] }, 1)).toHaveLength(1);
  expect(draftsOf({ q: Array(50).fill('up'), off: [] }, 1)).toHaveLength(8);
  expect(letter(0)).toBe('A');
});
