import { Button, UnstyledButton } from '@mantine/core';
import { IconChevronRight, IconFilterOff, IconTargetOff } from '@tabler/icons-react';
import { useMemo, useRef, useState } from 'react';
import type { ActiveTarget } from '../../api/types';
import { plural } from '../../format/value';
import { LabelChips } from '../../labels/LabelText';
import type { Labels } from '../../labels/labels';
import { SpacerRow } from '../../lists/SpacerRow';
import { useRowKeys } from '../../lists/useRowKeys';
import { useVirtualRows } from '../../lists/useVirtualRows';
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
const ROW_PX = { pool: 32, target: 32, error: 26 };

type Row =
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
    return (
      <EmptyState
        icon={IconFilterOff}
        title="No target passes the filter"
        action={<Button onClick={() => set({ f: '', health: 'all' })}>Clear the filter</Button>}
      >
        All of {plural(targets.length, 'target')} are hidden by it.
      </EmptyState>
    );
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

function rowsOf(pools: readonly Pool[], closed: ReadonlySet<string>): Row[] {
  return pools.flatMap((pool) => {
    const open = !closed.has(pool.name);
    const head: Row = { kind: 'pool', pool, open };
    if (!open) return [head];
    const body = pool.targets.flatMap((target): Row[] => {
      const row: Row = { kind: 'target', target };
      return target.lastError === '' ? [row] : [row, { kind: 'error', target }];
    });
    return [head, ...body];
  });
}

interface TargetTableProps {
  rows: readonly Row[];
  openKey: string;
  onOpen(key: string): void;
  onToggle(pool: string): void;
}

function TargetTable({ rows, openKey, onOpen, onToggle }: TargetTableProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const now = useNow();
  const view = useVirtualRows(rows.length, (index) => ROW_PX[rows[index]?.kind ?? 'target'], scroller);
  // `j` and `k` go from target to target; heads and errors are passed over.
  const stops = rows.flatMap((row, index) => (row.kind === 'target' ? [{ index, key: targetKey(row.target) }] : []));
  const [chosen] = useRowKeys(stops.length, {
    open: (stop) => onOpen(stops[stop]?.key ?? ''),
    scrollTo: (stop) => view.scrollTo(stops[stop]?.index ?? 0),
  });
  const chosenKey = chosen === undefined ? undefined : stops[chosen]?.key;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region has to be reachable by keyboard
    <section ref={scroller} className={`bw-panel ${classes.scroller}`} aria-label="Active targets" tabIndex={0}>
      <table className={classes.table}>
        <thead>
          <tr>
            <th scope="col">State</th>
            <th scope="col">Endpoint</th>
            <th scope="col" className={classes.labelsColumn}>
              Labels
            </th>
            <th scope="col" className={classes.packsColumn}>
              Packs
            </th>
            <th scope="col" className={classes.number}>
              Last scrape
            </th>
            <th scope="col" className={classes.number}>
              Took
            </th>
            <th scope="col" className={`${classes.number} ${classes.nextColumn}`}>
              Next
            </th>
          </tr>
        </thead>
        <tbody>
          <SpacerRow height={view.before} columns={COLUMNS} />
          {view.rows.map((index) => {
            const row = rows[index];
            if (row === undefined) return null;
            if (row.kind === 'pool') return <PoolRow key={row.pool.name} {...row} onToggle={onToggle} />;
            const key = targetKey(row.target);
            if (row.kind === 'error') return <ErrorRow key={`${key} error`} target={row.target} />;
            return (
              <TargetRow
                key={key}
                target={row.target}
                now={now}
                open={key === openKey}
                chosen={key === chosenKey}
                onOpen={() => onOpen(key)}
              />
            );
          })}
          <SpacerRow height={view.after} columns={COLUMNS} />
        </tbody>
      </table>
    </section>
  );
}

function PoolRow({ pool, open, onToggle }: { pool: Pool; open: boolean; onToggle(pool: string): void }) {
  const down = pool.targets.filter(({ health }) => health === 'down').length;
  return (
    <tr className={classes.pool} data-row>
      <th scope="rowgroup" colSpan={COLUMNS}>
        <UnstyledButton className={classes.poolButton} aria-expanded={open} onClick={() => onToggle(pool.name)}>
          <IconChevronRight size={14} className={classes.chevron} aria-hidden="true" />
          {pool.name}
          <span className={classes.poolNote}>
            {pool.up} of {pool.targets.length} up
            {down > 0 && <span className={classes.poolDown}>, {down} down</span>}
          </span>
        </UnstyledButton>
      </th>
    </tr>
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
    <tr className={classes.target} data-row data-open={open || undefined} data-chosen={chosen || undefined}>
      <td>
        <HealthBadge health={target.health} />
      </td>
      <td className={classes.endpointCell}>
        <UnstyledButton className={classes.endpoint} aria-expanded={open} title={target.scrapeUrl} onClick={onOpen}>
          <Endpoint url={target.scrapeUrl} />
        </UnstyledButton>
      </td>
      <td className={classes.labelsColumn}>
        <LabelChips labels={ownLabels(target)} />
      </td>
      <td className={classes.packsColumn}>
        <PackCheck check={target.packs} />
      </td>
      <td className={classes.number}>{last === undefined ? 'not yet' : formatAgo(Math.max(0, now - last))}</td>
      <td className={classes.number} data-slow={slow || undefined} title={slow ? 'Close to the timeout' : undefined}>
        {last === undefined ? '–' : formatSeconds(target.lastScrapeDuration)}
      </td>
      <td className={`${classes.number} ${classes.nextColumn}`}>
        {next === undefined ? '–' : formatAgo(Math.min(0, now - next))}
      </td>
    </tr>
  );
}

/** Labels that the head of the group does not tell already. */
function ownLabels({ labels, scrapePool }: ActiveTarget): Labels {
  const { job, ...rest } = labels;
  return job === undefined || job === scrapePool ? rest : labels;
}

function ErrorRow({ target }: { target: ActiveTarget }) {
  const place = errorPlace(target);
  return (
    <tr className={classes.error} data-row>
      <td />
      <td colSpan={COLUMNS - 1} title={target.lastError}>
        {place !== undefined && <span className={classes.line}>{place}</span>}
        {target.lastError}
      </td>
    </tr>
  );
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
