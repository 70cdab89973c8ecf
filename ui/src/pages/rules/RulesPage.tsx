import { Button, NativeSelect, SegmentedControl } from '@mantine/core';
import { IconFilterOff, IconGavel } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useDeferredValue, useMemo } from 'react';
import classes from '../../alerting/alerting.module.css';
import { ruleState } from '../../alerting/rules';
import type { RuleGroup } from '../../api/alerting';
import { alerting } from '../../api/alertingClient';
import { formatCount, plural } from '../../format/value';
import { FilterField } from '../../lists/FilterField';
import { wordFilter } from '../../lists/matches';
import { useGo } from '../../nav/links';
import { useUrlState } from '../../nav/useUrlState';
import { PageHeader } from '../../shell/PageHeader';
import { EmptyState } from '../../states/EmptyState';
import { ErrorCard } from '../../states/ErrorCard';
import { Loading } from '../../states/Loading';
import { RULE_KINDS, RULE_STATES, rulesCodec } from '../../url/alerting';
import { RuleTable } from './RuleTable';

const REFRESH_MS = 10_000;
const STATES = ['all', ...RULE_STATES] as const;

/** All rules by group: what they are, how they fare, and what they cost. */
export function RulesPage() {
  const [state, set] = useUrlState(rulesCodec);
  const query = useQuery({
    queryKey: ['linted-rules'],
    queryFn: ({ signal }) => alerting.rules(undefined, signal, true),
    refetchInterval: REFRESH_MS,
  });
  const { data } = query;
  return (
    <>
      <PageHeader title="Rules" note={data && note(data)} />
      <div className={classes.bar}>
        <FilterField
          label="Filter by name, group, expression or error"
          value={state.f}
          onChange={(f) => set({ f }, { replace: true })}
        />
        <SegmentedControl
          aria-label="State"
          value={state.state}
          onChange={(value) => set({ state: STATES.find((known) => known === value) ?? 'all' })}
          data={[
            { value: 'all', label: 'All' },
            { value: 'firing', label: 'Firing' },
            { value: 'pending', label: 'Pending' },
            { value: 'inactive', label: 'Inactive' },
            { value: 'failing', label: 'Failing' },
          ]}
        />
        <NativeSelect
          aria-label="Kind"
          value={state.kind}
          onChange={({ currentTarget }) =>
            set({ kind: RULE_KINDS.find((known) => known === currentTarget.value) ?? 'all' })
          }
          data={[
            { value: 'all', label: 'Alerting and recording' },
            { value: 'alerting', label: 'Alerting' },
            { value: 'recording', label: 'Recording' },
          ]}
        />
      </div>
      {query.error !== null && <ErrorCard error={query.error} onRetry={() => void query.refetch()} />}
      {query.isPending && <Loading height={420} />}
      {data !== undefined && <Rules groups={data} />}
    </>
  );
}

function note(groups: readonly RuleGroup[]): string {
  const rules = groups.reduce((sum, group) => sum + group.rules.length, 0);
  const failing = groups.flatMap((group) => group.rules).filter(({ health }) => health === 'err').length;
  const all = `${plural(rules, 'rule')} in ${plural(groups.length, 'group')}`;
  return failing === 0 ? all : `${all}, ${formatCount(failing)} failing`;
}

function Rules({ groups }: { groups: readonly RuleGroup[] }) {
  const go = useGo();
  const [state, set] = useUrlState(rulesCodec);
  const filter = useDeferredValue(state.f);
  const shown = useMemo(() => {
    const matches = wordFilter(filter);
    return groups
      .map((group) => ({
        ...group,
        rules: group.rules.filter(
          (rule) =>
            (state.kind === 'all' || rule.type === state.kind) &&
            (state.state === 'all' || ruleState(rule) === state.state) &&
            matches([rule.name, rule.query, rule.lastError ?? '', group.name, group.file].join(' ')),
        ),
      }))
      .filter(({ rules }) => rules.length > 0);
  }, [groups, filter, state.kind, state.state]);

  if (groups.every(({ rules }) => rules.length === 0)) {
    return (
      <EmptyState
        icon={IconGavel}
        title="There are no rules"
        action={
          <Button onClick={() => go({ to: '/system/status', search: { tab: 'config' } })}>The configuration</Button>
        }
      >
        Name files of rules under “rule_files” in the configuration; the alerts of packs are among what “bellwether pack
        gen” makes.
      </EmptyState>
    );
  }
  if (shown.length === 0) {
    return (
      <EmptyState
        icon={IconFilterOff}
        title="No rule passes the filter"
        action={<Button onClick={() => set({ f: '', state: 'all', kind: 'all' })}>Clear the filter</Button>}
      >
        All of them are hidden by it.
      </EmptyState>
    );
  }
  return <RuleTable groups={shown} />;
}
