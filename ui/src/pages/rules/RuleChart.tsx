import { useCallback } from 'react';
import type { Comparison } from '../../alerting/rules';
import { useComparison } from '../../alerting/useComparison';
import type { Rule } from '../../api/alerting';
import { ChartPanel } from '../../charts/ChartPanel';
import { unitOfName } from '../../format/value';
import { type Labels, selector } from '../../labels/labels';
import { printAst } from '../../promql/print';

/** The query that draws what is compared with. */
const BOUND = 'bound';

/** What a rule looks at over the time range: what it compares beside the bound, or else its own values. */
export function RuleChart({ rule }: { rule: Rule }) {
  const { data: comparison = null } = useComparison(rule.query);
  const lineName = useCallback(
    (query: string, labels: Labels) =>
      query === BOUND && comparison !== null ? `${comparison.op} ${comparison.bound}` : nameOf(labels),
    [comparison],
  );
  const queries =
    comparison === null
      ? [{ id: 'A', expression: rule.query }]
      : [
          // First, so that the legend has it however many lines there are.
          { id: BOUND, expression: `vector(${comparison.bound})` },
          { id: 'A', expression: printAst(comparison.measured) },
        ];
  return (
    <ChartPanel
      title={titleOf(rule, comparison)}
      queries={queries}
      unit={rule.type === 'recording' ? unitOfName(rule.name) : 'short'}
      height={200}
      nameOf={lineName}
      nothing="The expression has no result in this time range."
    />
  );
}

/** The labels of a line, where it has any. */
const nameOf = (labels: Labels) => (Object.keys(labels).length === 0 ? 'value' : selector(labels));

function titleOf({ type }: Rule, comparison: Comparison | null): string {
  if (type === 'recording') return 'What it records';
  return comparison === null ? 'Values of the expression' : 'What it compares';
}
