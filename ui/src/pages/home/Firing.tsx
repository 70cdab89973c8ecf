import { type Alert, summaryOf } from '../../alerting/alerts';
import { useAlerts } from '../../alerting/useAlerts';
import { plural } from '../../format/value';
import { LabelText } from '../../labels/LabelText';
import { PageLink } from '../../nav/links';
import { useNow } from '../../nav/useNow';
import { Panel } from '../../panel/Panel';
import { AlertBadge } from '../../states/AlertBadge';
import { formatAgo } from '../../time/duration';
import { alertsCodec } from '../../url/alerting';
import classes from './home.module.css';

const MOST_ROWS = 8;

/** Alerts that fire and that nothing keeps quiet, the newest first; nothing on a quiet day. */
export function Firing() {
  const { alerts = [] } = useAlerts();
  const firing = alerts.filter(({ state }) => state === 'firing').toSorted((a, b) => b.sinceMs - a.sinceMs);
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

function FiringRow({ alert }: { alert: Alert }) {
  const now = useNow();
  return (
    <li className={classes.firing}>
      <AlertBadge state={alert.state} />
      <PageLink to="/alerts" search={alertsCodec.encode({ open: alert.key })} className={classes.troubleName}>
        {alert.labels.alertname ?? <LabelText labels={alert.labels} />}
      </PageLink>
      <span className={classes.firingText}>{summaryOf(alert.annotations)}</span>
      <span className="bw-dim bw-number">{formatAgo(Math.max(0, now - alert.sinceMs))}</span>
    </li>
  );
}
