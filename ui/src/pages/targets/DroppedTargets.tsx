import { IconCircleCheck } from '@tabler/icons-react';
import { useMemo } from 'react';
import type { DroppedTarget, Targets } from '../../api/types';
import { formatCount } from '../../format/value';
import { LabelChips } from '../../labels/LabelText';
import type { Labels } from '../../labels/labels';
import type { Column } from '../../lists/columns';
import { FilteredOut } from '../../lists/FilteredOut';
import { ListTable } from '../../lists/ListTable';
import { OpenButton } from '../../lists/rows';
import { useKeys } from '../../nav/keys';
import { SidePanel, Split } from '../../panel/SidePanel';
import { EmptyState } from '../../states/EmptyState';
import { LabelDiff } from './LabelDiff';
import { RelabelSteps } from './RelabelSteps';
import type { SetTargetsState, TargetsState } from './state';
import { droppedKey, filterDropped } from './target';
import classes from './targets.module.css';

interface DroppedTargetsProps {
  answer: Targets;
  filter: string;
  state: TargetsState;
  set: SetTargetsState;
}

/** Targets that discovery found and relabelling dropped. */
export function DroppedTargets({ answer, filter, state, set }: DroppedTargetsProps) {
  const { droppedTargets, droppedTargetCounts = {} } = answer;
  const shown = useMemo(() => filterDropped(droppedTargets, filter), [droppedTargets, filter]);
  const toggle = (key: string) => set({ open: key === state.open ? '' : key });
  const close = () => set({ open: '' });
  useKeys({ Escape: close });
  const open = droppedTargets.find((target) => droppedKey(target) === state.open);

  if (droppedTargets.length === 0) {
    return (
      <EmptyState icon={IconCircleCheck} title="Nothing is dropped">
        Every target that discovery finds is scraped.
      </EmptyState>
    );
  }
  if (shown.length === 0) {
    return <FilteredOut what="dropped target" total={droppedTargets.length} onClear={() => set({ f: '' })} />;
  }
  const total = Object.values(droppedTargetCounts).reduce((sum, count) => sum + count, 0);
  return (
    <>
      {total > droppedTargets.length && (
        <p className="bw-note">
          The server keeps {formatCount(droppedTargets.length)} of {formatCount(total)} dropped targets.
        </p>
      )}
      <Split open={open !== undefined} className={classes.split}>
        <ListTable
          label="Dropped targets"
          columns={COLUMNS}
          rows={shown}
          keyOf={keyOf}
          isOpen={(target) => droppedKey(target) === state.open}
          onOpen={(target) => toggle(droppedKey(target))}
        />
        {open !== undefined && (
          <SidePanel title={open.discoveredLabels.__address__ ?? 'dropped target'} onClose={close}>
            <LabelDiff before={open.discoveredLabels} after={{}} />
            {open.relabelSteps !== undefined && <RelabelSteps steps={open.relabelSteps} />}
          </SidePanel>
        )}
      </Split>
    </>
  );
}

const COLUMNS: readonly Column<DroppedTarget>[] = [
  { head: 'Job', cell: ({ scrapePool, discoveredLabels: { job = '' } }) => scrapePool ?? job },
  {
    head: 'Address',
    className: classes.endpointCell,
    cell: ({ discoveredLabels: { __address__: address = '' } }, opening) => (
      <OpenButton {...opening} mono>
        {address}
      </OpenButton>
    ),
  },
  {
    head: 'Discovered labels',
    extra: true,
    main: true,
    cell: (target) => <LabelChips labels={otherLabels(target)} fading />,
  },
];

/** Several may look the same. */
const keyOf = (target: DroppedTarget, place: number) => `${droppedKey(target)} ${place}`;

/** What is not told in a column of its own, nor the same everywhere. */
function otherLabels({ discoveredLabels: { __address__: _, job: __, ...rest } }: DroppedTarget): Labels {
  return Object.fromEntries(Object.entries(rest).filter(([name]) => !/^__(scheme|metrics_path|scrape_)/.test(name)));
}
