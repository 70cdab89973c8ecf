import { IconCircleCheck } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useAlerts } from '../../alerting/useAlerts';
import { api } from '../../api/client';
import { SLOS_QUERY } from '../../api/queries';
import type { ActiveTarget } from '../../api/types';
import { plural } from '../../format/value';
import { useTime } from '../../nav/time';
import { formatMomentShort } from '../../time/zone';
import { isBurning } from './Burning';
import { isLoud } from './Firing';
import classes from './home.module.css';

const REFRESH_MS = 60_000;

/** The last moment of the last day at which something fired, in seconds; nothing if nothing did. */
const LAST_FIRED = 'max(max_over_time(timestamp(ALERTS{alertstate="firing",severity!="none"})[1d:1m]))';

/** On a quiet day: that nothing fires, no budget goes too fast and no target is down, and since when. */
export function AllClear({ targets }: { targets: readonly ActiveTarget[] }) {
  const { zone } = useTime();
  const { alerts, errors } = useAlerts();
  const { data: slos } = useQuery(SLOS_QUERY);
  const isClear =
    errors.length === 0 &&
    alerts?.some(isLoud) === false &&
    slos?.some(isBurning) === false &&
    !targets.some(({ health }) => health === 'down');
  const { data: last } = useQuery({
    queryKey: ['home', 'last-fired'],
    queryFn: async ({ signal }) => {
      const { result } = (await api.instant(LAST_FIRED, Date.now(), signal)).data;
      return result.type === 'vector' ? Number(result.samples[0]?.value ?? 0) : 0;
    },
    enabled: isClear,
    refetchInterval: REFRESH_MS,
  });
  if (!isClear || last === undefined) return null;
  const quiet = alerts.filter(({ state }) => state === 'suppressed').length;
  const since = last === 0 ? 'for a day at least' : `since ${formatMomentShort(Math.ceil(last) * 1000, zone)}`;
  return (
    <p className={`bw-panel ${classes.clear}`} role="status">
      <IconCircleCheck size={16} className={classes.good} aria-hidden="true" />
      {/* What is kept quiet goes on, so that nobody can say since when nothing fires. */}
      <strong>All clear{quiet === 0 && ` ${since}`}</strong>
      <span className="bw-dim">
        {quiet > 0 && `${plural(quiet, 'alert')} kept quiet; `}no budget goes too fast, and no target is down
      </span>
    </p>
  );
}
