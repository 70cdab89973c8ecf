import { IconArrowRight } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { api } from '../../api/client';
import type { Answer } from '../../api/envelope';
import { TARGETS_QUERY } from '../../api/queries';
import type { InstantSample, QueryData } from '../../api/query';
import { ChartPanel } from '../../charts/ChartPanel';
import { PageLink } from '../../nav/links';
import { PageHeader } from '../../shell/PageHeader';
import { useDemo } from '../../shell/useServer';
import { ErrorCard } from '../../states/ErrorCard';
import { Loading } from '../../states/Loading';
import { exploreCodec } from '../../url/pages';
import { AllClear } from './AllClear';
import { arrivals } from './arrival';
import { Burning } from './Burning';
import { Firing } from './Firing';
import { FirstData } from './FirstData';
import classes from './home.module.css';
import { StatusTiles } from './StatusTiles';
import { Trouble } from './Trouble';

const REFRESH_MS = 5000;

/** Samples that scrapes brought in per second, over five minutes. */
const INGEST = 'sum(sum_over_time(scrape_samples_scraped[5m])) / 300';

const UP = 'sum(up)';
const DOWN = 'count(up == 0) or vector(0)';

/** Remote write requests that were taken, by the server's own count of what it answered. */
const WRITES = 'sum(bellwether_http_requests_total{handler="write",code=~"2.."})';

const INGEST_QUERIES = [{ id: 'A', expression: INGEST }];
const UP_QUERIES = [
  { id: 'A', expression: UP },
  { id: 'B', expression: DOWN },
];
const ingestName = () => 'Samples per second';
const upName = (query: string) => (query === 'A' ? 'Up' : 'Down');

/** Is it working now, what fails and why, and how does data get in. */
export function HomePage() {
  const demo = useDemo();
  const targets = useQuery({ ...TARGETS_QUERY, refetchInterval: REFRESH_MS });
  const up = useQuery({
    queryKey: ['home', 'up'],
    queryFn: ({ signal }) => api.instant('up', Date.now(), signal),
    refetchInterval: REFRESH_MS,
  });
  const writes = useQuery({
    queryKey: ['home', 'writes'],
    queryFn: ({ signal }) => api.instant(WRITES, Date.now(), signal),
    refetchInterval: REFRESH_MS,
  });
  const active = targets.data?.activeTargets;
  const taken = Number(samplesOf(writes.data)[0]?.value ?? 0);
  const arrived = active && arrivals(active, samplesOf(up.data), taken, window.location.host);
  const fresh = arrived !== undefined && !demo && arrived.scraped + arrived.pushed + arrived.writes === 0;
  return (
    <>
      <PageHeader title="Home" />
      {targets.error !== null && active === undefined && (
        <ErrorCard error={targets.error} onRetry={() => void targets.refetch()} />
      )}
      {targets.isPending && <Loading height={84} />}
      {active !== undefined && <StatusTiles targets={active} ingest={INGEST} />}
      {fresh && <FirstData arrived={arrived} demo={demo} first />}
      {active !== undefined && !fresh && <AllClear targets={active} />}
      <Firing />
      <Burning />
      {active !== undefined && <Trouble targets={active} />}
      <div className={classes.charts}>
        <ChartPanel
          title="Ingest"
          queries={INGEST_QUERIES}
          unit="short"
          height={170}
          nameOf={ingestName}
          nothing="Nothing was scraped in this time range."
          actions={<ExploreLink expression={INGEST} />}
        />
        <ChartPanel
          title="Targets over time"
          queries={UP_QUERIES}
          unit="short"
          height={170}
          nameOf={upName}
          nothing="Nothing was scraped in this time range."
          actions={<ExploreLink expression="up" />}
        />
      </div>
      {arrived !== undefined && !fresh && <FirstData arrived={arrived} demo={demo} first={false} />}
    </>
  );
}

function samplesOf(answer: Answer<QueryData> | undefined): readonly InstantSample[] {
  const result = answer?.data.result;
  return result?.type === 'vector' ? result.samples : [];
}

function ExploreLink({ expression }: { expression: string }) {
  return (
    <PageLink to="/explore" search={exploreCodec.encode({ q: [expression] })} className={classes.more}>
      Explore <IconArrowRight size={13} aria-hidden="true" />
    </PageLink>
  );
}
