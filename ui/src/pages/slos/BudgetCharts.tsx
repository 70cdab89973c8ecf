import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { Slo, TextPoint } from '../../api/alerting';
import { alerting } from '../../api/alertingClient';
import { parseNumber } from '../../api/query';
import { LinesPanel } from '../../charts/ChartPanel';
import { type Line, makeLines } from '../../charts/line';
import { TIMED, TIMED_GC_MS, useTime } from '../../nav/time';
import { Columns } from '../../panel/Panel';
import { alignSpan, stepFor } from '../../time/step';

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
      { ...common, lines: linesOf('budget left', data.points) },
      { ...common, lines: linesOf('burn rate', data.burn) },
    ];
  }, [data, isPlaceholderData]);
  const failure = error === null ? undefined : { error, retry: () => void refetch() };
  return (
    <Columns>
      <LinesPanel title="Budget left" unit="percent" drawing={budget} failure={failure} {...LOOK} />
      <LinesPanel title="Burn rate" unit="short" drawing={burn} failure={failure} {...LOOK} />
    </Columns>
  );
}

/** Points as the line of a chart; none if there are no points. */
function linesOf(name: string, points: readonly TextPoint[]): Line[] {
  if (points.length === 0) return [];
  const series = {
    labels: { __name__: name },
    times: Float64Array.from(points, ([time]) => time),
    values: Float64Array.from(points, ([, value]) => parseNumber(value)),
    histograms: 0,
  };
  return makeLines([{ query: 'A', series: [series] }]).map((line) => ({ ...line, name }));
}
