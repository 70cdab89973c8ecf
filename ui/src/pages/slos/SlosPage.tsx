import { IconGauge } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useDeferredValue, useMemo } from 'react';
import type { Slo } from '../../api/alerting';
import { SLOS_QUERY } from '../../api/queries';
import { formatCount, plural } from '../../format/value';
import { selector } from '../../labels/labels';
import { MenuChoice } from '../../lists/Choice';
import type { Column } from '../../lists/columns';
import { FilterBar } from '../../lists/FilterBar';
import { FilteredOut } from '../../lists/FilteredOut';
import { ListTable } from '../../lists/ListTable';
import { wordFilter } from '../../lists/matches';
import { Under } from '../../lists/rows';
import table from '../../lists/table.module.css';
import { PageLink, useGo } from '../../nav/links';
import { useNow } from '../../nav/useNow';
import { useUrlState } from '../../nav/useUrlState';
import { PageHeader } from '../../shell/PageHeader';
import { Answer } from '../../states/Answer';
import { EmptyState } from '../../states/EmptyState';
import { slosCodec } from '../../url/alerting';
import { BudgetBar, SettlingNote, StandingBadge } from './Standing';
import { alertText, burnNow, exhaustionText, isFiring, percentText, sortSlos, standingOf } from './slo';

const REFRESH_MS = 10_000;
const ORDERS = { budget: 'Least budget first', burn: 'Fastest burn first', name: 'By name' } as const;

/** How much must be good, how much of the room for failures is left, and how fast it goes. */
export function SlosPage() {
  const [state, set] = useUrlState(slosCodec);
  const query = useQuery({ ...SLOS_QUERY, refetchInterval: REFRESH_MS });
  return (
    <>
      <PageHeader title="SLOs" note={query.data && note(query.data)} />
      <FilterBar
        label="Filter by name, service or label"
        value={state.f}
        onFilter={(f) => set({ f }, { replace: true })}
      >
        <MenuChoice label="Order" value={state.sort} options={ORDERS} onChange={(sort) => set({ sort })} />
      </FilterBar>
      <Answer query={query} height={320}>
        {(all) => <Slos all={all} />}
      </Answer>
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
    return <FilteredOut what="objective" total={all.length} onClear={() => set({ f: '' })} />;
  }
  return (
    <>
      <SettlingNote slos={all} />
      <SloTable slos={shown} />
    </>
  );
}

function SloTable({ slos }: { slos: readonly Slo[] }) {
  const go = useGo();
  const now = useNow();
  const columns: Column<Slo>[] = [
    { head: 'State', cell: (slo) => <StandingBadge slo={slo} /> },
    {
      head: 'Objective',
      main: true,
      cell: (slo) => (
        <>
          <PageLink {...pageOf(slo)} className={table.open}>
            {slo.name}
          </PageLink>
          <Under>{slo.service}</Under>
        </>
      ),
    },
    {
      head: 'Good, over',
      extra: true,
      numeric: true,
      cell: ({ objective, window }) => (
        <>
          {percentText(objective)} <span className="bw-dim">{window}</span>
        </>
      ),
    },
    { head: 'Budget left', cell: (slo) => <BudgetBar slo={slo} /> },
    {
      head: 'Burns now',
      extra: true,
      numeric: true,
      cell: (slo) => burnText(burnNow(slo)),
      warns: (slo) => (burnNow(slo) ?? 0) > 1,
    },
    {
      head: 'Runs out',
      extra: true,
      cell: (slo) => <span className={slo.budget.remaining === null ? 'bw-dim' : ''}>{exhaustionText(slo, now)}</span>,
    },
    {
      head: 'Alerts',
      extra: true,
      cell: ({ alerts }) => {
        const firing = alerts.filter(isFiring);
        return firing.length === 0 ? <span className="bw-dim">none fires</span> : firing.map(alertText).join(', ');
      },
    },
  ];
  return (
    <ListTable label="Objectives" columns={columns} rows={slos} keyOf={idOf} tall onOpen={(slo) => go(pageOf(slo))} />
  );
}

const idOf = ({ id }: Slo) => id;
const burnText = (burn: number | null) => (burn === null ? '–' : `${burn.toFixed(burn < 10 ? 1 : 0)} ×`);
const pageOf = ({ id }: Slo) => ({ to: '/slos/$id', params: { id } }) as const;
