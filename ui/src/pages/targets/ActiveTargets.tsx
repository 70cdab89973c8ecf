import { Button } from '@mantine/core';
import { IconTargetOff } from '@tabler/icons-react';
import { useMemo } from 'react';
import type { ActiveTarget } from '../../api/types';
import { LabelChips } from '../../labels/LabelText';
import type { Labels } from '../../labels/labels';
import type { Column } from '../../lists/columns';
import { FilteredOut } from '../../lists/FilteredOut';
import { ListTable } from '../../lists/ListTable';
import type { ListGroup } from '../../lists/lines';
import { OpenButton } from '../../lists/rows';
import { useKeys } from '../../nav/keys';
import { useGo } from '../../nav/links';
import { useNow } from '../../nav/useNow';
import { SidePanel, Split } from '../../panel/SidePanel';
import { EmptyState } from '../../states/EmptyState';
import { HealthBadge } from '../../states/HealthBadge';
import { formatSeconds, formatSince, formatUntil, parseDuration } from '../../time/duration';
import { PackCheck } from './PackCheck';
import type { SetTargetsState, TargetsState } from './state';
import { TargetDetails } from './TargetDetails';
import { errorPlace, filterTargets, groupByPool, lastScrapeMs, nextScrapeMs, type Pool, targetKey } from './target';
import classes from './targets.module.css';

interface ActiveTargetsProps {
  targets: readonly ActiveTarget[];
  filter: string;
  state: TargetsState;
  set: SetTargetsState;
}

/** Targets by job, with the details of one beside them. */
export function ActiveTargets({ targets, filter, state, set }: ActiveTargetsProps) {
  const go = useGo();
  const shown = useMemo(() => filterTargets(targets, filter, state.health), [targets, filter, state.health]);
  const groups = useMemo(() => groupByPool(shown).map(listedPool), [shown]);
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
  return (
    <Split open={open !== undefined} className={classes.split}>
      <TargetTable
        groups={groups}
        openKey={state.open}
        onOpen={(key) => set({ open: key === state.open ? '' : key })}
      />
      {open !== undefined && (
        <SidePanel title={open.labels.instance ?? open.scrapeUrl} onClose={close}>
          <TargetDetails target={open} />
        </SidePanel>
      )}
    </Split>
  );
}

const listedPool = ({ name, up, targets }: Pool): ListGroup<ActiveTarget> => ({
  key: name,
  rows: targets,
  head: () => {
    const down = targets.filter(({ health }) => health === 'down').length;
    return {
      name,
      note: (
        <>
          {up} of {targets.length} up
          {down > 0 && <span className={classes.poolDown}>, {down} down</span>}
        </>
      ),
    };
  },
});

interface TargetTableProps {
  groups: readonly ListGroup<ActiveTarget>[];
  openKey: string;
  onOpen(key: string): void;
}

function TargetTable({ groups, openKey, onOpen }: TargetTableProps) {
  const now = useNow();
  const columns: Column<ActiveTarget>[] = [
    { head: 'State', cell: ({ health }) => <HealthBadge health={health} /> },
    {
      head: 'Endpoint',
      className: classes.endpointCell,
      cell: ({ scrapeUrl }, opening) => (
        <OpenButton {...opening} title={scrapeUrl} mono>
          <Endpoint url={scrapeUrl} />
        </OpenButton>
      ),
    },
    {
      head: 'Labels',
      extra: true,
      main: true,
      cell: (target) => <LabelChips labels={ownLabels(target)} fading />,
    },
    { head: 'Packs', extra: true, cell: ({ packs }) => <PackCheck check={packs} /> },
    {
      head: 'Last scrape',
      numeric: true,
      cell: (target) => {
        const last = lastScrapeMs(target);
        return last === undefined ? 'not yet' : formatSince(last, now);
      },
    },
    {
      head: 'Took',
      numeric: true,
      cell: (target) => (lastScrapeMs(target) === undefined ? '–' : formatSeconds(target.lastScrapeDuration)),
      warns: isSlow,
      title: (target) => (isSlow(target) ? 'Close to the timeout' : undefined),
    },
    {
      head: 'Next',
      extra: true,
      numeric: true,
      cell: (target) => {
        const next = nextScrapeMs(target);
        return next === undefined ? '–' : formatUntil(next, now);
      },
    },
  ];
  return (
    <ListTable
      label="Active targets"
      columns={columns}
      groups={groups}
      folds
      keyOf={targetKey}
      errorOf={errorOf}
      isOpen={(target) => targetKey(target) === openKey}
      onOpen={(target) => onOpen(targetKey(target))}
    />
  );
}

const errorOf = (target: ActiveTarget) =>
  target.lastError === '' ? undefined : { error: target.lastError, place: errorPlace(target) };

/** A scrape that needs most of its time will fail one day. */
function isSlow({ lastScrapeDuration, scrapeTimeout }: ActiveTarget): boolean {
  return lastScrapeDuration * 1000 > (parseDuration(scrapeTimeout) ?? Number.POSITIVE_INFINITY) * 0.8;
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
