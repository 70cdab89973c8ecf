import { Tabs } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useDeferredValue } from 'react';
import { api } from '../../api/client';
import { TARGETS_QUERY } from '../../api/queries';
import type { ActiveTarget } from '../../api/types';
import { formatCount, plural } from '../../format/value';
import { Choice } from '../../lists/Choice';
import { FilterBar } from '../../lists/FilterBar';
import { useUrlState } from '../../nav/useUrlState';
import { PageHeader } from '../../shell/PageHeader';
import { Answer } from '../../states/Answer';
import { Boundary } from '../../states/Boundary';
import { targetsCodec } from '../../url/pages';
import { ActiveTargets } from './ActiveTargets';
import { DroppedTargets } from './DroppedTargets';
import { InvalidTargets } from './InvalidTargets';
import classes from './targets.module.css';

const REFRESH_MS = 5000;
const HEALTHS = { all: 'All', up: 'Up', down: 'Down', unknown: 'Unknown' } as const;

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
  return (
    <>
      <PageHeader title="Targets" note={active.data && counts(active.data.activeTargets)} />
      <FilterBar
        label="Filter by job, address, label or error"
        value={state.f}
        onFilter={(f) => set({ f }, { replace: true })}
        before={
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
        }
      >
        {state.tab === 'active' && (
          <Choice label="State" value={state.health} options={HEALTHS} onChange={(health) => set({ health })} />
        )}
      </FilterBar>
      <Boundary key={state.tab} what="The list of targets">
        {state.tab === 'active' ? (
          <Answer query={active} height={420}>
            {({ invalidTargets, activeTargets }) => (
              <>
                <InvalidTargets targets={invalidTargets} />
                <ActiveTargets targets={activeTargets} filter={filter} state={state} set={set} />
              </>
            )}
          </Answer>
        ) : (
          <Answer query={dropped} height={420}>
            {(answer) => <DroppedTargets answer={answer} filter={filter} state={state} set={set} />}
          </Answer>
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
  return count === undefined ? null : <span className="bw-count">{formatCount(count)}</span>;
}

/** The server may keep fewer dropped targets than there were, and counts them all the same. */
function countDropped({ droppedTargets, droppedTargetCounts }: Awaited<ReturnType<typeof api.targets>>): number {
  const counted = Object.values(droppedTargetCounts ?? {}).reduce((sum, count) => sum + count, 0);
  return Math.max(counted, droppedTargets.length);
}
