import { ofActive } from '../../alerting/history';
import { StateTimeline } from '../../alerting/StateTimeline';
import { usePast } from '../../alerting/usePast';
import type { AlertingRule, RuleGroup } from '../../api/alerting';
import { plural } from '../../format/value';
import { selector } from '../../labels/labels';
import { useTime } from '../../nav/time';
import { useNow } from '../../nav/useNow';
import { Panel } from '../../panel/Panel';
import { ErrorCard } from '../../states/ErrorCard';
import { Loading } from '../../states/Loading';

/** What the alerts of a rule did in the time range. */
export function PastPanel({ group, rule }: { group: RuleGroup; rule: AlertingRule }) {
  const { zone } = useTime();
  const now = useNow();
  const past = usePast(selector({ alertname: rule.name }));
  const { data } = past;
  if (data === undefined) {
    return (
      <Panel title="State in this time range">
        {past.error === null ? (
          <Loading height={120} />
        ) : (
          <ErrorCard error={past.error} onRetry={() => void past.refetch()} />
        )}
      </Panel>
    );
  }
  const rows = new Map(data.alerts);
  for (const { labels, state, activeAt } of rule.alerts ?? []) {
    const key = selector(labels);
    const stretches = ofActive(rows.get(key), { state, sinceMs: Date.parse(activeAt) }, data.span, now);
    rows.set(key, { key, labels, stretches });
  }
  const pasts = [...rows.values()].filter(({ stretches }) => stretches.length > 0);
  return (
    <Panel
      title="State in this time range"
      note={pasts.length === 0 ? 'inactive all the time' : plural(pasts.length, 'alert')}
    >
      {pasts.length > 0 && (
        <StateTimeline label={`Alerts of ${rule.name} over time`} pasts={pasts} span={data.span} zone={zone} />
      )}
      {data.truncated && <p className="bw-note">There were too many changes; the oldest ones are missing.</p>}
      {pasts.length === 0 && (
        <p className="bw-dim">No alert of this rule in group {group.name} was pending or firing.</p>
      )}
    </Panel>
  );
}
