import { expect, test } from 'vitest';
import { metricNames } from './names';
import { commonUnit, unitOfExpression } from './unit';

test.each([
  ['sum by (job) (rate(a_total{x="y"}[5m])) / b', ['a_total', 'b']],
  ['{__name__="x"}', []],
  ['a + a', ['a']],
  ['sum(', []],
])('metric names of %s', (expression, want) => {
  expect(metricNames(expression)).toEqual(want);
});

test.each([
  ['node_memory_MemFree_bytes', 'bytes'],
  ['rate(node_network_receive_bytes_total[5m])', 'bytes'],
  ['a_bytes / b_bytes', 'short'],
  ['a_bytes - b_seconds', 'short'],
  ['rate(node_cpu_seconds_total[5m])', 'short'],
  ['increase(node_cpu_seconds_total[5m])', 'seconds'],
  ['histogram_quantile(0.9, sum by (le) (rate(x_seconds_bucket[5m])))', 'seconds'],
  ['sum by (le) (rate(x_seconds_bucket[5m]))', 'short'],
  ['rate(x_seconds_sum[5m]) / rate(x_seconds_count[5m])', 'seconds'],
  ['count(a_bytes)', 'short'],
  ['up', 'short'],
  ['1 + 1', 'short'],
])('unit of %s', (expression, want) => {
  expect(unitOfExpression(expression)).toBe(want);
});

test('expressions with different units share plain numbers', () => {
  expect(commonUnit(['a_bytes', 'b_bytes'])).toBe('bytes');
  expect(commonUnit(['a_bytes', 'b_seconds'])).toBe('short');
  expect(commonUnit([])).toBe('short');
});
