import { Button } from '@mantine/core';
import { IconTargetOff } from '@tabler/icons-react';
import { useMemo, useState } from 'react';
import type { ActiveTarget } from '../../api/types';
import { LabelChips } from '../../labels/LabelText';
import type { Labels } from '../../labels/labels';
import { FilteredOut } from '../../lists/FilteredOut';
import { ListTable } from '../../lists/ListTable';
import { ErrorRow, GroupRow, OpenButton, ROW_PX, Row } from '../../lists/rows';
import { useKeys } from '../../nav/keys';
import { useGo } from '../../nav/links';
import { useNow } from '../../nav/useNow';
import { SidePanel, Split } from '../../panel/SidePanel';
import { EmptyState } from '../../states/EmptyState';
import { HealthBadge } from '../../states/HealthBadge';
import { formatAgo, formatSeconds, parseDuration } from '../../time/duration';
import { PackCheck } from './PackCheck';
import type { SetTargetsState, TargetsState } from './state';
import { TargetDetails } from './TargetDetails';
import { errorPlace, filterTargets, groupByPool, lastScrapeMs, nextScrapeMs, type Pool, targetKey } from './target';
import classes from './targets.module.css';

const COLUMNS = 7;

type Listed =
  | { kind: 'pool'; pool: Pool; open: boolean }
  | { kind: 'target'; target: ActiveTarget }
  | { kind: 'error'; target: ActiveTarget };

interface ActiveTargetsProps {
  targets: readonly ActiveTarget[];
  filter: string;
  state: TargetsState;
  set: SetTargetsState;
}

/** Targets by job, with the details of one beside them. */
export function ActiveTargets({ targets, filter, state, set }: ActiveTargetsProps) {
  const go = useGo();
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const shown = useMemo(() => filterTargets(targets, filter, state.health), [targets, filter, state.health]);
  const pools = useMemo(() => groupByPool(shown), [shown]);
  const rows = useMemo(() => rowsOf(pools, closed), [pools, closed]);
  const open = targets.find((target) => targetKey(target) === state.open);
  const close = () => set({ open: '' });
  useKeys({ Escape: close });

  if (targets.length === 0) {
    return (
      <EmptyState
        icon={IconTargetOff}
        title="No targets"
        action={
          <Button variant="filled" onClick={() => go({ to: '/' })}>
            Add a target
          </Button>
        }
      >
        Nothing is being scraped: the configuration names no job, or discovery found nothing, or relabelling dropped it.
      </EmptyState>
    );
  }
  if (shown.length === 0) {
    return <FilteredOut what="target" total={targets.length} onClear={() => set({ f: '', health: 'all' })} />;
  }
  const toggle = (pool: string) => {
    const next = new Set(closed);
    if (!next.delete(pool)) next.add(pool);
    setClosed(next);
  };
  return (
    <Split open={open !== undefined} className={classes.split}>
      <TargetTable
        rows={rows}
        openKey={state.open}
        onOpen={(key) => set({ open: key === state.open ? '' : key })}
        onToggle={toggle}
      />
      {open !== undefined && (
        <SidePanel title={open.labels.instance ?? open.scrapeUrl} onClose={close}>
          <TargetDetails target={open} />
        </SidePanel>
      )}
    </Split>
  );
}

function rowsOf(pools: readonly Pool[], closed: ReadonlySet<string>): Listed[] {
  return pools.flatMap((pool) => {
    const open = !closed.has(pool.name);
    const head: Listed = { kind: 'pool', pool, open };
    if (!open) return [head];
    const body = pool.targets.flatMap((target): Listed[] => {
      const row: Listed = { kind: 'target', target };
      return target.lastError === '' ? [row] : [row, { kind: 'error', target }];
    });
    return [head, ...body];
  });
}

interface TargetTableProps {
  rows: readonly Listed[];
  openKey: string;
  onOpen(key: string): void;
  onToggle(pool: string): void;
}

