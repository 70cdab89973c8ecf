import { expect, test } from 'vitest';
import type { AlertingRule, RuleGroup } from '../api/alerting';
import type { Ast } from '../api/ast';
import { comparisonOf, fileName, ruleBehind, ruleState, rulesAsking, rulesNamed } from './rules';

const number = (val: string): Ast => ({ type: 'numberLiteral', val });
const call: Ast = { type: 'call', func: { name: 'time', returnType: 'scalar' }, args: [] };
const compare = (op: string, rhs: Ast, bool = false): Ast => ({
  type: 'binaryExpr',
  op,
  lhs: call,
  rhs,
  matching: null,
  bool,
});

test('a comparison with a number is told', () => {
  expect(comparisonOf(compare('>', number('0.5')))).toEqual({ measured: call, op: '>', bound: 0.5 });
  const negative: Ast = { type: 'parenExpr', expr: { type: 'unaryExpr', op: '-', expr: number('2') } };
  expect(comparisonOf({ type: 'parenExpr', expr: compare('<=', negative) })?.bound).toBe(-2);
});

test.each([
  ['with another series', compare('>', call)],
  ['that answers with 0 and 1', compare('>', number('1'), true)],
  ['that is a calculation', compare('*', number('1'))],
  ['with infinity', compare('>', number('Inf'))],
  ['that is none', call],
])('a comparison %s has no bound to move', (_, ast) => {
  expect(comparisonOf(ast)).toBeUndefined();
});

const rule: AlertingRule = {
  type: 'alerting',
  name: 'A',
  query: 'up == 0',
  duration: 60,
  health: 'ok',
  evaluationTime: 0.01,
  lastEvaluation: '2026-11-26T10:00:00Z',
  state: 'firing',
};

test('rules of a name are told apart by file and group', () => {
  const group = (file: string, name: string): RuleGroup => ({
    file,
    name,
    interval: 30,
    rules: [rule, { ...rule, name: 'B' }],
    evaluationTime: 0,
    lastEvaluation: '',
  });
  const groups = [group('/etc/a.yml', 'x'), group('/etc/b.yml', 'x'), group('/etc/b.yml', 'y')];
  expect(rulesNamed(groups, 'A', '', '')).toHaveLength(3);
  expect(rulesNamed(groups, 'A', '/etc/b.yml', 'y').map(({ group: { name } }) => name)).toEqual(['y']);
  expect(fileName('/etc/a.yml')).toBe('a.yml');
});

test('a rule that cannot be evaluated is failing, whatever its alerts do', () => {
  expect(ruleState(rule)).toBe('firing');
  expect(ruleState({ ...rule, health: 'err' })).toBe('failing');
  expect(ruleState({ ...rule, state: 'unknown' })).toBe('inactive');
});

test('rules are found by the metrics that they ask for', () => {
  const group = { file: 'f', name: 'g', interval: 30, evaluationTime: 0, lastEvaluation: '' };
  const rules = [
    { ...rule, name: 'A', query: 'rate(http_requests_total{code="500"}[5m]) > 1' },
    { ...rule, name: 'B', query: 'my_http_requests_total == 0' },
    { ...rule, name: 'C', query: 'job:up:sum / up' },
  ];
  const names = (...metrics: string[]) =>
    rulesAsking([{ ...group, rules }], new Set(metrics)).map(({ rule: { name } }) => name);
  expect(names('http_requests_total')).toEqual(['A']);
  expect(names('up', 'my_http_requests_total')).toEqual(['B', 'C']);
  expect(names('requests')).toEqual([]);
});

test('of rules that share a name, the one behind an alert has the labels that the alert has', () => {
  const group = (labels: AlertingRule['labels']): RuleGroup => ({
    file: 'f.yml',
    name: 'g',
    interval: 30,
    rules: [{ ...rule, ...(labels && { labels }) }],
    evaluationTime: 0,
    lastEvaluation: '',
  });
  const groups = [group({ severity: 'page' }), group({ severity: 'warn', host: '{{ $labels.instance }}' })];
  const behind = (labels: Record<string, string>) => ruleBehind(labels, groups)?.group;
  expect(behind({ alertname: 'A', severity: 'warn', host: 'a' })).toBe(groups[1]);
  expect(behind({ alertname: 'A', severity: 'page' })).toBe(groups[0]);
  expect(behind({ alertname: 'A' })).toBe(groups[0]);
  expect(behind({ alertname: 'Z', severity: 'page' })).toBeUndefined();
});
