import { expect, test } from 'vitest';
import type { Ast } from '../api/ast';
import { countingOf, countNodes, headOf, partsOf, printAst, typeOf } from './print';

const SHIFT = { offset: 0, timestamp: null, startOrEnd: null };

function vector(
  name: string,
  matchers: [string, '=' | '!=' | '=~' | '!~', string][] = [],
): Ast & { type: 'vectorSelector' } {
  const all = [...(name === '' ? [] : [['__name__', '=', name] as const]), ...matchers];
  return {
    type: 'vectorSelector',
    name,
    matchers: all.map(([label, type, value]) => ({ name: label, type, value })),
    ...SHIFT,
  };
}

const rate = (of: Ast & { type: 'vectorSelector' }, range = 300_000): Ast => ({
  type: 'call',
  func: { name: 'rate', returnType: 'vector' },
  args: [{ ...of, type: 'matrixSelector', range }],
});

test.each<[string, Ast]>([
  ['up', vector('up')],
  [
    'up{job=~"a|b", "x.y"!="\\"q\\""}',
    vector('up', [
      ['job', '=~', 'a|b'],
      ['x.y', '!=', '"q"'],
    ]),
  ],
  ['{__name__="my.metric"}', vector('my.metric')],
  ['{job="a"}', vector('', [['job', '=', 'a']])],
  ['up @ 12.500 offset -5m', { ...vector('up'), timestamp: 12_500, offset: -300_000 }],
  ['up smoothed @ end()', { ...vector('up'), smoothed: true, startOrEnd: 'end' }],
  ['rate(up{a="b"}[1h30m])', rate(vector('up', [['a', '=', 'b']]), 5_400_000)],
  ['-(1)', { type: 'unaryExpr', op: '-', expr: { type: 'parenExpr', expr: { type: 'numberLiteral', val: '1' } } }],
  ['up[1h:]', { type: 'subquery', expr: vector('up'), range: 3_600_000, step: 0, ...SHIFT }],
  [
    'topk by (b) (3, a)',
    {
      type: 'aggregation',
      op: 'topk',
      expr: vector('a'),
      param: { type: 'numberLiteral', val: '3' },
      grouping: ['b'],
      without: false,
    },
  ],
  ['sum (a)', { type: 'aggregation', op: 'sum', expr: vector('a'), param: null, grouping: [], without: false }],
  [
    'sum without () (a)',
    { type: 'aggregation', op: 'sum', expr: vector('a'), param: null, grouping: [], without: true },
  ],
  [
    'a > bool on (x) group_left (y) fill_right (0) b',
    {
      type: 'binaryExpr',
      op: '>',
      lhs: vector('a'),
      rhs: vector('b'),
      bool: true,
      matching: { card: 'many-to-one', labels: ['x'], on: true, include: ['y'], fillValues: { lhs: null, rhs: 0 } },
    },
  ],
  [
    'a and b',
    {
      type: 'binaryExpr',
      op: 'and',
      lhs: vector('a'),
      rhs: vector('b'),
      bool: false,
      matching: { card: 'many-to-many', labels: [], on: false, include: [] },
    },
  ],
])('prints %s', (text, ast) => {
  expect(printAst(ast)).toBe(text);
});

test('a node is counted by what it gives', () => {
  expect(countingOf(vector('up'))).toEqual({ series: 'count(up)' });
  const [range] = partsOf(rate(vector('up')));
  expect(range && countingOf(range)).toEqual({
    series: 'count(count_over_time(up[5m]))',
    samples: 'sum(count_over_time(up[5m]))',
  });
  const one: Ast = { type: 'numberLiteral', val: '1' };
  expect(countingOf(one)).toBeUndefined();
  const two: Ast = { type: 'binaryExpr', op: '+', lhs: one, rhs: one, bool: false, matching: null };
  expect(typeOf(two)).toBe('scalar');
  expect(countingOf(two)).toEqual({ value: '1 + 1' });
  // A calculated duration is not in the tree, so the part cannot be asked for.
  expect(countingOf(rate(vector('up'), 0))).toBeUndefined();
  expect(countNodes(rate(vector('up')))).toBe(2);
  expect(headOf(rate(vector('up')))).toBe('rate()');
});
