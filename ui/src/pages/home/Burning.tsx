import { useQuery } from '@tanstack/react-query';
import type { Slo } from '../../api/alerting';
import { SLOS_QUERY } from '../../api/queries';
import { plural } from '../../format/value';
import { PageLink } from '../../nav/links';
import { useNow } from '../../nav/useNow';
import { Panel } from '../../panel/Panel';
import { StandingBadge } from '../slos/Standing';
import { budgetText, sortSlos, standingOf } from '../slos/slo';
import classes from './home.module.css';

const REFRESH_MS = 15_000;
const MOST_ROWS = 5;

export const isBurning = (slo: Slo) => ['spent', 'burning'].includes(standingOf(slo));

/** Objectives whose budget is spent or goes too fast, the worst first; nothing on a quiet day. */
export function Burning() {
  const now = useNow();
  const { data = [] } = useQuery({ ...SLOS_QUERY, refetchInterval: REFRESH_MS });
  const bad = sortSlos(data, 'budget').filter(isBurning);
  if (bad.length === 0) return null;
  const rest = bad.length - MOST_ROWS;
  return (
    <Panel title="Budgets that go too fast" note={plural(bad.length, 'objective')} flush>
      <ul className={classes.trouble}>
        {bad.slice(0, MOST_ROWS).map((slo) => (
          <li key={slo.id} className={classes.firing}>
            <StandingBadge slo={slo} />
            <PageLink to="/slos/$id" params={{ id: slo.id }} className={classes.troubleName}>
              {slo.name}
            </PageLink>
            <span className={classes.firingText}>{slo.description || slo.service}</span>
            <span className="bw-dim bw-number">{budgetText(slo, now)}</span>
          </li>
        ))}
      </ul>
      {rest > 0 && (
        <p className="bw-note">
          <PageLink to="/slos">and {rest} more</PageLink>
        </p>
      )}
    </Panel>
  );
}
