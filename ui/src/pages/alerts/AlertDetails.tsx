import { Button } from '@mantine/core';
import { IconBellOff, IconChartLine, IconUserCheck } from '@tabler/icons-react';
import classes from '../../alerting/alerting.module.css';
import { type Alert, summaryOf } from '../../alerting/alerts';
import { AnnotationText, RunbookLink, runbookOf } from '../../alerting/Runbook';
import type { RuleInGroup } from '../../alerting/rules';
import { pastInWords, StateStrip } from '../../alerting/StateStrip';
import { useAcknowledgements } from '../../alerting/useAcknowledgements';
import type { Past } from '../../alerting/usePast';
import { useRuleOf } from '../../alerting/useRuleOf';
import { ValueLine } from '../../alerting/ValueLine';
import { formatExact, formatTabular } from '../../format/value';
import { LabelChips } from '../../labels/LabelText';
import { selector } from '../../labels/labels';
import { PageLink } from '../../nav/links';
import { useTime } from '../../nav/time';
import { useNow } from '../../nav/useNow';
import { FactRows, type FactTexts } from '../../panel/Facts';
import { Part } from '../../panel/Panel';
import { QueryText } from '../../promql/QueryText';
import { AlertBadge } from '../../states/AlertBadge';
import { formatAgo } from '../../time/duration';
import { formatMoment } from '../../time/zone';
import { notificationsCodec, routingCodec, ruleCodec } from '../../url/alerting';
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
  const rule = useRuleOf(alert);
  const takenBy = useAcknowledgements({ enabled: !noRouter });
  const runbook = runbookOf(alert.annotations);
  const summary = summaryOf(alert.annotations);
  const stretches = past && stretchesOf(alert, past, now);
  const others = Object.entries(alert.annotations).filter(([name]) => !SHOWN_APART.has(name));
  const facts: FactTexts = [
    ['Since', `${formatMoment(Math.round(alert.sinceMs / 1000) * 1000, zone)}, ${formatAgo(now - alert.sinceMs)}`],
    ...(alert.value === undefined ? [] : ([['Value', <Value key="value" value={alert.value} />]] as const)),
    ...(noRouter ? [] : [['Told', <Told key="told" alert={alert} />] as const]),
    ['Rule', <RuleLink key="rule" name={alert.labels.alertname ?? ''} rule={rule} />],
  ];
  return (
    <>
      <div className={own.top}>
        <AlertBadge state={takenBy(alert) === undefined ? alert.state : 'acknowledged'} />
        {runbook !== undefined && <RunbookLink place={runbook} of={alert.labels.alertname ?? 'this alert'} />}
      </div>
      {summary !== '' && <p className={`bw-text ${own.lead}`}>{summary}</p>}
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
      {stretches !== undefined && past !== undefined && (
        <Part title="In this time range">
          {alert.value !== undefined && <ValueLine alert={alert} />}
          <StateStrip stretches={stretches} span={past.span} zone={zone} />
          <p className="bw-text">It {pastInWords(stretches)}.</p>
        </Part>
      )}
      {rule && (
        <Part title="Expression">
          <QueryText expr={rule.rule.query} label={rule.rule.name} />
        </Part>
      )}
      <Part title="Labels">
        <LabelChips labels={alert.labels} />
      </Part>
      {others.length > 0 && (
        <Part title="Annotations">
          <FactRows facts={others.map(([name, text]) => [name, <AnnotationText key={name} text={text} />])} />
        </Part>
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

/** A number as it is read best; all of its digits are a hover away. */
const Value = ({ value }: { value: number }) => <span title={formatExact(value)}>{formatTabular(value, 'short')}</span>;

/** The way to the rule behind an alert; an alert from outside has none. */
function RuleLink({ name, rule }: { name: string; rule: RuleInGroup | null | undefined }) {
  if (rule === undefined) return '…';
  if (rule === null) {
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
  const { group } = rule;
  return (
    <>
      <PageLink to="/rules/$name" params={{ name }} search={ruleCodec.encode({ file: group.file, group: group.name })}>
        {name}
      </PageLink>{' '}
      <span className="bw-dim">of {group.name}</span>
    </>
  );
}
