import { IconCircleCheck } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useAlerts } from '../../alerting/useAlerts';
import type { HistoryEvent } from '../../api/alerting';
import { alerting } from '../../api/alertingClient';
import { SLOS_QUERY } from '../../api/queries';
import type { ActiveTarget } from '../../api/types';
import { plural } from '../../format/value';
import { useTime } from '../../nav/time';
import { formatMomentShort, type Zone } from '../../time/zone';
import { isBurning } from './Burning';
import { isLoud } from './Firing';
import classes from './home.module.css';

const REFRESH_MS = 60_000;

/** So far back it is looked for what fired last. */
const LOOK_BACK_MS = 7 * 86_400_000;

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
      const end = Date.now();
      return { event: await alerting.lastFiring({ start: end - LOOK_BACK_MS, end }, signal) };
    },
    enabled: isClear,
    refetchInterval: REFRESH_MS,
  });
  if (!isClear || last === undefined) return null;
  const quiet = alerts.filter(({ state }) => state === 'suppressed').length;
  // What is kept quiet goes on, so that nobody can say since when nothing fires.
  const since = quiet > 0 ? '' : sinceText(last.event, zone);
  return (
    <p className={`bw-panel ${classes.clear}`} role="status">
      <IconCircleCheck size={16} className={classes.good} aria-hidden="true" />
      <strong>All clear{since}</strong>
      <span className="bw-dim">
        {quiet > 0 && `${plural(quiet, 'alert')} kept quiet; `}no budget goes too fast, and no target is down
      </span>
    </p>
  );
}

/** Since when nothing fires; empty where that is not known. */
function sinceText(last: HistoryEvent | null | undefined, zone: Zone): string {
  if (last === undefined) return '';
  if (last === null) return ' for a week at least';
  return ` since ${formatMomentShort(Math.round(Date.parse(last.time) / 1000) * 1000, zone)}`;
}
