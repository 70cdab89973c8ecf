import { Button } from '@mantine/core';
import { IconChartGridDots } from '@tabler/icons-react';
import { useMemo } from 'react';
import type { RangeSeries } from '../../../api/query';
import { HeatmapChart } from '../../../charts/heat/HeatmapChart';
import { classicHeat, nativeHeat } from '../../../charts/heat/heat';
import { type QueryState, type RangeQuery, type RangeResult, useRangeQueries } from '../../../charts/useRangeQueries';
import { type Unit, unitOfName } from '../../../format/value';
import { useTime, useTimeMoves } from '../../../nav/time';
import { metricNames } from '../../../promql/names';
import { EmptyState } from '../../../states/EmptyState';
import { ErrorCard } from '../../../states/ErrorCard';
import { Loading } from '../../../states/Loading';
import { Notices } from '../../../states/Notices';
import { alignSpan, type Step } from '../../../time/step';
import type { ExploreState } from '../../../url/pages';
import { About } from '../About';
import { type HeatSource, heatSource, nativePoints } from './source';

const HEIGHT_PX = 400;

interface HeatmapTabProps {
  about: RangeQuery;
  asked: readonly RangeQuery[];
  set(patch: Partial<ExploreState>): void;
  /** The answers to all queries. */
  range: RangeResult;
  step: Step;
  unit: Unit | 'auto';
}

/** Histograms as they spread over time. */
export function HeatmapTab({ about, asked, set, range, step, unit }: HeatmapTabProps) {
  const state = range.states.find(({ id }) => id === about.id);
  const series = seriesOf(state);
  const source = useMemo(
    (): HeatSource | undefined => series && heatSource(series, about.expression, range.step),
    [series, about.expression, range.step],
  );
  const growing = source?.kind === 'growing' ? source.expression : undefined;
  const grown = useRangeQueries(
    useMemo(() => (growing === undefined ? [] : [{ id: about.id, expression: growing }]), [growing, about.id]),
    step,
  );
  const [own] = grown.states;
  const shown = growing === undefined ? series : seriesOf(own);
  const loading = state?.loading === true || own?.loading === true;
  return (
    <>
      {(asked.length > 1 || source?.kind === 'growing') && (
        <About about={about} asked={asked} set={set}>
          {source?.kind === 'growing' && (
            <span>
              Buckets count since their program started, so this is their growth over {source.window}:{' '}
              <code className="bw-mono">{source.expression}</code>
            </span>
          )}
        </About>
      )}
      {own?.answer !== undefined && <Notices {...own.answer} />}
      {own?.error !== undefined && <ErrorCard error={own.error} onRetry={own.retry} />}
      {source?.kind === 'none' && (
        <EmptyState
          icon={IconChartGridDots}
          title="These are no histograms"
          action={<Button onClick={() => set({ tab: 'graph' })}>Show the graph</Button>}
        >
          A heatmap shows native histograms, or series with the label “le” such as those of a metric that ends in
          _bucket.
        </EmptyState>
      )}
      {source !== undefined && source.kind !== 'none' && shown !== undefined && (
        <Drawn series={shown} step={range.step} about={about} unit={unit} source={source} stale={loading} />
      )}
      {(source === undefined || shown === undefined) && own?.error === undefined && own?.cancelled !== true && (
        <Loading height={HEIGHT_PX} label="The query is running" />
      )}
    </>
  );
}

interface DrawnProps {
  series: readonly RangeSeries[];
  step: number;
  about: RangeQuery;
  unit: Unit | 'auto';
  source: HeatSource;
  stale: boolean;
}

function Drawn({ series, step, about, unit, source, stale }: DrawnProps) {
  const { span, zone, setSpan } = useTime();
  const { zoomOut } = useTimeMoves();
  const aligned = useMemo(() => alignSpan(span, step), [span, step]);
  const heat = useMemo(() => {
    const native = nativePoints(series);
    return native.length > 0 ? nativeHeat(native, aligned, step) : classicHeat(series, aligned, step);
  }, [series, aligned, step]);
  const [name = ''] = metricNames(about.expression);
  return (
    <HeatmapChart
      heat={heat}
      span={aligned}
      step={step}
      unit={unit === 'auto' ? unitOfName(name.replace(/_bucket$/, '')) : unit}
      zone={zone}
      height={HEIGHT_PX}
      label="Heatmap"
      counted={source.kind === 'growing' ? 'observations per second' : 'in the bucket'}
      stale={stale}
      onZoom={setSpan}
      onZoomOut={zoomOut}
    />
  );
}

function seriesOf(state: QueryState | undefined): readonly RangeSeries[] | undefined {
  const result = state?.answer?.data.result;
  return result === undefined ? undefined : result.type === 'matrix' ? result.series : [];
}
