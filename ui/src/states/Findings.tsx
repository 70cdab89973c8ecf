import classes from './states.module.css';
import { VerdictBadge } from './VerdictBadge';

/** What lint says about something. */
export interface Finding {
  /** The id of the rule of lint. */
  rule: string;
  level: 'error' | 'warning' | 'info';
  /** Where it is, if that is not plain from the page. */
  place?: string;
  message: string;
  /** What to do about it; may be empty. */
  remedy: string;
}

/** What lint says: how bad it is, by which rule, what is wrong, and what to do about it. */
export function Findings({ findings }: { findings: readonly Finding[] }) {
  return (
    <ul className={classes.findings}>
      {findings.map(({ rule, level, place, message, remedy }, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a rule may say the same about two places of an expression
        <li key={index}>
          <div>
            <VerdictBadge verdict={level} text={level} />
            <strong>{rule}</strong>
            {place !== undefined && <code className="bw-dim">{place}</code>}
          </div>
          <p>
            {message}
            {remedy !== '' && (
              <>
                ; <span className="bw-dim">{remedy}</span>
              </>
            )}
          </p>
        </li>
      ))}
    </ul>
  );
}
