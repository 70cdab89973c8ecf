import { Button, UnstyledButton } from '@mantine/core';
import { IconCircleCheck, IconFilterOff } from '@tabler/icons-react';
import { useMemo, useRef } from 'react';
import type { DroppedTarget, Targets } from '../../api/types';
import { formatCount, plural } from '../../format/value';
import { LabelChips } from '../../labels/LabelText';
import { SpacerRow } from '../../lists/SpacerRow';
import { useRowKeys } from '../../lists/useRowKeys';
import { useVirtualRows } from '../../lists/useVirtualRows';
import { useKeys } from '../../nav/keys';
import { SidePanel, Split } from '../../panel/SidePanel';
import { EmptyState } from '../../states/EmptyState';
import { LabelDiff } from './LabelDiff';
import { RelabelSteps } from './RelabelSteps';
import type { SetTargetsState, TargetsState } from './state';
import { droppedKey, filterDropped } from './target';
import classes from './targets.module.css';

const ROW_PX = 32;

interface DroppedTargetsProps {
  answer: Targets;
  filter: string;
  state: TargetsState;
  set: SetTargetsState;
}

/** Targets that discovery found and relabelling dropped. */
export function DroppedTargets({ answer, filter, state, set }: DroppedTargetsProps) {
  const { droppedTargets, droppedTargetCounts = {} } = answer;
  const scroller = useRef<HTMLDivElement>(null);
  const shown = useMemo(() => filterDropped(droppedTargets, filter), [droppedTargets, filter]);
  const view = useVirtualRows(shown.length, ROW_PX, scroller);
  const keyOf = (index: number) => (shown[index] === undefined ? '' : droppedKey(shown[index]));
  const toggle = (key: string) => set({ open: key === state.open ? '' : key });
  const [chosen] = useRowKeys(shown.length, { open: (i) => toggle(keyOf(i)), scrollTo: view.scrollTo });
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
    return (
      <EmptyState
        icon={IconFilterOff}
        title="No dropped target passes the filter"
        action={<Button onClick={() => set({ f: '' })}>Clear the filter</Button>}
      >
        All of {plural(droppedTargets.length, 'target')} are hidden by it.
      </EmptyState>
    );
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
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region has to be reachable by keyboard */}
        <section ref={scroller} className={`bw-panel ${classes.scroller}`} aria-label="Dropped targets" tabIndex={0}>
          <table className={classes.table}>
            <thead>
              <tr>
                <th scope="col">Job</th>
                <th scope="col">Address</th>
                <th scope="col" className={classes.labelsColumn}>
                  Discovered labels
                </th>
              </tr>
            </thead>
            <tbody>
              <SpacerRow height={view.before} columns={3} />
              {view.rows.map((index) => {
                const target = shown[index];
                if (target === undefined) return null;
                const key = droppedKey(target);
                return (
                  <DroppedRow
                    key={`${key} ${index}`}
                    target={target}
                    open={key === state.open}
                    chosen={index === chosen}
                    onOpen={() => toggle(key)}
                  />
                );
              })}
              <SpacerRow height={view.after} columns={3} />
            </tbody>
          </table>
        </section>
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
    <tr className={classes.target} data-row data-open={open || undefined} data-chosen={chosen || undefined}>
      <td>{target.scrapePool ?? job}</td>
      <td className={classes.endpointCell}>
        <UnstyledButton className={classes.endpoint} aria-expanded={open} onClick={onOpen}>
          {address}
        </UnstyledButton>
      </td>
      <td className={classes.labelsColumn}>
        <LabelChips labels={visible} />
      </td>
    </tr>
  );
}
