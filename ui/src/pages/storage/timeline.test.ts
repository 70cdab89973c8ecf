import { expect, test } from 'vitest';
import type { StoragePart } from '../../api/storage';
import { lanes, storedSpan } from './timeline';

function part(id: number, level: number, minTime: number, maxTime: number): StoragePart {
  return {
    id,
    level,
    minTime,
    maxTime,
    bytes: 10,
    samples: 10,
    series: 1,
    chunks: 1,
    bytesPerSample: 1,
    memoryBytes: 1,
    deletedIntervals: 0,
    sources: [],
  };
}

test('parts of a level share a line unless they overlap', () => {
  const parts = [part(1, 1, 0, 9), part(2, 0, 10, 14), part(3, 0, 15, 19), part(4, 0, 12, 17)];
  expect(lanes(parts).map(({ level, parts: own }) => [level, own.map(({ id }) => id)])).toEqual([
    [0, [2, 3]],
    [0, [4]],
    [1, [1]],
  ]);
});

test('the span has what is on disk and in memory', () => {
  expect(storedSpan([], { minTime: null, maxTime: null })).toBeUndefined();
  expect(storedSpan([part(1, 0, 5, 9)], { minTime: 7, maxTime: 20 })).toEqual({ start: 5, end: 20 });
  // A single sample has no width, and still has to be drawn.
  expect(storedSpan([part(1, 0, 5, 5)], { minTime: null, maxTime: null })).toEqual({ start: 5, end: 6 });
});
