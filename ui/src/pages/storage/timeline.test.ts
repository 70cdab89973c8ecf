import { expect, test } from 'vitest';
import type { StoragePart } from '../../api/storage';
import { lanes, storedSpan, timeMarks } from './timeline';

const HOUR = 3_600_000;

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

test.each([
  [3 * HOUR, ['10:00', '10:30', '11:00', '11:30', '12:00', '12:30']],
  [20 * HOUR, ['12:00', '18:00', 'Nov 22']],
])('marks over %i ms', (width, texts) => {
  const start = Date.UTC(2026, 10, 21, 10);
  expect(timeMarks({ start, end: start + width }, 'utc').map(({ text }) => text)).toEqual(texts);
});

test('however long the span, there are few marks', () => {
  const start = Date.UTC(2020, 0, 1);
  const count = timeMarks({ start, end: start + 5 * 365 * 24 * HOUR }, 'utc').length;
  expect(count).toBeGreaterThan(2);
  expect(count).toBeLessThan(10);
});
