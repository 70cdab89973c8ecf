import { Button } from '@mantine/core';
import { IconBellOff, IconChartLine, IconGavel } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { useState } from 'react';
import classes from '../../alerting/alerting.module.css';
import { NEW_DRAFT } from '../../alerting/draft';
import { worstFirst } from '../../alerting/lint';
import { matchersOf, narrowed } from '../../alerting/matchers';
import { AnnotationText, RunbookLink, runbookOf } from '../../alerting/Runbook';
import { evaluatedMs, fileName, type RuleInGroup, rulesNamed } from '../../alerting/rules';
import { ruleYaml } from '../../alerting/ruleYaml';
import { SilenceDialog } from '../../alerting/SilenceDialog';
import { isNoRouter } from '../../alerting/useAlerts';
import type { AlertingRule, Rule } from '../../api/alerting';
import { alerting } from '../../api/alertingClient';
import { RULES_QUERY, SILENCES_QUERY } from '../../api/queries';
import { parseNumber } from '../../api/query';
import { formatExact, formatTabular, plural } from '../../format/value';
import { LabelChips } from '../../labels/LabelText';
import { withoutCommon } from '../../labels/labels';
import { CopyText } from '../../lists/CopyText';
import { nearestNames } from '../../lists/matches';
import { useKeys } from '../../nav/keys';
import { PageLink, useGo } from '../../nav/links';
import { useTime } from '../../nav/time';
import { useNow } from '../../nav/useNow';
import { useUrlState } from '../../nav/useUrlState';
import { Fact, FactRows, Facts } from '../../panel/Facts';
import { Columns, Panel } from '../../panel/Panel';
import { QueryText } from '../../promql/QueryText';
import { PageHeader } from '../../shell/PageHeader';
import { AlertBadge } from '../../states/AlertBadge';
import { EmptyState } from '../../states/EmptyState';
import { ErrorCard } from '../../states/ErrorCard';
import { Findings } from '../../states/Findings';
import { Loading } from '../../states/Loading';
import { formatAgo, formatDuration, formatSeconds, formatSince } from '../../time/duration';
import { formatMomentShort } from '../../time/zone';
import { alertsCodec, ruleCodec } from '../../url/alerting';
import { exploreCodec } from '../../url/pages';
import { BacktestPanel } from './BacktestPanel';
import { PastPanel } from './PastPanel';
import { RuleBadge } from './RuleBadge';
import { RuleChart } from './RuleChart';
import { pageOf } from './RuleTable';
import own from './rules.module.css';

const REFRESH_MS = 10_000;
/** So many alerts of a rule are named. */
const MOST_ALERTS = 50;

/** One rule: what it asks, how it fares, what it did and what it would have done. */
export function RulePage() {
  const { name } = useParams({ from: '/rules/$name' });
  const [{ file, group }] = useUrlState(ruleCodec);
  const query = useQuery({
    queryKey: ['linted-rules', name],
    queryFn: ({ signal }) => alerting.rules({ name, alerts: true, lint: true }, signal),
    refetchInterval: REFRESH_MS,
  });
  if (query.data === undefined) {
    return (
      <>
        <PageHeader title={name} />
        {query.error !== null && <ErrorCard error={query.error} onRetry={() => void query.refetch()} />}
        {query.isPending && <Loading height={420} />}
      </>
    );
  }
  const all = rulesNamed(query.data, name, '', '');
  const found = rulesNamed(query.data, name, file, group);
  const [shown] = found.length > 0 ? found : all;
  if (shown === undefined) return <Unknown name={name} />;
  return (
    <>
      {query.error !== null && <ErrorCard error={query.error} onRetry={() => void query.refetch()} />}
      <OneRule shown={shown} others={all.filter(({ rule }) => rule !== shown.rule)} />
    </>
  );
}

