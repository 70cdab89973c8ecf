import { Button } from '@mantine/core';
import { IconGauge } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import type { SloDetails } from '../../api/alerting';
import { alerting } from '../../api/alertingClient';
import { ApiError } from '../../api/error';
import { formatCount, formatExact } from '../../format/value';
import { LabelChips } from '../../labels/LabelText';
import { CopyText } from '../../lists/CopyText';
import { PageLink, useGo } from '../../nav/links';
import { useNow } from '../../nav/useNow';
import { Fact, Facts } from '../../panel/Facts';
import { Columns, Panel } from '../../panel/Panel';
import { PageHeader } from '../../shell/PageHeader';
import { AlertBadge } from '../../states/AlertBadge';
import { EmptyState } from '../../states/EmptyState';
import { ErrorCard } from '../../states/ErrorCard';
import { Loading } from '../../states/Loading';
import { formatDuration } from '../../time/duration';
import { BudgetCharts } from './BudgetCharts';
import { BudgetBar, SettlingNote, StandingBadge } from './Standing';
import { alertText, byWindow, eventsText, exhaustionText, limitText, percentText } from './slo';
import classes from './slos.module.css';

const REFRESH_MS = 10_000;

/** One objective: its budget and how fast it goes, its alerts, and the rules behind them. */
export function SloPage() {
  const { id } = useParams({ from: '/slos/$id' });
  const go = useGo();
  const query = useQuery({
    queryKey: ['slos', id],
    queryFn: ({ signal }) => alerting.slo(id, signal),
    refetchInterval: REFRESH_MS,
  });
  const { data, error } = query;
  if (data !== undefined) return <OneSlo slo={data} />;
  const unknown = error instanceof ApiError && error.status === 404;
  return (
    <>
      <PageHeader title={id} />
      {query.isPending && <Loading height={420} />}
      {error !== null && !unknown && <ErrorCard error={error} onRetry={() => void query.refetch()} />}
      {unknown && (
        <EmptyState
          icon={IconGauge}
          title="There is no such objective"
          action={<Button onClick={() => go({ to: '/slos' })}>All objectives</Button>}
        >
          It may have been taken out of its file.
        </EmptyState>
      )}
    </>
  );
}

function OneSlo({ slo }: { slo: SloDetails }) {
  const now = useNow();
  const { good, bad, total, budget } = slo;
  return (
    <>
      <PageHeader title={slo.name} note={slo.service} />
      <SettlingNote slos={[slo]} />
      {slo.description !== '' && <p className={classes.description}>{slo.description}</p>}
      <Facts label="About this objective">
        <Fact name="State">
          <StandingBadge slo={slo} />
        </Fact>
        <Fact name="Objective">
          {percentText(slo.objective)} good <span className="bw-dim">over {slo.window}</span>
        </Fact>
        <Fact name="Good now">{good === null || total === null || total === 0 ? '–' : ratio(good / total)}</Fact>
        <Fact name="Bad events">
          {bad === null || total === null ? (
            '–'
          ) : (
            <span title={`${formatExact(bad)} of ${formatExact(total)}`}>
              {eventsText(bad)} of {eventsText(total)}
            </span>
          )}
        </Fact>
        <Fact name="Budget left">
          <BudgetBar slo={slo} />
        </Fact>
        <Fact name="Which is">
          {budget.remainingMinutes === null ? '–' : `${minutes(budget.remainingMinutes)} of full failure`}
        </Fact>
        <Fact name="At the pace of now">{exhaustionText(slo, now)}</Fact>
        <Fact name="Written in">
          <code className={classes.source}>{slo.source}</code>
        </Fact>
        {Object.keys(slo.labels).length > 0 && (
          <Fact name="Labels">
            <LabelChips labels={slo.labels} />
          </Fact>
        )}
      </Facts>
      <BudgetCharts slo={slo} />
      <Columns>
        <BurnRates slo={slo} />
        <SloAlerts slo={slo} />
      </Columns>
      <Panel title="Generated rules" note="made from the objective; not to be edited">
        <details>
          <summary>Show the file</summary>
          <CopyText text={slo.rules} label="the rules" />
        </details>
      </Panel>
    </>
  );
}

const ratio = (value: number) => `${(100 * value).toPrecision(6)} %`;

/** A number of minutes as a duration, without seconds once there are hours. */
function minutes(value: number): string {
  const sign = value < 0 ? '-' : '';
  const size = Math.abs(value);
  const whole = size >= 60 ? Math.round(size) : Math.round(size * 10) / 10;
  return `${sign}${formatDuration(Math.round(whole * 60) * 1000)}`;
}

function BurnRates({ slo }: { slo: SloDetails }) {
  return (
    <Panel title="Burn rate by window" note="1 × spends the budget exactly in its window" flush>
      <dl className={classes.rates}>
        {byWindow(slo.burn).map(([window, rate]) => (
          <div key={window}>
            <dt>{window}</dt>
            <dd data-fast={(rate ?? 0) > 1 || undefined}>{rate === null ? '–' : `${Number(rate.toPrecision(3))} ×`}</dd>
          </div>
        ))}
      </dl>
    </Panel>
  );
}

function SloAlerts({ slo }: { slo: SloDetails }) {
  return (
    <Panel title="Alerts" note={slo.alerts.length === 0 ? 'none' : formatCount(slo.alerts.length)} flush>
      <ul className={classes.alerts}>
        {slo.alerts.map((alert) => (
          <li key={`${alert.name} ${alertText(alert)} ${limitText(alert)}`}>
            <AlertBadge state={alert.state} />
            <PageLink to="/rules/$name" params={{ name: alert.name }}>
              {alert.name}
            </PageLink>
            <span className="bw-dim">
              {alertText(alert)}
              {alert.factor !== null && `: ${limitText(alert)}`}
            </span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
