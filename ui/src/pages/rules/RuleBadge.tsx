import type { Rule } from '../../api/alerting';
import { AlertBadge } from '../../states/AlertBadge';
import { StateWord } from '../../states/StateWord';

/** How a rule fares: whether it can be evaluated, and what its alerts do. */
export function RuleBadge({ rule }: { rule: Rule }) {
  if (rule.health === 'err') return <StateWord look="bad">Failing</StateWord>;
  if (rule.health === 'unknown') return <StateWord look="unknown">Not evaluated</StateWord>;
  if (rule.type === 'recording') return <StateWord look="quiet">Recording</StateWord>;
  return <AlertBadge state={rule.state} />;
}
