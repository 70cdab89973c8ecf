import { expect, test } from 'vitest';
import type { RangeSeries } from '../api/query';
import { seriesOf, sparkOf } from './values';

function series(labels: Record<string, string>, points: readonly (readonly [number, number])[] = []): RangeSeries {
  return {
    labels,
    times: Float64Array.from(points, ([time]) => time),
    values: Float64Array.from(points, ([, value]) => value),
    histograms: 0,
  };
}

test('the series of an alert has its labels, but for the name and what the rule sets', () => {
  const alert = { alertname: 'Slow', instance: 'a', severity: 'page', region: 'eu' };
  const a = series({ __name__: 'latency', instance: 'a', severity: 'unknown' });
  const b = series({ __name__: 'latency', instance: 'b' });
  expect(seriesOf(alert, { severity: 'page' }, [b, a])).toBe(a);
  expect(seriesOf(alert, {}, [b, a])).toBeUndefined();
});

test('of several series that fit, the one with the most labels is meant', () => {
  const [all, own] = [series({}), series({ instance: 'a' })];
  expect(seriesOf({ instance: 'a' }, {}, [all, own])).toBe(own);
  expect(seriesOf({ instance: 'b' }, {}, [all, own])).toBe(all);
});

const SPAN = { start: 0, end: 100_000 };

test('values become a line between the lowest and the highest, with a gap where there are none', () => {
  const points = [
    [0, 1],
    [10, 3],
    [40, 2],
    [50, Number.NaN],
    [80, 1],
  ] as const;
  expect(sparkOf(series({}, points), SPAN, 10, undefined)).toEqual({
    path: 'M0 100L10 0M40 50h0M80 100h0',
    bound: undefined,
    lowest: 1,
    highest: 3,
  });
});

test('the bound is in the picture however far away it is', () => {
  const points = [
    [0, 0],
    [10, 1],
  ] as const;
  expect(sparkOf(series({}, points), SPAN, 10, 4)).toMatchObject({ path: 'M0 100L10 75', bound: 0, highest: 1 });
});

test('a value that never changes is a line in the middle, and no value is no line', () => {
  expect(
    sparkOf(
      series({}, [
        [0, 7],
        [10, 7],
      ]),
      SPAN,
      10,
      undefined,
    )?.path,
  ).toBe('M0 50L10 50');
  expect(sparkOf(series({}, [[0, Number.NaN]]), SPAN, 10, 1)).toBeUndefined();
});
