import { Button, NativeSelect } from '@mantine/core';
import { IconFilterOff, IconGauge } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useDeferredValue, useMemo, useRef } from 'react';
import classes from '../../alerting/alerting.module.css';
import type { Slo } from '../../api/alerting';
import { alerting } from '../../api/alertingClient';
import { formatCount, plural } from '../../format/value';
import { selector } from '../../labels/labels';
import { FilterField } from '../../lists/FilterField';
import { wordFilter } from '../../lists/matches';
import { SpacerRow } from '../../lists/SpacerRow';
import { useRowKeys } from '../../lists/useRowKeys';
import { useVirtualRows } from '../../lists/useVirtualRows';
import { PageLink, useGo } from '../../nav/links';
import { useNow } from '../../nav/useNow';
import { useUrlState } from '../../nav/useUrlState';
import { PageHeader } from '../../shell/PageHeader';
import { EmptyState } from '../../states/EmptyState';
import { ErrorCard } from '../../states/ErrorCard';
import { Loading } from '../../states/Loading';
import { SLO_SORTS, slosCodec } from '../../url/alerting';
import { BudgetBar, StandingBadge } from './Standing';
import { alertText, burnNow, exhaustionText, isFiring, percentText, sortSlos, standingOf } from './slo';
import own from './slos.module.css';

const REFRESH_MS = 10_000;
const COLUMNS = 7;
const ROW_PX = 48;

/** How much must be good, how much of the room for failures is left, and how fast it goes. */
export function SlosPage() {
  const [state, set] = useUrlState(slosCodec);
  const query = useQuery({
    queryKey: ['slos'],
    queryFn: ({ signal }) => alerting.slos(signal),
    refetchInterval: REFRESH_MS,
  });
  return (
    <>
      <PageHeader title="SLOs" note={query.data && note(query.data)} />
      <div className={classes.bar}>
        <FilterField
          label="Filter by name, service or label"
          value={state.f}
          onChange={(f) => set({ f }, { replace: true })}
        />
        <NativeSelect
          aria-label="Order"
          value={state.sort}
          onChange={({ currentTarget }) =>
            set({ sort: SLO_SORTS.find((known) => known === currentTarget.value) ?? 'budget' })
          }
          data={[
            { value: 'budget', label: 'Least budget first' },
            { value: 'burn', label: 'Fastest burn first' },
            { value: 'name', label: 'By name' },
          ]}
        />
      </div>
      {query.error !== null && <ErrorCard error={query.error} onRetry={() => void query.refetch()} />}
      {query.isPending && <Loading height={320} />}
      {query.data !== undefined && <Slos all={query.data} />}
    </>
  );
}

function note(slos: readonly Slo[]): string {
  const count = (standing: string) => slos.filter((slo) => standingOf(slo) === standing).length;
  const parts = [
    plural(slos.length, 'objective'),
    count('spent') > 0 && `${formatCount(count('spent'))} spent`,
    count('burning') > 0 && `${formatCount(count('burning'))} burning`,
  ];
  return parts.filter((part) => part !== false).join(', ');
}

function Slos({ all }: { all: readonly Slo[] }) {
  const [state, set] = useUrlState(slosCodec);
  const filter = useDeferredValue(state.f);
  const shown = useMemo(() => {
    const matches = wordFilter(filter);
    const passing = all.filter(({ name, service, labels }) => matches([name, service, selector(labels)].join(' ')));
    return sortSlos(passing, state.sort);
  }, [all, filter, state.sort]);
  if (all.length === 0) {
    return (
      <EmptyState icon={IconGauge} title="There are no objectives">
        Name files of objectives under “slos” in the configuration. Their rules, alerts and budgets are made from them.
      </EmptyState>
    );
  }
  if (shown.length === 0) {
    return (
      <EmptyState
        icon={IconFilterOff}
        title="No objective passes the filter"
        action={<Button onClick={() => set({ f: '' })}>Clear the filter</Button>}
      >
        All of {plural(all.length, 'objective')} are hidden by it.
      </EmptyState>
    );
  }
  return <SloTable slos={shown} />;
}

function SloTable({ slos }: { slos: readonly Slo[] }) {
  const go = useGo();
  const now = useNow();
  const scroller = useRef<HTMLDivElement>(null);
  const view = useVirtualRows(slos.length, ROW_PX, scroller);
  const [chosen] = useRowKeys(slos.length, {
    open: (index) => {
      const slo = slos[index];
      if (slo !== undefined) go({ to: '/slos/$id', params: { id: slo.id } });
    },
    scrollTo: view.scrollTo,
  });
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region has to be reachable by keyboard
    <section ref={scroller} className={`bw-panel ${classes.scroller}`} aria-label="Objectives" tabIndex={0}>
      <table className={classes.table}>
        <thead>
          <tr>
            <th scope="col">State</th>
            <th scope="col">Objective</th>
            <th scope="col" data-numeric className={classes.extra}>
              Good, over
            </th>
            <th scope="col">Budget left</th>
            <th scope="col" data-numeric className={classes.extra}>
              Burns now
            </th>
            <th scope="col" className={classes.extra}>
              Runs out
            </th>
            <th scope="col" className={classes.extra}>
              Alerts
            </th>
          </tr>
        </thead>
        <tbody>
          <SpacerRow height={view.before} columns={COLUMNS} />
          {view.rows.map((index) => {
            const slo = slos[index];
            if (slo === undefined) return null;
            const burn = burnNow(slo);
            const firing = slo.alerts.filter(isFiring);
            return (
              <tr key={slo.id} data-row data-chosen={index === chosen || undefined}>
                <td>
                  <StandingBadge slo={slo} />
                </td>
                <td className={`${classes.grow} ${own.name}`}>
                  <PageLink to="/slos/$id" params={{ id: slo.id }} className={classes.open}>
                    {slo.name}
                  </PageLink>
                  <div className={classes.under}>{slo.service}</div>
                </td>
                <td data-numeric className={classes.extra}>
                  {percentText(slo.objective)} <span className="bw-dim">{slo.window}</span>
                </td>
                <td>
                  <BudgetBar slo={slo} />
                </td>
                <td data-numeric className={`${classes.extra} ${own.burn}`} data-fast={(burn ?? 0) > 1 || undefined}>
                  {burn === null ? '–' : `${burn.toFixed(burn < 10 ? 1 : 0)} ×`}
                </td>
                <td className={classes.extra}>{exhaustionText(slo, now)}</td>
                <td className={classes.extra}>
                  {firing.length === 0 ? <span className="bw-dim">none fires</span> : firing.map(alertText).join(', ')}
                </td>
              </tr>
            );
          })}
          <SpacerRow height={view.after} columns={COLUMNS} />
        </tbody>
      </table>
    </section>
  );
}
