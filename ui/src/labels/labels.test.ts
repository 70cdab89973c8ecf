import { expect, test } from 'vitest';
import { diffLabels } from './diff';
import { commonLabels, metricSelector, selector, withoutCommon } from './labels';

test.each([
  [{ __name__: 'up' }, 'up'],
  [{ __name__: 'up', job: 'node', instance: 'a:1' }, 'up{instance="a:1", job="node"}'],
  [{ job: 'a"b\\c\nd' }, '{job="a\\"b\\\\c\\nd"}'],
  [{ __name__: 'my.metric', 'a.b': 'c' }, '{"my.metric", "a.b"="c"}'],
  [{}, '{}'],
])('selector(%j)', (labels, want) => {
  expect(selector(labels as Record<string, string>)).toBe(want);
});

test('metric names that need quotes', () => {
  expect(metricSelector('up', 'job="a"')).toBe('up{job="a"}');
  expect(metricSelector('http.requests', 'job="a"')).toBe('{"http.requests", job="a"}');
});

test('common labels are those that all sets share', () => {
  const sets = [
    { __name__: 'cpu', job: 'node', mode: 'idle' },
    { __name__: 'cpu', job: 'node', mode: 'user' },
  ];
  expect(commonLabels(sets)).toEqual({ job: 'node' });
  expect(commonLabels(sets.slice(1))).toEqual({});
  expect(withoutCommon(sets[0] ?? {}, { job: 'node' })).toEqual({ __name__: 'cpu', mode: 'idle' });
});

test('relabelling is told per label', () => {
  const before = { __address__: 'a:1', job: 'node', env: 'prod', team: 'x' };
  const after = { job: 'node', env: 'production', instance: 'a:1' };
  expect(diffLabels(before, after).map((change) => `${change.name} ${change.fate}`)).toEqual([
    '__address__ dropped',
    'env changed',
    'instance added',
    'job kept',
    'team dropped',
  ]);
});
