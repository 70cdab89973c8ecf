import { expect, test } from 'vitest';
import { looksLikeExpression, searchNames } from './found';

test.each([
  ['rate(x[5m])', true],
  ['up{job="node"}', true],
  ['a / b', true],
  ['up == 0', true],
  ['a and b', true],
  ['node', false],
  ['cpu seconds', false],
  ['my-service', false],
])('%s is an expression: %s', (text, want) => {
  expect(looksLikeExpression(text)).toBe(want);
});

test('names that begin with the text come first', () => {
  const names = ['http_node_requests', 'node_cpu_seconds_total', 'node_up', 'up'];
  expect(searchNames(names, 'node', 2)).toEqual(['node_up', 'node_cpu_seconds_total']);
  expect(searchNames(names, 'seconds node', 5)).toEqual(['node_cpu_seconds_total']);
  expect(searchNames(names, ' ', 5)).toEqual([]);
  expect(searchNames(['node_Percpu_bytes', 'node_cpu_seconds_total'], 'node cpu', 1)).toEqual([
    'node_cpu_seconds_total',
  ]);
});
