import { parser } from '@prometheus-io/lezer-promql';
import { expect, test } from 'vitest';
import { suggestions } from './suggestions';

function check(name: string, type: string, labels: string[], first: string) {
  test(`${name} (${type})`, () => {
    const all = suggestions(name, type, labels);
    expect(all[0]?.expression).toBe(first);
    for (const { expression } of all) {
      parser.parse(expression).iterate({ enter: ({ type: node }) => expect(node.isError, expression).toBe(false) });
    }
  });
}

check('x_total', 'counter', ['job'], 'sum by (job) (rate(x_total[5m]))');
check('x_total', 'unknown', [], 'sum (rate(x_total[5m]))');
check('x', 'gauge', ['job'], 'x');
check('x_bucket', 'histogram', ['job'], 'histogram_quantile(0.99, sum by (le) (rate(x_bucket[5m])))');
check('x_count', 'histogram', [], 'histogram_quantile(0.99, sum by (le) (rate(x_bucket[5m])))');
check('x', 'histogram', [], 'histogram_quantile(0.99, sum(rate(x[5m])))');
check('x.y', 'gauge', [], '{"x.y"}');
