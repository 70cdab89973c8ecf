import type { PackFinding } from '../../api/packs';
import { VerdictBadge } from '../../states/VerdictBadge';
import classes from './packs.module.css';

/** What is wrong with a pack itself. */
export function LintTab({ findings }: { findings: readonly PackFinding[] }) {
  if (findings.length === 0) return <p className={classes.text}>Nothing is wrong with the pack itself.</p>;
  return (
    <ul className={classes.list}>
      {findings.map(({ rule, level, file, line, column, message, remedy }) => (
        <li key={`${line}:${column} ${rule} ${message}`}>
          <div className={classes.target}>
            <VerdictBadge verdict={level} text={level} />
            <strong>{rule}</strong>
            <code className={classes.place}>
              {file}:{line}:{column}
            </code>
          </div>
          <p className={classes.text}>
            {message}; <span className="bw-dim">{remedy}</span>
          </p>
        </li>
      ))}
    </ul>
  );
}
