import { Button } from '@mantine/core';
import { IconDatabaseOff } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useDeferredValue, useMemo } from 'react';
import { METADATA_QUERY, METRIC_NAMES_QUERY } from '../../api/queries';
import { formatCount, plural } from '../../format/value';
import { MenuChoice } from '../../lists/Choice';
import { FilterBar } from '../../lists/FilterBar';
import { FilteredOut } from '../../lists/FilteredOut';
import { useGo } from '../../nav/links';
import { useUrlState } from '../../nav/useUrlState';
import { PageHeader } from '../../shell/PageHeader';
import { EmptyState } from '../../states/EmptyState';
import { ErrorCard } from '../../states/ErrorCard';
import { Loading } from '../../states/Loading';
import { metricsCodec } from '../../url/pages';
import { CatalogueTable } from './CatalogueTable';
import { makeCatalogue, selectEntries } from './catalogue';
import { useSeriesCounts } from './useSeriesCounts';

const TYPES = {
  all: 'All types',
  counter: 'counter',
  gauge: 'gauge',
  histogram: 'histogram',
  summary: 'summary',
  info: 'info',
  stateset: 'stateset',
  unknown: 'unknown',
} as const;

/** Every metric that is stored: type, help, series. */
export function MetricsPage() {
  const [state, set] = useUrlState(metricsCodec);
  const go = useGo();
  const names = useQuery(METRIC_NAMES_QUERY);
  const metadata = useQuery(METADATA_QUERY);
  const counts = useSeriesCounts();
  const entries = useMemo(
    () => makeCatalogue(names.data ?? [], metadata.data ?? new Map(), counts),
    [names.data, metadata.data, counts],
  );
  const filter = useDeferredValue(state.f);
  const shown = useMemo(
    () => selectEntries(entries, { f: filter, type: state.type, sort: state.sort }),
    [entries, filter, state.type, state.sort],
  );
  const note = names.data === undefined ? undefined : amount(shown.length, entries.length);
  return (
    <>
      <PageHeader title="Metrics" note={note} />
      <FilterBar label="Filter by name or help" value={state.f} onFilter={(f) => set({ f }, { replace: true })}>
        <MenuChoice label="Type" value={state.type} options={TYPES} onChange={(type) => set({ type })} />
      </FilterBar>
      {names.error !== null && <ErrorCard error={names.error} onRetry={() => void names.refetch()} />}
      {metadata.error !== null && (
        <ErrorCard title="Type and help are missing" error={metadata.error} onRetry={() => void metadata.refetch()} />
      )}
      {names.isPending && <Loading height={480} />}
      {names.data !== undefined && entries.length === 0 && (
        <EmptyState
          icon={IconDatabaseOff}
          title="Nothing is stored yet"
          action={
            <Button variant="filled" onClick={() => go({ to: '/' })}>
              Get data in
            </Button>
          }
        >
          Metrics are listed here as soon as the first samples have arrived.
        </EmptyState>
      )}
      {entries.length > 0 && shown.length === 0 && (
        <FilteredOut what="metric" total={entries.length} onClear={() => set({ f: '', type: 'all' })} />
      )}
      {shown.length > 0 && <CatalogueTable entries={shown} sort={state.sort} onSort={(sort) => set({ sort })} />}
    </>
  );
}

function amount(shown: number, all: number): string {
  return shown === all ? plural(all, 'metric') : `${formatCount(shown)} of ${plural(all, 'metric')}`;
}
