import { useQuery } from '@tanstack/react-query';
import { api } from '../../api/client';
import type { TsdbStatus } from '../../api/types';
import { formatCount } from '../../format/value';
import { useTime } from '../../nav/time';
import { FactRows, type FactTexts } from '../../panel/Facts';
import { Panel } from '../../panel/Panel';
import { RUNTIME_QUERY } from '../../shell/useServer';
import { ErrorCard } from '../../states/ErrorCard';
import { Loading } from '../../states/Loading';
import { formatMoment, type Zone } from '../../time/zone';
import { factsOf } from './facts';
import classes from './status.module.css';

/** Build, runtime and what is in memory. */
export function Overview() {
  const { zone } = useTime();
  const build = useQuery({ queryKey: ['buildinfo'], queryFn: ({ signal }) => api.buildInfo(signal) });
  const runtime = useQuery(RUNTIME_QUERY);
  const head = useQuery({
    queryKey: ['tsdb', 10],
    queryFn: ({ signal }) => api.tsdb(10, signal),
    refetchInterval: 10_000,
  });
  const now = Date.now();
  return (
    <div className={classes.columns}>
      <div className={classes.column}>
        <Part title="Build" query={build} facts={(data) => factsOf({ ...data }, zone, now)} />
        <Part title="Storage head" query={head} facts={(data) => headFacts(data, zone)} />
      </div>
      <Part title="Runtime" query={runtime} facts={(data) => factsOf({ ...data }, zone, now)} />
    </div>
  );
}

interface PartProps<T> {
  title: string;
  query: { data: T | undefined; error: unknown; refetch(): unknown };
  facts(data: T): FactTexts;
}

function Part<T>({ title, query, facts }: PartProps<T>) {
  return (
    <Panel title={title}>
      {query.error !== null && <ErrorCard error={query.error} onRetry={() => void query.refetch()} />}
      {query.data === undefined && query.error === null && <Loading height={160} />}
      {query.data !== undefined && <FactRows facts={facts(query.data)} />}
    </Panel>
  );
}

function headFacts({ headStats }: TsdbStatus, zone: Zone): FactTexts {
  const { numSeries, numLabelPairs, chunkCount, minTime, maxTime } = headStats;
  const count = (value: number | undefined) => (typeof value === 'number' ? formatCount(value) : '–');
  // An empty head has its bounds at the ends of the number range.
  const moment = (ms: number | null | undefined) =>
    ms === undefined || ms === null || Math.abs(ms) > 8.64e15 ? 'no samples yet' : formatMoment(ms, zone);
  return [
    ['Series', count(numSeries)],
    ['Chunks', count(chunkCount)],
    ['Label pairs', count(numLabelPairs)],
    ['Oldest sample', moment(minTime)],
    ['Newest sample', moment(maxTime)],
  ];
}
