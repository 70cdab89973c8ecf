import { Button } from '@mantine/core';
import { IconAlertTriangle, IconChartLine, IconSearchOff } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { rulesAsking } from '../../alerting/rules';
import { api } from '../../api/client';
import { METADATA_QUERY, METRIC_NAMES_QUERY, PACKS_QUERY, RULES_QUERY } from '../../api/queries';
import type { MetricMetadata } from '../../api/types';
import { ChartPanel } from '../../charts/ChartPanel';
import { formatCount } from '../../format/value';
import { metricSelector } from '../../labels/labels';
import { CopyButton } from '../../lists/CopyButton';
import { nearestNames } from '../../lists/matches';
import { PageLink, useGo } from '../../nav/links';
import { Fact, FactList } from '../../panel/Facts';
import { Panel } from '../../panel/Panel';
import { PageHeader } from '../../shell/PageHeader';
import { EmptyState } from '../../states/EmptyState';
import { ErrorCard } from '../../states/ErrorCard';
import { Loading } from '../../states/Loading';
import { exploreCodec } from '../../url/pages';
import { metadataOf } from '../metrics/catalogue';
import { TypeBadge } from '../metrics/TypeBadge';
import { type Owned, ownerOf } from '../packs/verdicts';
import { EmittersPanel } from './EmittersPanel';
import { LabelPanel } from './LabelPanel';
import classes from './metric.module.css';
import { OwnerLink, OwnerPanel } from './OwnerPanel';
import { packSuggestions, type Suggestion, suggestions } from './suggestions';
import { UsesPanel } from './UsesPanel';
import { namesOf, usesOf } from './uses';

/** One metric: what it is, who sends it, how it looks, which questions to ask. */
export function MetricPage() {
  const { name } = useParams({ from: '/metrics/$name' });
  const go = useGo();
  const selector = metricSelector(name);
  const known = useQuery(METRIC_NAMES_QUERY);
  const metadata = useQuery(METADATA_QUERY);
  const count = useQuery({
    queryKey: ['metric', name, 'count'],
    queryFn: ({ signal }) => api.instant(`count(${selector})`, Date.now(), signal),
  });
  const labels = useQuery({
    queryKey: ['metric', name, 'labels'],
    queryFn: ({ signal }) => api.labelNames(selector, signal),
  });
  const packs = useQuery(PACKS_QUERY);
  const owner = packs.data && ownerOf(packs.data.packs, name);
  const uses = packs.data === undefined ? [] : usesOf(packs.data.packs, name, owner?.metric);
  const groups = useQuery(RULES_QUERY).data ?? [];
  const rules = rulesAsking(groups, namesOf(name, owner?.metric));
  const promise = packs.data !== undefined && owner !== undefined && (
    <OwnerPanel owner={owner} targets={packs.data.targets} />
  );
  if (known.data !== undefined && !known.data.includes(name)) {
    return (
      <>
        <Unknown name={name} known={known.data} owner={owner} />
        {promise}
        <UsesPanel uses={uses} rules={rules} />
      </>
    );
  }

  const { type, help, unit } = described(metadataOf(name, metadata.data ?? new Map()), owner);
  const own = (labels.data ?? []).filter((label) => label !== '__name__');
  const asked = suggestions(name, type, own);
  const [first] = asked;
  const result = count.data?.data.result;
  const series = result?.type === 'vector' ? (result.samples[0]?.value ?? 0) : undefined;
  return (
    <>
      <PageHeader title={name}>
        <Button
          variant="filled"
          leftSection={<IconChartLine size={14} aria-hidden="true" />}
          onClick={() => go({ to: '/explore', search: exploreCodec.encode({ q: [first?.expression ?? selector] }) })}
        >
          Explore
        </Button>
      </PageHeader>
      <section className={`bw-panel ${classes.facts}`} aria-label="About this metric">
        <p className={classes.help}>{help === '' ? 'The exposition says nothing about this metric.' : help}</p>
        <FactList>
          <Fact name="Type">
            <TypeBadge type={type} />
          </Fact>
          <Fact name="Unit">{unit === '' ? 'not declared' : unit}</Fact>
          <Fact name="Series now">{typeof series === 'number' ? formatCount(series) : '–'}</Fact>
          <Fact name="Labels">{labels.data === undefined ? '–' : formatCount(own.length)}</Fact>
          {owner !== undefined && (
            <>
              <Fact name="Pack">
                <OwnerLink owner={owner} />
              </Fact>
              {owner.metric.group !== '' && <Fact name="Group">{owner.metric.group}</Fact>}
              <Fact name="Stability">{owner.metric.stability}</Fact>
            </>
          )}
        </FactList>
      </section>
      {metadata.error !== null && (
        <ErrorCard title="Type and help are missing" error={metadata.error} onRetry={() => void metadata.refetch()} />
      )}
      {packs.error !== null && (
        <ErrorCard title="The packs are missing" error={packs.error} onRetry={() => void packs.refetch()} />
      )}
      {owner !== undefined && <Successor owner={owner} />}
      <div className={classes.columns}>
        {labels.isPending || metadata.isPending || first === undefined ? (
          <Loading height={300} />
        ) : (
          <ChartPanel
            title={first.title}
            queries={[{ id: 'A', expression: first.expression }]}
            unit={first.unit}
            height={240}
            nothing="No samples in this time range."
          />
        )}
        <Questions all={asked} ofPack={packSuggestions(uses)} />
      </div>
      {labels.error !== null ? (
        <ErrorCard error={labels.error} onRetry={() => void labels.refetch()} />
      ) : (
        <LabelPanel name={name} labels={labels.data === undefined ? undefined : own} owner={owner} />
      )}
      <div className={classes.halves}>
        <EmittersPanel name={name} />
        {promise}
      </div>
      <UsesPanel uses={uses} rules={rules} />
    </>
  );
}

