import { Button } from '@mantine/core';
import { IconSearchOff } from '@tabler/icons-react';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { Breakdown, LabelChoice, SeriesCost } from '../../api/cardinality';
import { api } from '../../api/client';
import { formatCount, formatValue, plural } from '../../format/value';
import { escapeValue, metricSelector, quoteName } from '../../labels/labels';
import { CopyText } from '../../lists/CopyText';
import { PageLink } from '../../nav/links';
import { useUrlState } from '../../nav/useUrlState';
import { Fact, FactList } from '../../panel/Facts';
import { EmptyState } from '../../states/EmptyState';
import { ErrorCard } from '../../states/ErrorCard';
import { Loading } from '../../states/Loading';
import { cardinalityCodec, exploreCodec } from '../../url/pages';
import { BarList } from './BarList';
import { Collision } from './Collision';
import classes from './cardinality.module.css';
import { LabelsOf } from './LabelsOf';
import { isMetric, metricChoice, share } from './offender';
import { dropLabel, dropSeries } from './rules';

/** Values and metrics listed of an offender. */
const MOST = 20;

interface OffenderDetailsProps {
  choice: LabelChoice;
  window: string;
  /** What all series in memory cost. */
  all: SeriesCost;
}

/** What an offender consists of, and what there would be without it. */
export function OffenderDetails({ choice, window, all }: OffenderDetailsProps) {
  const [, set] = useUrlState(cardinalityCodec);
  const query = useQuery({
    queryKey: ['cardinality', 'breakdown', choice, window],
    queryFn: ({ signal }) => api.breakdown(choice, MOST, window, signal),
    placeholderData: keepPreviousData,
    staleTime: 10_000,
  });
  if (query.isPending) return <Loading height={320} />;
  if (query.error !== null) return <ErrorCard error={query.error} onRetry={() => void query.refetch()} />;
  const { data } = query;
  const { total } = data;
  if (total.series === 0) {
    return (
      <EmptyState
        icon={IconSearchOff}
        title="No series in memory has this"
        action={<Button onClick={() => set({ of: undefined })}>Close</Button>}
      >
        It may have gone since, or the link is from another server.
      </EmptyState>
    );
  }
  return (
    <>
      <FactList>
        <Fact name="Series">
          {formatCount(total.series)} <span className="bw-dim">({share(total.series, all.series)})</span>
        </Fact>
        <Fact name={`New within ${window}`}>{formatCount(total.createdSeries)}</Fact>
        <Fact name="Memory">{formatValue(total.memoryBytes, 'bytes')}</Fact>
      </FactList>
      <Links choice={choice} />
      {choice.value === undefined ? (
        <WithoutLabel label={choice.label} data={data} />
      ) : (
        <WithoutSeries label={choice.label} value={choice.value} total={total} all={all} data={data} />
      )}
      {!isMetric(choice) && (
        <Part title={`Metrics that have ${choice.value === undefined ? 'the label' : 'it'}`}>
          <BarList rows={data.metrics} onChoose={(name) => set({ of: metricChoice(name), label: '' })} />
        </Part>
      )}
      <Part title={choice.value === undefined ? 'Values with the most series' : 'Labels of these series'}>
        <LabelsOf choice={choice} data={data} />
      </Part>
    </>
  );
}

function Links({ choice }: { choice: LabelChoice }) {
  const { label, value } = choice;
  const matcher = value === undefined ? `${quoteName(label)}!=""` : `${quoteName(label)}="${escapeValue(value)}"`;
  const expression = isMetric(choice) ? metricSelector(value ?? '') : `count by (__name__) ({${matcher}})`;
  return (
    <div className={classes.links}>
      <PageLink to="/explore" search={exploreCodec.encode({ q: [expression], tab: 'table' })}>
        Explore
      </PageLink>
      {isMetric(choice) && (
        <PageLink to="/metrics/$name" params={{ name: value ?? '' }}>
          About the metric
        </PageLink>
      )}
    </div>
  );
}

interface WithoutSeriesProps {
  label: string;
  value: string;
  total: SeriesCost;
  all: SeriesCost;
  data: Breakdown;
}

/** The rule that drops the series, and what that saves. */
function WithoutSeries({ label, value, total, all, data }: WithoutSeriesProps) {
  const jobs =
    label === 'job'
      ? [value]
      : (data.labels.find(({ name }) => name === 'job')?.topValues ?? []).map((own) => own.name);
  return (
    <Part title="The rule that drops them">
      <p className={classes.saving}>
        Saves <b>{plural(total.series, 'series', 'series')}</b>, {share(total.series, all.series)} of all, and about{' '}
        <b>{formatValue(total.memoryBytes, 'bytes')}</b> of memory.
      </p>
      <CopyText text={dropSeries(label, value)} label="the rule" />
      <Where jobs={jobs} />
    </Part>
  );
}

/** The rule that takes the label away, and whether the series can do without it. */
function WithoutLabel({ label, data }: { label: string; data: Breakdown }) {
  const [own] = data.labels;
  if (own === undefined) return null;
  const collide = data.examinedSeries - own.distinctSeriesWithout;
  return (
    <Part title="The rule that drops the label">
      <p className={classes.saving}>
        Saves about <b>{formatValue(own.memoryBytes, 'bytes')}</b> of memory in {plural(own.series, 'series', 'series')}
        .
      </p>
      {collide > 0 && <Collision kept={own.distinctSeriesWithout} of={data.examinedSeries} />}
      <CopyText text={dropLabel(label)} label="the rule" />
      <Where jobs={[]} />
    </Part>
  );
}

function Where({ jobs }: { jobs: readonly string[] }) {
  const named = jobs.slice(0, 3).join(', ') + (jobs.length > 3 ? ' and others' : '');
  return (
    <p className={classes.where}>
      It belongs to the scrape configuration{named === '' ? ' of the job that sends them' : ` of ${named}`}; for what is
      pushed, under <code>write_relabel_configs</code> of the sender. What is stored stays until the retention drops it.
    </p>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className={classes.part}>
      <h3>{title}</h3>
      {children}
    </section>
  );
}
