import 'uplot/dist/uPlot.min.css';
import { useComputedColorScheme } from '@mantine/core';
import { useElementSize } from '@mantine/hooks';
import {
  type KeyboardEvent,
  type ReactNode,
  useEffect,
  useId,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from 'react';
import { formatValue, type Unit } from '../format/value';
import type { Span } from '../time/bound';
import { formatMoment, type Zone } from '../time/zone';
import { ALL_VISIBLE, type Visibility } from '../url/pages';
import { alignSeries, type Grid } from './align';
import classes from './charts.module.css';
import { isVisible, type Line } from './line';
import { createPlot, type Plot, type PlotLayout } from './plot';
import { summarise } from './summary';

/** Lines read out for one moment; more would only be noise. */
const SPOKEN_LINES = 5;

export interface TimeSeriesChartProps {
  lines: readonly Line[];
  span: Span;
  /** Seconds between two points. */
  step: number;
  unit: Unit;
  zone: Zone;
  height: number;
  /** What the chart shows, for people who do not see it. */
  label: string;
  visibility?: Visibility;
  /** The lines belong to an earlier question; new ones are on their way. */
  stale?: boolean;
  onZoom(span: Span): void;
  onZoomOut(): void;
  /** What lies over the drawing area. */
  overlay?: ((layout: PlotLayout) => ReactNode) | undefined;
}

/** Lines over time: drag to zoom, double click to zoom out, arrow keys to read values. */
export function TimeSeriesChart(props: TimeSeriesChartProps) {
  const { lines, span, step, unit, zone, height, label, visibility = ALL_VISIBLE, stale = false } = props;
  const grid = useMemo(
    () =>
      alignSeries(
        lines.map((line) => line.series),
        span,
        step,
      ),
    [lines, span, step],
  );
  const visible = useMemo(() => lines.map((line) => isVisible(visibility, line.key)), [lines, visibility]);
  const [cursor, setCursor] = useState<number>();
  const { ref, width } = useElementSize<HTMLDivElement>();
  const [layout, setLayout] = useState<PlotLayout>();
  const { target, plot } = usePlot(props, grid, visible, width, setCursor, setLayout);
  const summaryId = useId();

  const last = Math.max(0, grid.times.length - 1);
  const move = (event: KeyboardEvent) => {
    const index = nextCursor(event.key, cursor, last);
    if (index === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    plot.current?.point(index);
  };

  return (
    <figure className={classes.chart} ref={ref} style={{ margin: 0 }} aria-label={label}>
      <div
        ref={target}
        className={`${classes.canvas} ${stale ? classes.dimmed : ''}`}
        style={{ height }}
        role="slider"
        tabIndex={0}
        aria-label={`${label}: moment`}
        aria-describedby={summaryId}
        aria-orientation="horizontal"
        aria-valuemin={0}
        aria-valuemax={last}
        aria-valuenow={cursor ?? last}
        aria-valuetext={spokenMoment(lines, grid, visible, cursor ?? last, unit, zone)}
        onKeyDown={move}
      />
      {layout !== undefined && props.overlay?.(layout)}
      <figcaption id={summaryId} className="bw-sr">
        {summarise(
          lines.filter((_, i) => visible[i]),
          span,
          unit,
          zone,
        )}
      </figcaption>
    </figure>
  );
}

/** Keeps one drawn chart in step with the properties; draws it anew only when its make-up changes. */
function usePlot(
  props: TimeSeriesChartProps,
  grid: Grid,
  visible: readonly boolean[],
  width: number,
  onCursor: (index: number | undefined) => void,
  onLayout: (layout: PlotLayout) => void,
) {
  const { lines, span, unit, zone, height } = props;
  const scheme = useComputedColorScheme('dark');
  const target = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot>(undefined);
  const latest = useRef({ props, grid, visible, width });
  latest.current = { props, grid, visible, width };
  const makeUp = `${scheme} ${unit} ${zone} ${lines.map((line) => line.key).join(' ')}`;
  const ready = width > 0;

  // biome-ignore lint/correctness/useExhaustiveDependencies: `makeUp` stands for what a drawn chart cannot change
  useLayoutEffect(() => {
    if (target.current === null || !ready) return;
    const now = latest.current;
    const events = {
      onZoom: (next: Span) => latest.current.props.onZoom(next),
      onZoomOut: () => latest.current.props.onZoomOut(),
      onCursor,
      onLayout: (layout: PlotLayout) => {
        if (latest.current.props.overlay !== undefined) onLayout(layout);
      },
    };
    const created = createPlot(target.current, { ...now.props, ...now, height: now.props.height }, events);
    plot.current = created;
    return () => {
      created.destroy();
      plot.current = undefined;
      onCursor(undefined);
    };
  }, [makeUp, ready]);

  // An overlay that comes later needs the layout of the drawing, too.
  const overlaid = props.overlay !== undefined;
  // biome-ignore lint/correctness/useExhaustiveDependencies: see above
  useEffect(() => plot.current?.update(grid, span), [grid, span, overlaid]);
  useEffect(() => plot.current?.show(visible), [visible]);
  useEffect(() => {
    if (width > 0) plot.current?.resize(width, height);
  }, [width, height]);
  return { target, plot };
}

function nextCursor(key: string, cursor: number | undefined, last: number): number | undefined {
  const here = cursor ?? last;
  const targets: Record<string, number> = {
    ArrowLeft: here - 1,
    ArrowRight: here + 1,
    PageUp: here - Math.ceil(last / 10),
    PageDown: here + Math.ceil(last / 10),
    Home: 0,
    End: last,
  };
  const target = targets[key];
  return target === undefined ? undefined : Math.min(last, Math.max(0, target));
}

function spokenMoment(
  lines: readonly Line[],
  grid: Grid,
  visible: readonly boolean[],
  index: number,
  unit: Unit,
  zone: Zone,
): string {
  const time = formatMoment((grid.times[index] ?? 0) * 1000, zone);
  const values = lines.flatMap((line, i) => {
    const value = visible[i] ? (grid.columns[i]?.[index] ?? null) : null;
    return value === null ? [] : [{ name: line.name, value }];
  });
  if (values.length === 0) return `${time}: no values`;
  const spoken = values
    .sort((a, b) => b.value - a.value)
    .slice(0, SPOKEN_LINES)
    .map(({ name, value }) => `${name} ${formatValue(value, unit)}`);
  const rest = values.length - spoken.length;
  return `${time}: ${spoken.join(', ')}${rest > 0 ? `, and ${rest} more` : ''}`;
}
