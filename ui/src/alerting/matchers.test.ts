import { expect, test } from 'vitest';
import { formatMatchers, fromWire, labelFilter, matchersOf, narrowed, parseMatchers, toWire } from './matchers';

test.each([
  ['{alertname="X", severity=~"page|warn"}', '{alertname="X", severity=~"page|warn"}'],
  ['alertname=X', '{alertname="X"}'],
  [' severity!="page" , team !~ "a.*" ', '{severity!="page", team!~"a.*"}'],
  ['{"my.label"="a\\"b\\\\c\\nd",}', '{"my.label"="a\\"b\\\\c\\nd"}'],
  ['{x=""}', '{x=""}'],
  ['x=', '{x=""}'],
  ['{}', '{}'],
])('reads %s', (text, want) => {
  const matchers = parseMatchers(text);
  expect(matchers && formatMatchers(matchers)).toBe(want);
});

test.each(['words', 'a="x" b="y"', '=x', '{a="x"', 'a="x" or', 'a>1'])('%s is something else', (text) => {
  expect(parseMatchers(text)).toBeUndefined();
});

test('matchers go to the API and back', () => {
  const matchers = parseMatchers('a="1", b!="2", c=~"3", d!~"4"') ?? [];
  expect(matchers.map(toWire)).toEqual([
    { name: 'a', value: '1', isRegex: false, isEqual: true },
    { name: 'b', value: '2', isRegex: false, isEqual: false },
    { name: 'c', value: '3', isRegex: true, isEqual: true },
    { name: 'd', value: '4', isRegex: true, isEqual: false },
  ]);
  expect(matchers.map(toWire).map(fromWire)).toEqual(matchers);
  // Older Alertmanagers leave the field out.
  expect(fromWire({ name: 'a', value: '1', isRegex: false })).toEqual({ name: 'a', op: '=', value: '1' });
});

const LABELS = { alertname: 'HighErrors', severity: 'page' };

test.each([
  ['severity="page"', true],
  ['severity=~"pa"', false],
  ['severity=~"pa.*", team=""', true],
  ['severity!~"page|warn"', false],
  ['severity=~"(?i)PAGE"', true],
  ['team!=""', false],
  ['high checkout', true],
  ['high missing', false],
  ['checkout {severity="page"}', true],
  ['missing {severity="page"}', false],
  ['checkout {severity="warn"}', false],
])('filter %s', (text, want) => {
  expect(labelFilter(text).matches(LABELS, 'HighErrors of checkout')).toBe(want);
});

test.each([
  ['', 'team="a"'],
  ['severity="page"', 'severity="page", team="a"'],
  ['{team="a", severity="page"}', 'team="a", severity="page"'],
  ['high checkout', 'high checkout {team="a"}'],
  ['high {severity="page"}', 'high {severity="page", team="a"}'],
])('%s is narrowed to %s', (text, want) => {
  expect(narrowed(text, { team: 'a' })).toBe(want);
});

test('what words and matchers find together cannot be silenced by the matchers alone', () => {
  expect(labelFilter('high {severity="page"}').matchers).toBeUndefined();
  expect(labelFilter('severity="page"').matchers).toHaveLength(1);
});

test('a regular expression that cannot be read is told', () => {
  const filter = labelFilter('severity=~"("');
  expect(filter.problem).toMatch(/regular expression/i);
  expect(filter.matches(LABELS, '')).toBe(false);
});

test('the matchers of an alert are about exactly it', () => {
  expect(formatMatchers(matchersOf(LABELS))).toBe('{alertname="HighErrors", severity="page"}');
});
