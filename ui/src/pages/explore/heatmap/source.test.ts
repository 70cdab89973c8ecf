import { expect, test } from 'vitest';
import { heatSource } from './source';

const series = (labels: Record<string, string>, histograms = 0) => ({
  labels,
  times: new Float64Array(),
  values: new Float64Array(),
  histograms,
});

test('bare buckets are asked for their growth, calculated ones are taken as they are', () => {
  const classic = [series({ le: '1' })];
  expect(heatSource(classic, 'x_bucket{a="b"}', 15)).toEqual({
    kind: 'growing',
    expression: 'sum by (le) (rate(x_bucket{a="b"}[1m]))',
    window: '1m',
  });
  expect(heatSource([series({}, 5)], 'x', 60)).toMatchObject({ expression: 'sum(rate(x[2m]))' });
  expect(heatSource(classic, 'sum by (le) (rate(x_bucket[5m]))', 15)).toEqual({ kind: 'classic' });
  expect(heatSource([series({}, 5)], 'sum(rate(x[5m]))', 15)).toEqual({ kind: 'native' });
  expect(heatSource([series({})], 'up', 15)).toEqual({ kind: 'none' });
});
