import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import type { PreviewedAlert } from '../api/alerting';
import { alerting } from '../api/alertingClient';
import { errorText } from '../api/error';
import { plural } from '../format/value';
import { LabelChips } from '../labels/LabelText';
import classes from './alerting.module.css';
import { formatMatchers, type Matcher, toWire } from './matchers';

/** The server is asked when the user pauses this long. */
const PAUSE_MS = 250;
/** So many alerts are named. */
const MOST_NAMED = 6;

/** Which alerts matchers are about: those that there are now, and how many there were in the last day. */
export function Preview({ matchers }: { matchers: readonly Matcher[] }) {
  const named = matchers.filter(({ name }) => name.trim() !== '');
  const [asked] = useDebouncedValue(named, PAUSE_MS);
  const { data, error } = useQuery({
    queryKey: ['preview', formatMatchers(asked)],
    queryFn: ({ signal }) => alerting.previewSilence(asked.map(toWire), signal),
    enabled: asked.length > 0,
    placeholderData: keepPreviousData,
  });
  const shown = named.length > 0 && error === null ? data : undefined;
  return (
    <section className={classes.preview} aria-label="What it matches">
      <div role="status">
        {named.length === 0 && <p className="bw-dim">No matcher yet.</p>}
        {named.length > 0 && error !== null && <p className={classes.problem}>{errorText(error)}</p>}
        {shown !== undefined && (
          <p className={classes.previewCount}>
            {shown.now.length === 0 ? 'Matches no alert now' : `Matches ${plural(shown.now.length, 'alert')} now`}
            <span className="bw-dim">
              , and {shown.truncated && 'at least '}
              {plural(shown.lastDay.length, 'alert')} in the last 24 h
            </span>
          </p>
        )}
      </div>
      {shown !== undefined && <Named alerts={shown.now} />}
    </section>
  );
}

function Named({ alerts }: { alerts: readonly PreviewedAlert[] }) {
  if (alerts.length === 0) return null;
  return (
    <ul className={classes.previewList}>
      {alerts.slice(0, MOST_NAMED).map(({ fingerprint, labels }) => (
        <li key={fingerprint}>
          <LabelChips labels={labels} />
        </li>
      ))}
      {alerts.length > MOST_NAMED && (
        <li className="bw-dim">and {plural(alerts.length - MOST_NAMED, 'more', 'more')}</li>
      )}
    </ul>
  );
}
