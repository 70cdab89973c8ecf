import type { Slo } from '../../api/alerting';
import { useUpMs } from '../../shell/useServer';
import { StateWord } from '../../states/StateWord';
import { isSettling, remainingText, type Standing, standingOf } from './slo';
import classes from './slos.module.css';

const LOOKS: Readonly<Record<Standing, { look: 'ok' | 'warn' | 'bad' | 'unknown'; word: string }>> = {
  spent: { look: 'bad', word: 'Budget spent' },
  burning: { look: 'warn', word: 'Burning' },
  holding: { look: 'ok', word: 'Holding' },
  unknown: { look: 'unknown', word: 'No data' },
};

/** How an objective stands by icon, word and colour. */
export function StandingBadge({ slo }: { slo: Slo }) {
  const settling = isSettling(slo, useUpMs());
  const { look, word } = LOOKS[standingOf(slo)];
  if (settling) return <StateWord look={look}>Not computed yet</StateWord>;
  return <StateWord look={look}>{word}</StateWord>;
}

/** Why nothing is known of objectives yet, for the first minutes of a server. */
export function SettlingNote({ slos }: { slos: readonly Slo[] }) {
  const upMs = useUpMs();
  if (!slos.some((slo) => isSettling(slo, upMs))) return null;
  return (
    <p className="bw-note" role="note">
      The server has just started. Budgets and burn rates are computed after the first evaluations of the rules of an
      objective, which takes some minutes.
    </p>
  );
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
