import { expect, test } from 'vitest';
import type { LintFinding } from '../api/alerting';
import { worstFirst } from './lint';

test('the worst findings come first, and others keep their order', () => {
  const finding = (severity: LintFinding['severity'], rule: string) => ({ severity, rule, message: '', remedy: '' });
  const found = [finding('info', 'a'), finding('warning', 'c'), finding('error', 'd'), finding('warning', 'b')];
  expect(worstFirst(found).map(({ rule }) => rule)).toEqual(['d', 'c', 'b', 'a']);
});