function OneRule({ shown: { group, rule }, others }: { shown: RuleInGroup; others: readonly RuleInGroup[] }) {
  const go = useGo();
  const now = useNow();
  const [silencing, setSilencing] = useState(false);
  const noRouter = isNoRouter(useQuery(SILENCES_QUERY).error);
  const silenceable = rule.type === 'alerting' && !noRouter;
  useKeys({ ...(silenceable && { s: () => setSilencing(true) }) });
  const last = evaluatedMs(rule.lastEvaluation);
  const runbook = rule.type === 'alerting' ? runbookOf(rule.annotations ?? {}) : undefined;
  return (
    <>
      <PageHeader title={rule.name} note={rule.type === 'alerting' ? 'alerting rule' : 'recording rule'}>
        {silenceable && (
          <Button leftSection={<IconBellOff size={14} aria-hidden="true" />} onClick={() => setSilencing(true)}>
            Silence
          </Button>
        )}
        <Button
          variant="filled"
          leftSection={<IconChartLine size={14} aria-hidden="true" />}
          onClick={() => go({ to: '/explore', search: exploreCodec.encode({ q: [rule.query] }) })}
        >
          Explore
        </Button>
      </PageHeader>
      {others.length > 0 && <Namesakes others={others} />}
      <Facts label="About this rule">
        <Fact name="State">
          <RuleBadge rule={rule} />
        </Fact>
        {rule.type === 'alerting' && (
          <>
            <Fact name="For">{rule.duration === 0 ? 'at once' : formatDuration(rule.duration * 1000)}</Fact>
            {(rule.keepFiringFor ?? 0) > 0 && (
              <Fact name="Keeps firing for">{formatDuration((rule.keepFiringFor ?? 0) * 1000)}</Fact>
            )}
          </>
        )}
        <Fact name="Group">
          <PageLink to="/rules" search={{ f: group.name }} title={group.file}>
            {group.name}
          </PageLink>{' '}
          <span className="bw-dim">{fileName(group.file)}</span>
        </Fact>
        <Fact name="Evaluated every">{formatDuration(group.interval * 1000)}</Fact>
        <Fact name="Last evaluation">{last === undefined ? 'not yet' : formatSince(last, now)}</Fact>
        <Fact name="It took">
          {last === undefined ? '–' : formatSeconds(rule.evaluationTime)}{' '}
          {last !== undefined && group.interval > 0 && (
            <span className="bw-dim">({share(rule.evaluationTime / group.interval)} of the interval)</span>
          )}
        </Fact>
        {runbook !== undefined && (
          <Fact name="What to do">
            <RunbookLink place={runbook} of={rule.name} />
          </Fact>
        )}
      </Facts>
      {(rule.lastError ?? '') !== '' && (
        <p className={classes.failure} role="alert">
          The last evaluation failed: {rule.lastError}
        </p>
      )}
      <Panel title="Expression">
        <QueryText expr={rule.query} label={rule.name} />
      </Panel>
      <Lint rule={rule} />
      <RuleChart rule={rule} />
      {rule.type === 'alerting' && (
        <>
          <Active rule={rule} />
          <PastPanel group={group} rule={rule} />
          <BacktestPanel group={group} rule={rule} />
        </>
      )}
      <Written rule={rule} />
      <Panel title="As a file has it" note="to be taken along; what a file says of its group is not here">
        <details>
          <summary>Show the YAML</summary>
          <CopyText text={ruleYaml(rule)} label="the rule" />
        </details>
      </Panel>
      {silencing && (
        <SilenceDialog
          initial={{ ...NEW_DRAFT, matchers: matchersOf({ alertname: rule.name }) }}
          onClose={() => setSilencing(false)}
        />
      )}
    </>
  );
}

const share = (ratio: number) => (ratio < 0.001 ? 'less than 0.1 %' : `${(100 * ratio).toPrecision(2)} %`);

