import { Button } from '@mantine/core';
import { IconDatabaseOff } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { api } from '../../api/client';
import type { NamedCount } from '../../api/types';
import { formatCount, formatValue, plural } from '../../format/value';
import { escapeValue, quoteName } from '../../labels/labels';
import { PageLink, useGo } from '../../nav/links';
import { Panel } from '../../panel/Panel';
import { EmptyState } from '../../states/EmptyState';
import { ErrorCard } from '../../states/ErrorCard';
import { Loading } from '../../states/Loading';
import { exploreCodec } from '../../url/pages';
import classes from './status.module.css';

const MOST = 20;

/** Where the series come from: the usual suspects, the worst first. */
export function Cardinality() {
  const go = useGo();
  const query = useQuery({
    queryKey: ['tsdb', MOST],
    queryFn: ({ signal }) => api.tsdb(MOST, signal),
    refetchInterval: 30_000,
  });
  if (query.error !== null) return <ErrorCard error={query.error} onRetry={() => void query.refetch()} />;
  if (query.data === undefined) return <Loading height={420} />;
  const { data } = query;
  if (data.headStats.numSeries === 0) {
    return (
      <EmptyState
        icon={IconDatabaseOff}
        title="Nothing is stored yet"
        action={<Button onClick={() => go({ to: '/' })}>Get data in</Button>}
      >
        Series are counted here as soon as the first samples have arrived.
      </EmptyState>
    );
  }
  const metric = ({ name }: NamedCount) => (
    <PageLink to="/metrics/$name" params={{ name }}>
      {name}
    </PageLink>
  );
  return (
    <>
      <p className="bw-note">{plural(data.headStats.numSeries, 'series', 'series')} in memory.</p>
      <div className={classes.columns}>
        <TopList title="Series by metric" rows={data.seriesCountByMetricName} name={metric} />
        <TopList title="Series by label and value" rows={data.seriesCountByLabelValuePair} name={pairLink} />
        <TopList title="Values by label" rows={data.labelValueCountByLabelName} />
        <TopList
          title="Memory by label"
          rows={data.memoryInBytesByLabelName}
          format={(value) => formatValue(value, 'bytes')}
        />
      </div>
    </>
  );
}

/** `job=node` as the server writes it, leading to its series. */
function pairLink({ name }: NamedCount): ReactNode {
  const split = name.indexOf('=');
  if (split < 1) return name;
  const [label, value] = [name.slice(0, split), name.slice(split + 1)];
  const expression = `count by (__name__) ({${quoteName(label)}="${escapeValue(value)}"})`;
  return (
    <PageLink to="/explore" search={exploreCodec.encode({ q: [expression], tab: 'table' })}>
      {name}
    </PageLink>
  );
}

interface TopListProps {
  title: string;
  rows: readonly NamedCount[];
  name?: (row: NamedCount) => ReactNode;
  format?: (value: number) => string;
}

function TopList({ title, rows, name = (row) => row.name, format = formatCount }: TopListProps) {
  const most = Math.max(1, ...rows.map(({ value }) => value));
  return (
    <Panel title={title} note={`top ${rows.length}`} flush>
      {rows.length === 0 && <p className="bw-note">None.</p>}
      <ol className={classes.top}>
        {rows.map((row) => (
          <li key={row.name}>
            <span className={classes.topBar} style={{ width: `${(100 * row.value) / most}%` }} />
            <span className={classes.topName} title={row.name}>
              {name(row)}
            </span>
            <span className={classes.topValue}>{format(row.value)}</span>
          </li>
        ))}
      </ol>
    </Panel>
  );
}
