import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { Slo } from '../../api/alerting';
import { alerting } from '../../api/alertingClient';
import { LinesPanel } from '../../charts/ChartPanel';
import { TIMED, TIMED_GC_MS, useTime } from '../../nav/time';
import { Columns } from '../../panel/Panel';
import { alignSpan, stepFor } from '../../time/step';
import { budgetLine, burnLines } from './lines';
import { burnLimits } from './slo';

const LOOK = { height: 200, nothing: 'Nothing was computed in this time range.' };

/** What was left of the budget and how fast it went, over the time range. */
export function BudgetCharts({ slo }: { slo: Slo }) {
  const { span, generation } = useTime();
  const step = stepFor(span, 'auto');
  const aligned = alignSpan(span, step);
  const { data, error, isPlaceholderData, refetch } = useQuery({
    queryKey: [TIMED, 'slo', slo.id, aligned.start, aligned.end, step, generation],
    queryFn: async ({ signal }) => {
      const { points, burn } = await alerting.sloBudget(slo.id, aligned, step, signal);
      return { points, burn, span: aligned, step };
    },
    gcTime: TIMED_GC_MS,
    structuralSharing: false,
    placeholderData: keepPreviousData,
  });
  const [budget, burn] = useMemo(() => {
    if (data === undefined) return [];
    const common = { span: data.span, step: data.step, stale: isPlaceholderData };
    return [
      { ...common, lines: budgetLine(data.points) },
      { ...common, lines: burnLines(data.burn, burnLimits(slo.alerts), data) },
    ];
  }, [data, isPlaceholderData, slo.alerts]);
  const failure = error === null ? undefined : { error, retry: () => void refetch() };
  return (
    <Columns>
      <LinesPanel title="Budget left" unit="percent" drawing={budget} failure={failure} {...LOOK} />
      <LinesPanel title="Burn rate" unit="short" drawing={burn} failure={failure} {...LOOK} />
    </Columns>
  );
}
