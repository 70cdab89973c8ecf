import { Button } from '@mantine/core';
import { IconBellOff, IconChartLine, IconUserCheck } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import classes from '../../alerting/alerting.module.css';
import { type Alert, summaryOf } from '../../alerting/alerts';
import { AnnotationText, RunbookLink, runbookOf } from '../../alerting/Runbook';
import { pastInWords, StateStrip } from '../../alerting/StateStrip';
import type { Past } from '../../alerting/usePast';
import type { Rule } from '../../api/alerting';
import { alerting } from '../../api/alertingClient';
import { formatExact } from '../../format/value';
import { LabelChips } from '../../labels/LabelText';
import { selector } from '../../labels/labels';
import { PageLink } from '../../nav/links';
import { useTime } from '../../nav/time';
import { useNow } from '../../nav/useNow';
import { FactRows, type FactTexts } from '../../panel/Facts';
import { QueryText } from '../../promql/QueryText';
import { AlertBadge } from '../../states/AlertBadge';
import { formatAgo } from '../../time/duration';
import { formatMoment } from '../../time/zone';
import { notificationsCodec, routingCodec } from '../../url/alerting';
import { exploreCodec } from '../../url/pages';
import { stretchesOf } from './AlertTable';
import own from './alerts.module.css';
import { WhyNotTold } from './WhyNotTold';

/** Told apart from the other annotations, or found out otherwise. */
const SHOWN_APART = new Set(['summary', 'runbook_url', 'runbook']);

interface AlertDetailsProps {
  alert: Alert;
  all: readonly Alert[];
  noRouter: boolean;
  past: Past | undefined;
  onSilence(): void;
  onAcknowledge(): void;
}

/** All there is to know of one alert, and what to do about it. */
export function AlertDetails({ alert, all, noRouter, past, onSilence, onAcknowledge }: AlertDetailsProps) {
  const { zone } = useTime();
  const now = useNow();
  const runbook = runbookOf(alert.annotations);
  const summary = summaryOf(alert.annotations);
  const stretches = past && stretchesOf(alert, past, now);
  const others = Object.entries(alert.annotations).filter(([name]) => !SHOWN_APART.has(name));
  const facts: FactTexts = [
    ['Since', `${formatMoment(Math.round(alert.sinceMs / 1000) * 1000, zone)}, ${formatAgo(now - alert.sinceMs)}`],
    ...(alert.value === undefined ? [] : ([['Value', formatExact(alert.value)]] as const)),
    ...(noRouter ? [] : [['Told', <Told key="told" alert={alert} />] as const]),
    ['Rule', <RuleOf key="rule" alert={alert} />],
  ];
  return (
    <>
      <div className={own.top}>
        <AlertBadge state={alert.state} />
        {runbook !== undefined && <RunbookLink place={runbook} of={alert.labels.alertname ?? 'this alert'} />}
      </div>
      {summary !== '' && <p className={`${classes.text} ${own.lead}`}>{summary}</p>}
      {!noRouter && (
        <div className={classes.actions}>
          <Button leftSection={<IconUserCheck size={14} aria-hidden="true" />} onClick={onAcknowledge}>
            Acknowledge
          </Button>
          <Button leftSection={<IconBellOff size={14} aria-hidden="true" />} onClick={onSilence}>
            Silence
          </Button>
        </div>
      )}
      <WhyNotTold alert={alert} all={all} />
      <FactRows facts={facts} />
      <section aria-label="Labels">
        <h3 className={classes.heading}>Labels</h3>
        <LabelChips labels={alert.labels} />
      </section>
      {others.length > 0 && (
        <section aria-label="Annotations">
          <h3 className={classes.heading}>Annotations</h3>
          <FactRows facts={others.map(([name, text]) => [name, <AnnotationText key={name} text={text} />])} />
        </section>
      )}
      {stretches !== undefined && past !== undefined && (
        <section aria-label="In this time range">
          <h3 className={classes.heading}>In this time range</h3>
          <StateStrip stretches={stretches} span={past.span} zone={zone} />
          <p className={classes.text}>It {pastInWords(stretches)}.</p>
        </section>
      )}
    </>
  );
}

/** The receivers, and the ways to the reasons and to what was sent. */
function Told({ alert }: { alert: Alert }) {
  const receivers = alert.router?.receivers.map(({ name }) => name) ?? [];
  return (
    <>
      {receivers.length === 0
        ? alert.state === 'pending'
          ? 'nobody while it is pending'
          : 'nobody yet'
        : receivers.join(', ')}
      <span className={own.links}>
        <PageLink to="/routing" search={routingCodec.encode({ labels: selector(alert.labels) })}>
          why
        </PageLink>
        <PageLink to="/notifications" search={notificationsCodec.encode({ f: alert.labels.alertname ?? '' })}>
          what was sent
        </PageLink>
      </span>
    </>
  );
}

/** The rule behind an alert, with its expression; an alert from outside has none. */
function RuleOf({ alert }: { alert: Alert }) {
  const name = alert.labels.alertname ?? '';
  const { data } = useQuery({ queryKey: ['rules', name], queryFn: ({ signal }) => alerting.rules(name, signal) });
  const rules = (data ?? []).flatMap((group) => group.rules.map((rule) => ({ group, rule })));
  const found = rules.find(({ rule }) => made(rule, alert)) ?? rules[0];
  if (data === undefined) return '…';
  if (found === undefined) {
    return (
      <>
        none here; it was sent by another program{' '}
        <PageLink
          to="/explore"
          search={exploreCodec.encode({ q: [`ALERTS${selector({ alertname: name })}`] })}
          className={own.jump}
          aria-label="Explore the series of this alert"
        >
          <IconChartLine size={14} aria-hidden="true" />
        </PageLink>
      </>
    );
  }
  const { group, rule } = found;
  return (
    <>
      <PageLink to="/rules/$name" params={{ name }} search={{ file: group.file, group: group.name }}>
        {name}
      </PageLink>{' '}
      <span className="bw-dim">of {group.name}</span>
      <QueryText expr={rule.query} label={name} />
    </>
  );
}

/** Whether a rule made an alert: it has one with the labels, or with fewer if external ones were added. */
function made(rule: Rule, { labels }: Alert): boolean {
  if (rule.type !== 'alerting') return false;
  return (rule.alerts ?? []).some((alert) =>
    Object.entries(alert.labels).every(([name, value]) => labels[name] === value),
  );
}
