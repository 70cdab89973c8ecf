import { expect, test } from 'vitest';
import { nearestNames, wordFilter } from './matches';

test.each([
  ['node cpu', 'node_cpu_seconds_total', true],
  ['CPU node', 'node_cpu_seconds_total', true],
  ['', 'anything', true],
  ['node gpu', 'node_cpu_seconds_total', false],
])('filter %j on %s', (filter, text, want) => {
  expect(wordFilter(filter)(text)).toBe(want);
});

test('the nearest names come first, strangers not at all', () => {
  const known = ['node_cpu_seconds_total', 'node_memory_MemFree_bytes', 'up', 'node_cpu_guest_seconds_total'];
  expect(nearestNames('node_cpu_second_total', known, 2)).toEqual([
    'node_cpu_seconds_total',
    'node_cpu_guest_seconds_total',
  ]);
  expect(nearestNames('zzz', known, 3)).toEqual([]);
});
