import { Button } from '@mantine/core';
import { IconChartLine, IconSearchOff } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { api } from '../../api/client';
import { METADATA_QUERY, METRIC_NAMES_QUERY } from '../../api/queries';
import { ChartPanel } from '../../charts/ChartPanel';
import { formatCount } from '../../format/value';
import { metricSelector } from '../../labels/labels';
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
import { LabelPanel } from './LabelPanel';
import classes from './metric.module.css';
import { OwnerPanel } from './OwnerPanel';
import { type Suggestion, suggestions } from './suggestions';

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
  if (known.data !== undefined && !known.data.includes(name)) return <Unknown name={name} known={known.data} />;

  const { type, help, unit } = metadataOf(name, metadata.data ?? new Map());
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
        </FactList>
      </section>
      {metadata.error !== null && (
        <ErrorCard title="Type and help are missing" error={metadata.error} onRetry={() => void metadata.refetch()} />
      )}
      <OwnerPanel name={name} />
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
        <Questions all={asked} />
      </div>
      {labels.error !== null ? (
        <ErrorCard error={labels.error} onRetry={() => void labels.refetch()} />
      ) : (
        <LabelPanel name={name} labels={labels.data === undefined ? undefined : own} />
      )}
    </>
  );
}

function Questions({ all }: { all: readonly Suggestion[] }) {
  return (
    <Panel title="Questions to ask" flush>
      <ul className={classes.questions}>
        {all.map(({ title, expression }) => (
          <li key={expression}>
            <PageLink to="/explore" search={exploreCodec.encode({ q: [expression] })} className={classes.question}>
              <span>{title}</span>
              <code>{expression}</code>
            </PageLink>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function Unknown({ name, known }: { name: string; known: readonly string[] }) {
  const go = useGo();
  const near = nearestNames(name, known, 3);
  return (
    <>
      <PageHeader title={name} />
      <EmptyState
        icon={IconSearchOff}
        title="There is no metric of this name"
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
        {near.length > 0 ? 'Did you mean one of these?' : 'Nothing of a similar name is stored either.'}
      </EmptyState>
    </>
  );
}