/** What the exposition says, and where it is silent, what the pack says. */
function described(metadata: MetricMetadata, owner: Owned | undefined): MetricMetadata {
  if (owner === undefined) return metadata;
  const { type, help, unit } = owner.metric;
  return {
    type: metadata.type === 'unknown' ? (EXPOSED_TYPES[type] ?? type) : metadata.type,
    help: metadata.help || help,
    unit: metadata.unit || unit,
  };
}

/** What types of packs are called that are exposed under another name. */
const EXPOSED_TYPES: Readonly<Record<string, string>> = { native_histogram: 'histogram', state_set: 'stateset' };

/** Of a name that goes away: what takes its place. */
function Successor({ owner: { metric, alias } }: { owner: Owned }) {
  if (alias === undefined && metric.stability !== 'deprecated') return null;
  const to = alias === undefined ? metric.replacedBy : metric.name;
  const until = alias === undefined ? metric.until : null;
  return (
    <p className={classes.successor}>
      <IconAlertTriangle size={14} aria-hidden="true" />
      <span>
        {alias === undefined ? 'This metric is deprecated' : 'This is an old name'}
        {until !== null && ` and goes away with version ${until} of the pack`}
        {to !== null && (
          <>
            ; use{' '}
            <PageLink to="/metrics/$name" params={{ name: to }}>
              {to}
            </PageLink>
          </>
        )}
        .
      </span>
    </p>
  );
}

interface QuestionsProps {
  all: readonly Suggestion[];
  /** Those that the pack has a name for. */
  ofPack: readonly Suggestion[];
}

function Questions({ all, ofPack }: QuestionsProps) {
  return (
    <Panel title="Questions to ask" flush>
      <QuestionList questions={all} />
      {ofPack.length > 0 && (
        <>
          <h3 className={classes.subtitle}>Out of the pack</h3>
          <QuestionList questions={ofPack} />
        </>
      )}
    </Panel>
  );
}

function QuestionList({ questions }: { questions: readonly Suggestion[] }) {
  return (
    <ul className={classes.questions}>
      {questions.map(({ title, expression }) => (
        <li key={`${title} ${expression}`}>
          <PageLink to="/explore" search={exploreCodec.encode({ q: [expression] })} className={classes.question}>
            <span>{title}</span>
            <code>{expression}</code>
          </PageLink>
          <CopyButton text={expression} label={`the query of ${title}`} />
        </li>
      ))}
    </ul>
  );
}

function Unknown({ name, known, owner }: { name: string; known: readonly string[]; owner: Owned | undefined }) {
  const go = useGo();
  const parts = ['bucket', 'count', 'sum'].map((part) => `${name}_${part}`).filter((part) => known.includes(part));
  const near = parts.length > 0 ? parts : nearestNames(name, known, 3);
  return (
    <>
      <PageHeader title={name} />
      <EmptyState
        icon={IconSearchOff}
        title={owner === undefined ? 'There is no metric of this name' : 'Nothing of this metric is stored'}
        action={
          near.length === 0 ? (
            <Button onClick={() => go({ to: '/metrics/' })}>All metrics</Button>
          ) : (
            near.map((candidate) => (
              <Button key={candidate} onClick={() => go({ to: '/metrics/$name', params: { name: candidate } })}>
                {candidate}
              </Button>
            ))
          )
        }
      >
        {parts.length > 0 && 'It is a histogram or a summary, which is stored as its parts.'}
        {parts.length === 0 && owner !== undefined && `The pack ${owner.pack.title} promises it. `}
        {parts.length === 0 &&
          (near.length > 0 ? 'Did you mean one of these?' : 'Nothing of a similar name is stored.')}
      </EmptyState>
    </>
  );
}
