import { type Alert, summaryOf } from '../../alerting/alerts';
import { useAlerts } from '../../alerting/useAlerts';
import { plural } from '../../format/value';
import { LabelText } from '../../labels/LabelText';
import { PageLink } from '../../nav/links';
import { useNow } from '../../nav/useNow';
import { Panel } from '../../panel/Panel';
import { AlertBadge } from '../../states/AlertBadge';
import { formatSince } from '../../time/duration';
import { alertsCodec } from '../../url/alerting';
import classes from './home.module.css';

const MOST_ROWS = 8;

/** Severities as most rules name them, the worst with the lowest number. */
const SEVERITIES: Readonly<Record<string, number>> = {
  critical: 0,
  page: 0,
  error: 1,
  warning: 2,
  warn: 2,
  ticket: 2,
  info: 4,
};
/** What others may mean stands between a warning and a note. */
const OTHER_SEVERITY = 3;

/** Whether an alert fires and nothing keeps it quiet. Those of the severity `none` always do, to show that alerting works. */
export const isLoud = ({ state, labels }: Alert) => state === 'firing' && labels.severity !== 'none';

/** Alerts that fire, the most severe first and of these the newest; nothing on a quiet day. */
export function Firing() {
  const { alerts = [] } = useAlerts();
  const firing = alerts.filter(isLoud).toSorted((a, b) => rank(a) - rank(b) || b.sinceMs - a.sinceMs);
  if (firing.length === 0) return null;
  const rest = firing.length - MOST_ROWS;
  return (
    <Panel title="Firing now" note={plural(firing.length, 'alert')} flush>
      <ul className={classes.trouble}>
        {firing.slice(0, MOST_ROWS).map((alert) => (
          <FiringRow key={alert.key} alert={alert} />
        ))}
      </ul>
      {rest > 0 && (
        <p className="bw-note">
          <PageLink to="/alerts" search={alertsCodec.encode({ state: 'firing' })}>
            and {rest} more
          </PageLink>
        </p>
      )}
    </Panel>
  );
}

const rank = ({ labels }: Alert) => SEVERITIES[labels.severity ?? ''] ?? OTHER_SEVERITY;

function FiringRow({ alert }: { alert: Alert }) {
  const now = useNow();
  return (
    <li className={classes.firing}>
      <AlertBadge state={alert.state} />
      <PageLink to="/alerts" search={alertsCodec.encode({ open: alert.key })} className={classes.troubleName}>
        {alert.labels.alertname ?? <LabelText labels={alert.labels} />}
      </PageLink>
      <span className={classes.firingText}>{summaryOf(alert.annotations)}</span>
      <span className="bw-dim bw-number">{formatSince(alert.sinceMs, now)}</span>
    </li>
  );
}
