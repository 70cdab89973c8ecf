import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import type { RouterAlert } from '../api/alerting';
import { alerting } from '../api/alertingClient';
import { errorText } from '../api/error';
import { plural } from '../format/value';
import { LabelChips } from '../labels/LabelText';
import { AlertBadge } from '../states/AlertBadge';
import classes from './alerting.module.css';
import { fromRouter } from './alerts';
import { formatMatcher, formatMatchers, type Matcher } from './matchers';

/** The server is asked when the user pauses this long. */
const PAUSE_MS = 250;
const DAY_MS = 86_400_000;
/** So many alerts are named. */
const MOST_NAMED = 6;

/** Which alerts matchers are about: those that there are now, and how many of the last day. */
export function Preview({ matchers }: { matchers: readonly Matcher[] }) {
  const named = matchers.filter(({ name }) => name.trim() !== '');
  const [asked] = useDebouncedValue(named, PAUSE_MS);
  const key = formatMatchers(asked);
  const now = useQuery({
    queryKey: ['preview', 'now', key],
    queryFn: ({ signal }) => alerting.routerAlerts(asked.map(formatMatcher), signal),
    enabled: asked.length > 0,
    placeholderData: keepPreviousData,
  });
  const day = useQuery({
    queryKey: ['preview', 'day', key],
    queryFn: ({ signal }) => {
      const end = Date.now();
      return alerting.history({ start: end - DAY_MS, end }, formatMatchers(asked), signal);
    },
    enabled: asked.length > 0,
    placeholderData: keepPreviousData,
  });
  return (
    <section className={classes.preview} aria-label="What it matches">
      <div role="status">
        {named.length === 0 && <p className="bw-dim">No matcher yet.</p>}
        {named.length > 0 && now.error !== null && <p className={classes.problem}>{errorText(now.error)}</p>}
        {named.length > 0 && now.error === null && now.data !== undefined && (
          <p className={classes.previewCount}>
            {now.data.length === 0 ? 'Matches no alert now' : `Matches ${plural(now.data.length, 'alert')} now`}
            {day.data !== undefined && day.error === null && (
              <span className="bw-dim">
                , {plural(distinct(day.data.events), 'alert')} changed {day.data.truncated && 'at least '}in the last 24
                h
              </span>
            )}
          </p>
        )}
      </div>
      {named.length > 0 && now.error === null && <Named alerts={now.data ?? []} />}
    </section>
  );
}

const distinct = (events: readonly { labels: Readonly<Record<string, string>> }[]) =>
  new Set(events.map(({ labels }) => JSON.stringify(Object.entries(labels).sort()))).size;

function Named({ alerts }: { alerts: readonly RouterAlert[] }) {
  if (alerts.length === 0) return null;
  return (
    <ul className={classes.previewList}>
      {alerts.slice(0, MOST_NAMED).map((alert) => (
        <li key={alert.fingerprint}>
          <AlertBadge state={fromRouter(alert).state} />
          <LabelChips labels={alert.labels} />
        </li>
      ))}
      {alerts.length > MOST_NAMED && (
        <li className="bw-dim">and {plural(alerts.length - MOST_NAMED, 'more', 'more')}</li>
      )}
    </ul>
  );
}
