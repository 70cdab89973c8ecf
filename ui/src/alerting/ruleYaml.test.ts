import { expect, test } from 'vitest';
import { ruleYaml } from './ruleYaml';

const BASE = { health: 'ok', evaluationTime: 0, lastEvaluation: '' } as const;

test('an alerting rule as a file has it', () => {
  const text = ruleYaml({
    ...BASE,
    type: 'alerting',
    name: 'Slow',
    query: 'histogram_quantile(0.9, rate(x_bucket[5m])) > 2',
    duration: 300,
    keepFiringFor: 60,
    labels: { severity: 'page', on: 'yes' },
    annotations: { summary: '{{ $labels.job }}: "slow"\nvery' },
    state: 'inactive',
  });
  expect(text).toBe(`- alert: Slow
  expr: 'histogram_quantile(0.9, rate(x_bucket[5m])) > 2'
  for: 5m
  keep_firing_for: 1m
  labels:
    severity: page
    'on': 'yes'
  annotations:
    summary: "{{ $labels.job }}: \\"slow\\"\\nvery"`);
});

test('what a rule does not have is left out', () => {
  const rule = { ...BASE, type: 'recording', name: 'job:up:sum', query: 'sum by (job) (up)' } as const;
  expect(ruleYaml(rule)).toBe("- record: 'job:up:sum'\n  expr: sum by (job) (up)");
});