function Namesakes({ others }: { others: readonly RuleInGroup[] }) {
  return (
    <p className="bw-note">
      Other rules of this name:{' '}
      {others.map(({ group, rule }, place) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: rules of a name in a group differ in their place only
        <span key={place}>
          {place > 0 && ', '}
          <PageLink {...pageOf(group, rule)}>
            {group.name} in {fileName(group.file)}
          </PageLink>
        </span>
      ))}
    </p>
  );
}

/** What is legal in the rule and probably not meant. */
function Lint({ rule: { lint = [] } }: { rule: Rule }) {
  if (lint.length === 0) return null;
  return (
    <Panel title="Lint" note={plural(lint.length, 'finding')}>
      <Findings findings={worstFirst(lint).map(({ severity, ...rest }) => ({ ...rest, level: severity }))} />
    </Panel>
  );
}

/** The alerts that a rule has now. */
function Active({ rule }: { rule: AlertingRule }) {
  const now = useNow();
  const { zone } = useTime();
  const alerts = rule.alerts ?? [];
  return (
    <Panel title="Alerts now" note={alerts.length === 0 ? 'none' : plural(alerts.length, 'alert')} flush>
      {alerts.length > 0 && (
        <ul className={own.active}>
          {alerts.slice(0, MOST_ALERTS).map((alert) => {
            const since = Date.parse(alert.activeAt);
            const fires = since + rule.duration * 1000;
            return (
              <li key={JSON.stringify(alert.labels)}>
                <AlertBadge state={alert.state} />
                <LabelChips labels={withoutCommon(alert.labels, { alertname: rule.name })} fading />
                <span className="bw-number" title={formatExact(parseNumber(alert.value))}>
                  {formatTabular(parseNumber(alert.value), 'short')}
                </span>
                <span className="bw-dim" title={formatMomentShort(Math.round(since / 1000) * 1000, zone)}>
                  {alert.state === 'pending' && fires > now
                    ? `fires ${formatAgo(now - fires)} if it stays so`
                    : `active since ${formatSince(since, now)}`}
                </span>
              </li>
            );
          })}
        </ul>
      )}
      {alerts.length > 0 && (
        <p className="bw-note">
          {alerts.length > MOST_ALERTS && `${plural(alerts.length - MOST_ALERTS, 'more', 'more')}. `}
          <PageLink to="/alerts" search={alertsCodec.encode({ f: narrowed('', { alertname: rule.name }) })}>
            Look at them in Alerts
          </PageLink>
        </p>
      )}
    </Panel>
  );
}

/** Labels and annotations as the file has them. */
function Written({ rule }: { rule: Rule }) {
  const labels = Object.entries(rule.labels ?? {});
  const annotations = rule.type === 'alerting' ? Object.entries(rule.annotations ?? {}) : [];
  if (labels.length + annotations.length === 0) return null;
  return (
    <Columns>
      {labels.length > 0 && (
        <Panel title="Labels">
          <FactRows facts={labels} />
        </Panel>
      )}
      {annotations.length > 0 && (
        <Panel title="Annotations">
          <FactRows facts={annotations.map(([name, text]) => [name, <AnnotationText key={name} text={text} />])} />
        </Panel>
      )}
    </Columns>
  );
}

function Unknown({ name }: { name: string }) {
  const go = useGo();
  const groups = useQuery(RULES_QUERY).data ?? [];
  const known = [...new Set(groups.flatMap(({ rules }) => rules.map((rule) => rule.name)))];
  const near = nearestNames(name, known, 3);
  return (
    <>
      <PageHeader title={name} />
      <EmptyState
        icon={IconGavel}
        title="There is no rule of this name"
        action={
          near.length === 0 ? (
            <Button onClick={() => go({ to: '/rules' })}>All rules</Button>
          ) : (
            near.map((candidate) => (
              <Button key={candidate} onClick={() => go({ to: '/rules/$name', params: { name: candidate } })}>
                {candidate}
              </Button>
            ))
          )
        }
      >
        {near.length > 0 ? 'Did you mean one of these?' : 'It may have been taken out of its file.'}
      </EmptyState>
    </>
  );
}
