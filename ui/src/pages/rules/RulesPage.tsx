import { Button } from '@mantine/core';
import { IconGavel } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useDeferredValue, useMemo } from 'react';
import { ruleState } from '../../alerting/rules';
import type { RuleGroup } from '../../api/alerting';
import { alerting } from '../../api/alertingClient';
import { formatCount, plural } from '../../format/value';
import { Choice, MenuChoice } from '../../lists/Choice';
import { FilterBar } from '../../lists/FilterBar';
import { FilteredOut } from '../../lists/FilteredOut';
import { wordFilter } from '../../lists/matches';
import { useGo } from '../../nav/links';
import { useUrlState } from '../../nav/useUrlState';
import { PageHeader } from '../../shell/PageHeader';
import { Answer } from '../../states/Answer';
import { EmptyState } from '../../states/EmptyState';
import { rulesCodec } from '../../url/alerting';
import { RuleTable } from './RuleTable';

const REFRESH_MS = 10_000;
const STATES = {
  all: 'All',
  firing: 'Firing',
  pending: 'Pending',
  inactive: 'Inactive',
  failing: 'Failing',
} as const;
const KINDS = { all: 'Alerting and recording', alerting: 'Alerting', recording: 'Recording' } as const;

/** All rules by group: what they are, how they fare, and what they cost. */
export function RulesPage() {
  const [state, set] = useUrlState(rulesCodec);
  const query = useQuery({
    queryKey: ['linted-rules'],
    queryFn: ({ signal }) => alerting.rules({ lint: true }, signal),
    refetchInterval: REFRESH_MS,
  });
  return (
    <>
      <PageHeader title="Rules" note={query.data && note(query.data)} />
      <FilterBar
        label="Filter by name, group, expression or error"
        value={state.f}
        onFilter={(f) => set({ f }, { replace: true })}
      >
        <Choice label="State" value={state.state} options={STATES} onChange={(state) => set({ state })} />
        <MenuChoice label="Kind" value={state.kind} options={KINDS} onChange={(kind) => set({ kind })} />
      </FilterBar>
      <Answer query={query} height={420}>
        {(groups) => <Rules groups={groups} />}
      </Answer>
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
    const total = groups.reduce((sum, { rules }) => sum + rules.length, 0);
    return <FilteredOut what="rule" total={total} onClear={() => set({ f: '', state: 'all', kind: 'all' })} />;
  }
  return <RuleTable groups={shown} />;
}
