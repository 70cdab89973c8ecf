import { Button } from '@mantine/core';
import { IconDatabaseOff, IconFilterOff } from '@tabler/icons-react';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useMemo, useRef } from 'react';
import type { Cardinality, LabelChoice } from '../../api/cardinality';
import { api } from '../../api/client';
import { formatCount, formatValue } from '../../format/value';
import { Choice } from '../../lists/Choice';
import { FilterBar } from '../../lists/FilterBar';
import { wordFilter } from '../../lists/matches';
import { useRowKeys } from '../../lists/useRowKeys';
import { useKeys } from '../../nav/keys';
import { useGo } from '../../nav/links';
import { useUrlState } from '../../nav/useUrlState';
import { Fact, Facts } from '../../panel/Facts';
import { SidePanel, Split } from '../../panel/SidePanel';
import { PageHeader } from '../../shell/PageHeader';
import { Boundary } from '../../states/Boundary';
import { EmptyState } from '../../states/EmptyState';
import { ErrorCard } from '../../states/ErrorCard';
import { Loading } from '../../states/Loading';
import { cardinalityCodec } from '../../url/pages';
import classes from './cardinality.module.css';
import { OffenderDetails } from './OffenderDetails';
import { choiceName, rankings, sameChoice, windowText } from './offender';
import { RankingPanel } from './RankingPanel';

const REFRESH_MS = 30_000;
const WINDOWS = { '5m': '5m', '15m': '15m', '1h': '1h', '2h': '2h' } as const;
const TOPS = { 10: '10', 20: '20', 50: '50', 200: '200' } as const;

/** Where the series come from, what is new among them, and the rule that would drop each offender. */
export function CardinalityPage() {
  const go = useGo();
  const [{ f, window, top, of }, set] = useUrlState(cardinalityCodec);
  const query = useQuery({
    queryKey: ['cardinality', top, window],
    queryFn: ({ signal }) => api.cardinality(Number(top), window, signal),
    refetchInterval: REFRESH_MS,
    placeholderData: keepPreviousData,
  });
  const close = () => set({ of: undefined, label: '' });
  useKeys({ Escape: close });
  const { data } = query;
  return (
    <>
      <PageHeader title="Cardinality" note="series in memory" />
      {query.error !== null && <ErrorCard error={query.error} onRetry={() => void query.refetch()} />}
      {query.isPending && <Loading height={420} />}
      {data !== undefined && data.total.series === 0 && (
        <EmptyState
          icon={IconDatabaseOff}
          title="Nothing is stored yet"
          action={<Button onClick={() => go({ to: '/' })}>Get data in</Button>}
        >
          Series are counted here as soon as the first samples have arrived.
        </EmptyState>
      )}
      {data !== undefined && data.total.series > 0 && (
        <>
          <Totals data={data} />
          <FilterBar label="Filter by name or value" value={f} onFilter={(f) => set({ f }, { replace: true })}>
            <span className="bw-dim">New within</span>
            <Choice
              label="Series count as new within"
              value={window}
              options={WINDOWS}
              onChange={(window) => set({ window })}
            />
            <span className="bw-dim">Top</span>
            <Choice label="Entries of each list" value={top} options={TOPS} onChange={(top) => set({ top })} />
          </FilterBar>
          <Split open={of !== undefined}>
            <Rankings
              data={data}
              filter={f}
              open={of}
              onOpen={(choice) => (sameChoice(of, choice) ? close() : set({ of: choice, label: '' }))}
              onClear={() => set({ f: '' })}
            />
            {of !== undefined && (
              <SidePanel title={choiceName(of)} onClose={close}>
                <Boundary key={choiceName(of)} what="What is known about it">
                  <OffenderDetails choice={of} window={window} all={data.total} />
                </Boundary>
              </SidePanel>
            )}
          </Split>
        </>
      )}
    </>
  );
}

function Totals({ data }: { data: Cardinality }) {
  const { total } = data;
  const perMinute = (60 * total.createdSeries) / Math.max(1, Math.min(data.windowSeconds, data.observedSeconds));
  return (
    <Facts label="All series">
      <Fact name="Series">{formatCount(total.series)}</Fact>
      <Fact name="Metric names">{formatCount(data.metricNames)}</Fact>
      <Fact name="Memory of series">{formatValue(total.memoryBytes, 'bytes')}</Fact>
      <Fact name="Per series">{formatValue(total.memoryBytes / total.series, 'bytes')}</Fact>
      <Fact name={`New series ${windowText(data)}`}>
        {formatCount(total.createdSeries)}{' '}
        <span className="bw-dim">({perMinute < 10 ? formatValue(perMinute) : formatCount(perMinute)} a minute)</span>
      </Fact>
    </Facts>
  );
}

interface RankingsProps {
  data: Cardinality;
  filter: string;
  open: LabelChoice | undefined;
  onOpen(choice: LabelChoice): void;
  onClear(): void;
}

function Rankings({ data, filter, open, onOpen, onClear }: RankingsProps) {
  const lists = useRef<HTMLDivElement>(null);
  const shown = useMemo(() => {
    const matches = wordFilter(filter);
    return rankings(data).map((ranking) => ({ ...ranking, rows: ranking.rows.filter(({ name }) => matches(name)) }));
  }, [data, filter]);
  const all = shown.flatMap(({ rows }) => rows);
  // `j` and `k` go through the lists as if they were one.
  const [chosen] = useRowKeys(all.length, {
    open: (index) => {
      const row = all[index];
      if (row !== undefined) onOpen(row.choice);
    },
    scrollTo: (index) => lists.current?.querySelectorAll('[data-row]')[index]?.scrollIntoView({ block: 'nearest' }),
  });
  if (all.length === 0) {
    return (
      <EmptyState
        icon={IconFilterOff}
        title="Nothing in these lists passes the filter"
        action={<Button onClick={onClear}>Clear the filter</Button>}
      >
        Only the largest entries are listed, so longer lists may find it.
      </EmptyState>
    );
  }
  let before = 0;
  return (
    <div ref={lists} className={classes.rankings}>
      {shown.map((ranking) => {
        const first = before;
        before += ranking.rows.length;
        const chosenRow = chosen === undefined ? undefined : chosen - first;
        return <RankingPanel key={ranking.title} ranking={ranking} open={open} chosen={chosenRow} onOpen={onOpen} />;
      })}
    </div>
  );
}
