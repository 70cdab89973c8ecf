import { expect, test } from 'vitest';
import { heightOf, linesOf } from './lines';

const GROUPS = [
  { key: 'a', rows: ['one', 'two'], head: () => ({ name: 'A', note: '' }) },
  { key: 'b', rows: ['one'], head: () => ({ name: 'B', note: '' }) },
];
const keyOf = (row: string) => row;
const errorOf = (row: string) => (row === 'two' ? { error: 'refused' } : undefined);
const keys = (folded: readonly string[]) => linesOf(GROUPS, new Set(folded), keyOf, errorOf).map(({ key }) => key);

test('rows stand below their group, and what made one fail below that row', () => {
  expect(keys([])).toEqual(['group a', 'a one', 'a two', 'a two error', 'group b', 'b one']);
  expect(keys(['a'])).toEqual(['group a', 'group b', 'b one']);
  expect(linesOf([{ key: '', rows: ['one'] }], new Set(), keyOf).map(({ kind }) => kind)).toEqual(['row']);
});

test('the height of a list is that of its lines', () => {
  const lines = linesOf(GROUPS, new Set(), keyOf, errorOf);
  const height = (tall: boolean) => lines.reduce((sum, line) => sum + heightOf(line, tall), 0);
  expect(height(true) - height(false)).toBe(3 * 16);
});
