import { SegmentedControl, Tabs } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useDeferredValue } from 'react';
import { api } from '../../api/client';
import { TARGETS_QUERY } from '../../api/queries';
import type { ActiveTarget } from '../../api/types';
import { formatCount, plural } from '../../format/value';
import { FilterField } from '../../lists/FilterField';
import { useUrlState } from '../../nav/useUrlState';
import { PageHeader } from '../../shell/PageHeader';
import { Boundary } from '../../states/Boundary';
import { ErrorCard } from '../../states/ErrorCard';
import { Loading } from '../../states/Loading';
import { targetsCodec } from '../../url/pages';
import { ActiveTargets } from './ActiveTargets';
import { DroppedTargets } from './DroppedTargets';
import { InvalidTargets } from './InvalidTargets';
import classes from './targets.module.css';

const REFRESH_MS = 5000;
const HEALTHS = ['all', 'up', 'down', 'unknown'] as const;

/** Who is scraped, how that goes, and what relabelling made of each target. */
export function TargetsPage() {
  const [state, set] = useUrlState(targetsCodec);
  const active = useQuery({ ...TARGETS_QUERY, refetchInterval: REFRESH_MS });
  const dropped = useQuery({
    queryKey: ['targets', 'dropped'],
    queryFn: ({ signal }) => api.targets('dropped', signal),
    refetchInterval: state.tab === 'dropped' ? REFRESH_MS : false,
  });
  const filter = useDeferredValue(state.f);
  const query = state.tab === 'active' ? active : dropped;
  return (
    <>
      <PageHeader title="Targets" note={active.data && counts(active.data.activeTargets)} />
      <div className={classes.bar}>
        <Tabs
          variant="pills"
          value={state.tab}
          onChange={(tab) => set({ tab: tab === 'dropped' ? 'dropped' : 'active', open: '' })}
        >
          <Tabs.List>
            <Tabs.Tab value="active">Active {amount(active.data?.activeTargets.length)}</Tabs.Tab>
            <Tabs.Tab value="dropped">Dropped {amount(dropped.data && countDropped(dropped.data))}</Tabs.Tab>
          </Tabs.List>
        </Tabs>
        <FilterField
          label="Filter by job, address, label or error"
          value={state.f}
          onChange={(f) => set({ f }, { replace: true })}
        />
        {state.tab === 'active' && (
          <SegmentedControl
            aria-label="State"
            value={state.health}
            onChange={(value) => set({ health: HEALTHS.find((health) => health === value) ?? 'all' })}
            data={[
              { value: 'all', label: 'All' },
              { value: 'up', label: 'Up' },
              { value: 'down', label: 'Down' },
              { value: 'unknown', label: 'Unknown' },
            ]}
          />
        )}
      </div>
      {query.error !== null && <ErrorCard error={query.error} onRetry={() => void query.refetch()} />}
      {query.isPending && <Loading height={420} />}
      <Boundary key={state.tab} what="The list of targets">
        {state.tab === 'active' && active.data !== undefined && <InvalidTargets targets={active.data.invalidTargets} />}
        {state.tab === 'active' && active.data !== undefined && (
          <ActiveTargets targets={active.data.activeTargets} filter={filter} state={state} set={set} />
        )}
        {state.tab === 'dropped' && dropped.data !== undefined && (
          <DroppedTargets answer={dropped.data} filter={filter} state={state} set={set} />
        )}
      </Boundary>
    </>
  );
}

function counts(targets: readonly ActiveTarget[]): ReactNode {
  const down = targets.filter(({ health }) => health === 'down').length;
  const all = plural(targets.length, 'target');
  if (down === 0) return all;
  return (
    <>
      {all}, <span className={classes.poolDown}>{formatCount(down)} down</span>
    </>
  );
}

function amount(count: number | undefined) {
  return count === undefined ? null : <span className={classes.count}>{formatCount(count)}</span>;
}

/** The server may keep fewer dropped targets than there were, and counts them all the same. */
function countDropped({ droppedTargets, droppedTargetCounts }: Awaited<ReturnType<typeof api.targets>>): number {
  const counted = Object.values(droppedTargetCounts ?? {}).reduce((sum, count) => sum + count, 0);
  return Math.max(counted, droppedTargets.length);
}
