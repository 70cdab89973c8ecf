import type { Slo } from '../../api/alerting';
import { StateWord } from '../../states/StateWord';
import { remainingText, type Standing, standingOf } from './slo';
import classes from './slos.module.css';

const LOOKS: Readonly<Record<Standing, { look: 'ok' | 'warn' | 'bad' | 'unknown'; word: string }>> = {
  spent: { look: 'bad', word: 'Budget spent' },
  burning: { look: 'warn', word: 'Burning' },
  holding: { look: 'ok', word: 'Holding' },
  unknown: { look: 'unknown', word: 'No data' },
};

/** How an objective stands by icon, word and colour. */
export function StandingBadge({ slo }: { slo: Slo }) {
  const { look, word } = LOOKS[standingOf(slo)];
  return <StateWord look={look}>{word}</StateWord>;
}

/** What is left of the budget, as a bar and as a number. */
export function BudgetBar({ slo }: { slo: Slo }) {
  const { remaining } = slo.budget;
  const part = Math.min(1, Math.max(0, remaining ?? 0));
  return (
    <span className={classes.budget}>
      <span className={classes.budgetTrack} aria-hidden="true">
        <span className={classes.budgetLeft} data-standing={standingOf(slo)} style={{ width: `${100 * part}%` }} />
      </span>
      <span className={classes.budgetText}>{remainingText(remaining)}</span>
    </span>
  );
}
