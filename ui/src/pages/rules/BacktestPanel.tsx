import { Button, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { backtest } from '../../alerting/backtest';
import { timeIn, timesFired } from '../../alerting/history';
import type { Comparison } from '../../alerting/rules';
import { StateTimeline } from '../../alerting/StateTimeline';
import { useComparison } from '../../alerting/useComparison';
import type { AlertingRule, RuleGroup } from '../../api/alerting';
import { api } from '../../api/client';
import { plural } from '../../format/value';
import { TIMED, TIMED_GC_MS, useTime } from '../../nav/time';
import { useUrlState } from '../../nav/useUrlState';
import { Panel } from '../../panel/Panel';
import { printAst } from '../../promql/print';
import { ErrorCard } from '../../states/ErrorCard';
import { Loading } from '../../states/Loading';
import type { Span } from '../../time/bound';
import { formatDuration, parseDuration } from '../../time/duration';
import { alignSpan } from '../../time/step';
import { ruleCodec } from '../../url/alerting';
import own from './rules.module.css';

/** So many evaluations are tried at most: more make the answer slow and nothing clearer. */
const MOST_STEPS = 2000;
const PAUSE_MS = 250;

/** Runs the expression over the time range with `for` applied, as written or changed, and shows when it would have fired. */
export function BacktestPanel({ group, rule }: { group: RuleGroup; rule: AlertingRule }) {
  const { span, zone, generation } = useTime();
  const [state, set] = useUrlState(ruleCodec);
  const { data: comparison } = useComparison(rule.query);
  const [typed] = useDebouncedValue(state, PAUSE_MS);
  const forMs = typed.for === '' ? rule.duration * 1000 : parseDuration(typed.for);
  const bound = typed.bound === '' ? undefined : Number(typed.bound);
  const expression = expressionOf(rule.query, comparison ?? undefined, bound);
  const step = stepOf(span, group.interval);
  const aligned = alignSpan(span, step);
  const query = useQuery({
    queryKey: [TIMED, 'backtest', expression, aligned.start, aligned.end, step, generation],
    queryFn: ({ signal }) => api.range(expression, { ...aligned, step }, signal),
    gcTime: TIMED_GC_MS,
    structuralSharing: false,
    staleTime: Number.POSITIVE_INFINITY,
    placeholderData: keepPreviousData,
  });
  const result = query.data?.data.result;
  const keepMs = (rule.keepFiringFor ?? 0) * 1000;
  const pasts = useMemo(
    () => (result?.type === 'matrix' && forMs !== undefined ? backtest(result.series, step, { forMs, keepMs }) : []),
    [result, step, forMs, keepMs],
  );
  const changed = state.for !== '' || state.bound !== '';
  return (
    <Panel
      title="Back-test"
      note={`evaluated every ${formatDuration(step * 1000)} over this time range`}
      actions={changed && <Button onClick={() => set({ for: '', bound: '' })}>As the rule has it</Button>}
    >
      <div className={own.tried}>
        {comparison && (
          <TextInput
            label={`Bound (${comparison.op})`}
            value={state.bound === '' ? String(comparison.bound) : state.bound}
            error={Number.isFinite(Number(state.bound)) ? undefined : 'not a number'}
            onChange={({ currentTarget }) => set({ bound: currentTarget.value }, { replace: true })}
          />
        )}
        <TextInput
          label="For"
          value={state.for === '' ? formatDuration(rule.duration * 1000) : state.for}
          error={state.for !== '' && parseDuration(state.for) === undefined ? 'a duration such as 5m' : undefined}
          onChange={({ currentTarget }) => set({ for: currentTarget.value }, { replace: true })}
        />
        <p className={own.verdict} role="status">
          {query.data !== undefined && verdict(pasts)}
        </p>
      </div>
      {query.error !== null && <ErrorCard error={query.error} onRetry={() => void query.refetch()} />}
      {query.isPending && <Loading height={120} />}
      {pasts.length > 0 && <StateTimeline label="When it would have fired" pasts={pasts} span={aligned} zone={zone} />}
      <p className="bw-dim bw-text">
        What was before the time range is not known to it: an alert that was pending then begins to wait anew. Labels of
        the rule are left out.
      </p>
    </Panel>
  );
}

/** The expression with another bound in the place of its own. */
function expressionOf(query: string, comparison: Comparison | undefined, bound: number | undefined): string {
  if (comparison === undefined || bound === undefined || !Number.isFinite(bound)) return query;
  return `${printAst(comparison.measured)} ${comparison.op} ${bound}`;
}

/** Seconds between two evaluations: as the group has it, unless that makes too many of them. */
function stepOf({ start, end }: Span, interval: number): number {
  return Math.max(1, interval, Math.ceil((end - start) / 1000 / MOST_STEPS));
}

function verdict(pasts: ReturnType<typeof backtest>): string {
  const fired = pasts.filter(({ stretches }) => timesFired(stretches) > 0);
  const times = fired.reduce((sum, { stretches }) => sum + timesFired(stretches), 0);
  if (times === 0) return pasts.length === 0 ? 'It would have been inactive.' : 'It would not have fired.';
  const total = fired.reduce((sum, { stretches }) => sum + timeIn('firing', stretches), 0);
  const often = times === 1 ? 'once' : `${times} times`;
  return `It would have fired ${often}, ${plural(fired.length, 'alert')}, for ${formatDuration(Math.round(total / 1000) * 1000)} in all.`;
}
