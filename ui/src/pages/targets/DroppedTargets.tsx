import { IconCircleCheck } from '@tabler/icons-react';
import { useMemo } from 'react';
import type { DroppedTarget, Targets } from '../../api/types';
import { formatCount } from '../../format/value';
import { LabelChips } from '../../labels/LabelText';
import { FilteredOut } from '../../lists/FilteredOut';
import { ListTable } from '../../lists/ListTable';
import { OpenButton, ROW_PX, Row } from '../../lists/rows';
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
          columns={3}
          head={
            <>
              <th scope="col">Job</th>
              <th scope="col">Address</th>
              <th scope="col" data-extra>
                Discovered labels
              </th>
            </>
          }
          rows={shown}
          rowPx={ROW_PX.one}
          onOpen={(target) => toggle(droppedKey(target))}
        >
          {(target, chosen, index) => {
            const key = droppedKey(target);
            return (
              <DroppedRow
                key={`${key} ${index}`}
                target={target}
                open={key === state.open}
                chosen={chosen}
                onOpen={() => toggle(key)}
              />
            );
          }}
        </ListTable>
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

interface DroppedRowProps {
  target: DroppedTarget;
  open: boolean;
  chosen: boolean;
  onOpen(): void;
}

function DroppedRow({ target, open, chosen, onOpen }: DroppedRowProps) {
  const { __address__: address = '', job = '', ...rest } = target.discoveredLabels;
  const visible = Object.fromEntries(
    Object.entries(rest).filter(([name]) => !/^__(scheme|metrics_path|scrape_)/.test(name)),
  );
  return (
    <Row open={open} chosen={chosen}>
      <td>{target.scrapePool ?? job}</td>
      <td className={classes.endpointCell}>
        <OpenButton open={open} mono onOpen={onOpen}>
          {address}
        </OpenButton>
      </td>
      <td data-extra className={classes.labelsColumn}>
        <LabelChips labels={visible} fading />
      </td>
    </Row>
  );
}