function TargetTable({ rows, openKey, onOpen, onToggle }: TargetTableProps) {
  const now = useNow();
  return (
    <ListTable
      label="Active targets"
      columns={COLUMNS}
      head={
        <>
          <th scope="col">State</th>
          <th scope="col">Endpoint</th>
          <th scope="col" data-extra>
            Labels
          </th>
          <th scope="col" data-extra>
            Packs
          </th>
          <th scope="col" data-numeric>
            Last scrape
          </th>
          <th scope="col" data-numeric>
            Took
          </th>
          <th scope="col" data-extra data-numeric>
            Next
          </th>
        </>
      }
      rows={rows}
      rowPx={heightOf}
      stops={isTarget}
      onOpen={(row) => {
        if (row.kind !== 'pool') onOpen(targetKey(row.target));
      }}
    >
      {(row, chosen) => {
        if (row.kind === 'pool') return <PoolRow key={row.pool.name} {...row} onToggle={onToggle} />;
        const key = targetKey(row.target);
        if (row.kind === 'error') {
          const { lastError } = row.target;
          return <ErrorRow key={`${key} error`} columns={COLUMNS} error={lastError} place={errorPlace(row.target)} />;
        }
        return (
          <TargetRow
            key={key}
            target={row.target}
            now={now}
            open={key === openKey}
            chosen={chosen}
            onOpen={() => onOpen(key)}
          />
        );
      }}
    </ListTable>
  );
}

const HEIGHTS = { pool: ROW_PX.group, target: ROW_PX.one, error: ROW_PX.error };
const heightOf = ({ kind }: Listed) => HEIGHTS[kind];
const isTarget = ({ kind }: Listed) => kind === 'target';

function PoolRow({ pool, open, onToggle }: { pool: Pool; open: boolean; onToggle(pool: string): void }) {
  const down = pool.targets.filter(({ health }) => health === 'down').length;
  return (
    <GroupRow
      columns={COLUMNS}
      name={pool.name}
      note={
        <>
          {pool.up} of {pool.targets.length} up
          {down > 0 && <span className={classes.poolDown}>, {down} down</span>}
        </>
      }
      open={open}
      onToggle={() => onToggle(pool.name)}
    />
  );
}

interface TargetRowProps {
  target: ActiveTarget;
  now: number;
  open: boolean;
  chosen: boolean;
  onOpen(): void;
}

function TargetRow({ target, now, open, chosen, onOpen }: TargetRowProps) {
  const last = lastScrapeMs(target);
  const next = nextScrapeMs(target);
  const timeout = parseDuration(target.scrapeTimeout) ?? Number.POSITIVE_INFINITY;
  // A scrape that needs most of its time will fail one day.
  const slow = target.lastScrapeDuration * 1000 > timeout * 0.8;
  return (
    <Row open={open} chosen={chosen}>
      <td>
        <HealthBadge health={target.health} />
      </td>
      <td className={classes.endpointCell}>
        <OpenButton open={open} title={target.scrapeUrl} mono onOpen={onOpen}>
          <Endpoint url={target.scrapeUrl} />
        </OpenButton>
      </td>
      <td data-extra className={classes.labelsColumn}>
        <LabelChips labels={ownLabels(target)} fading />
      </td>
      <td data-extra>
        <PackCheck check={target.packs} />
      </td>
      <td data-numeric>{last === undefined ? 'not yet' : formatAgo(Math.max(0, now - last))}</td>
      <td data-numeric data-slow={slow || undefined} title={slow ? 'Close to the timeout' : undefined}>
        {last === undefined ? '–' : formatSeconds(target.lastScrapeDuration)}
      </td>
      <td data-extra data-numeric>
        {next === undefined ? '–' : formatAgo(Math.min(0, now - next))}
      </td>
    </Row>
  );
}

/** Labels that the head of the group does not tell already. */
function ownLabels({ labels, scrapePool }: ActiveTarget): Labels {
  const { job, ...rest } = labels;
  return job === undefined || job === scrapePool ? rest : labels;
}

/** An address of which a telephone shows only what tells targets apart. */
function Endpoint({ url }: { url: string }) {
  const [, scheme = '', host = url, path = ''] = /^([a-z]+:\/\/)([^/]+)(.*)$/.exec(url) ?? [];
  return (
    <>
      <span className={classes.wide}>{scheme}</span>
      {host}
      <span className={classes.wide}>{path}</span>
    </>
  );
}
