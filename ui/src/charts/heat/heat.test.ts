import { expect, test } from 'vitest';
import { classicHeat, intensity, MOST_ROWS, nativeHeat } from './heat';

const SPAN = { start: 0, end: 20_000 };
const bucket = (le: string, values: number[], job = 'a') => ({
  labels: { le, job },
  times: Float64Array.from(values, (_, i) => i * 10),
  values: Float64Array.from(values),
});

test('buckets of classic histograms are told apart and summed over series', () => {
  const heat = classicHeat(
    [
      bucket('+Inf', [10, Number.NaN, 6]),
      bucket('0.5', [4, Number.NaN, 7]),
      bucket('1', [6, Number.NaN, 6]),
      bucket('0.5', [1], 'b'),
      bucket('1', [1], 'b'),
      bucket('+Inf', [1], 'b'),
      { ...bucket('x', [9]) },
    ],
    SPAN,
    10,
  );
  expect(heat.bounds).toEqual([0, 0.5, 1, Number.POSITIVE_INFINITY]);
  // At the third time the larger bucket lags behind: no cell is negative.
  expect(heat.rows.map((row) => [...row])).toEqual([
    [5, 0, 7],
    [2, 0, 0],
    [4, 0, 0],
  ]);
  expect(heat.known).toEqual([true, false, true]);
  expect(heat.max).toBe(7);
});

test('bounds below zero leave the lowest bucket open', () => {
  expect(classicHeat([bucket('-1', [1]), bucket('+Inf', [2])], SPAN, 10).bounds[0]).toBe(Number.NEGATIVE_INFINITY);
});

test('native histograms of different resolution share their rows', () => {
  const histogram = (buckets: [number, number, number][]) => ({ count: 1, sum: 1, buckets });
  const heat = nativeHeat(
    [
      { time: 0, histogram: histogram([[1, 2, 4]]) },
      { time: 10, histogram: histogram([[1, 4, 6]]) },
      { time: 99, histogram: histogram([[1, 2, 9]]) },
    ],
    SPAN,
    10,
  );
  expect(heat.bounds).toEqual([1, 2, 4]);
  expect(heat.rows.map((row) => [...row])).toEqual([
    [4, 2, 0],
    [0, 4, 0],
  ]);
  expect(heat.known).toEqual([true, true, false]);
});

test('many thin buckets are put together without losing observations', () => {
  const buckets = Array.from({ length: 200 }, (_, i) => [i, i + 1, 1] as [number, number, number]);
  const heat = nativeHeat([{ time: 0, histogram: { count: 200, sum: 1, buckets } }], SPAN, 10);
  expect(heat.rows.length).toBeLessThanOrEqual(MOST_ROWS);
  expect(heat.rows.reduce((sum, row) => sum + (row[0] ?? 0), 0)).toBeCloseTo(200);
  expect(heat.bounds.at(-1)).toBe(200);
});

test('colour follows the root of the count', () => {
  expect(intensity(0, 4)).toBe(0);
  expect(intensity(1, 4)).toBe(0.5);
  expect(intensity(4, 4)).toBe(1);
  expect(intensity(1, 0)).toBe(0);
});
