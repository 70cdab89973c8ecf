import 'uplot/dist/uPlot.min.css';
import { useComputedColorScheme } from '@mantine/core';
import { useElementSize } from '@mantine/hooks';
import { type KeyboardEvent, useEffect, useId, useLayoutEffect, useRef, useState } from 'react';
import { formatExact, formatValue, type Unit } from '../../format/value';
import type { Span } from '../../time/bound';
import { formatMoment, formatMomentShort, type Zone } from '../../time/zone';
import classes from '../charts.module.css';
import { cellAt, type Heat } from './heat';
import heatClasses from './heat.module.css';
import { type Box, boundText, type Cell, createHeatPlot, type HeatPlot } from './heatPlot';

interface HeatmapChartProps {
  heat: Heat;
  span: Span;
  step: number;
  unit: Unit;
  zone: Zone;
  height: number;
  label: string;
  /** What a cell counts: `observations per second`. */
  counted: string;
  stale: boolean;
  onZoom(span: Span): void;
  onZoomOut(): void;
}

/** Observations by time and size: the more, the stronger the colour. Arrow keys move from cell to cell. */
export function HeatmapChart(props: HeatmapChartProps) {
  const { heat, span, unit, zone, height, label, counted, stale } = props;
  const { ref, width } = useElementSize<HTMLDivElement>();
  const [cell, setCell] = useState<Cell>();
  const { target, plot } = useHeatPlot(props, width, setCell);
  const summaryId = useId();
  const last = heat.times.length - 1;
  const here = cell ?? { column: Math.max(0, last), row: 0 };
  const move = (event: KeyboardEvent) => {
    const next = nextCell(event.key, here, last, heat.rows.length - 1);
    if (next === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    setCell(next);
  };
  const box = cell === undefined ? undefined : plot.current?.boxOf(cell);
  return (
    <figure className={classes.chart} ref={ref} style={{ margin: 0 }} aria-label={label}>
      <div
        ref={target}
        className={`${classes.canvas} ${stale ? classes.dimmed : ''}`}
        style={{ height }}
        role="slider"
        tabIndex={0}
        aria-label={`${label}: cell`}
        aria-describedby={summaryId}
        aria-valuemin={0}
        aria-valuemax={Math.max(0, last)}
        aria-valuenow={here.column}
        aria-valuetext={describe(heat, here, unit, zone, counted)}
        onKeyDown={move}
        onBlur={() => setCell(undefined)}
      />
      {cell !== undefined && box !== undefined && (
        <>
          <div className={heatClasses.cell} style={{ ...box }} aria-hidden="true" />
          <div className={classes.tooltip} style={place(box, width)} aria-hidden="true">
            <div className={classes.tooltipTime}>{formatMoment((heat.times[cell.column] ?? 0) * 1000, zone)}</div>
            <div>{range(heat, cell.row, unit)}</div>
            <div>
              <strong>{cellText(heat, cell)}</strong> {counted}
            </div>
          </div>
        </>
      )}
      <Scale heat={heat} counted={counted} />
      <figcaption id={summaryId} className="bw-sr">
        {summary(heat, span, unit, zone, counted)}
      </figcaption>
    </figure>
  );
}

function useHeatPlot(props: HeatmapChartProps, width: number, onCell: (cell: Cell | undefined) => void) {
  const { heat, span, step, unit, zone, height } = props;
  const scheme = useComputedColorScheme('dark');
  const target = useRef<HTMLDivElement>(null);
  const plot = useRef<HeatPlot>(undefined);
  const latest = useRef({ props, width });
  latest.current = { props, width };
  const ready = width > 0;

  // biome-ignore lint/correctness/useExhaustiveDependencies: the colours come from the scheme
  useLayoutEffect(() => {
    if (target.current === null || !ready) return;
    const size = { width: latest.current.width, height: latest.current.props.height };
    const created = createHeatPlot(
      target.current,
      { heat, span, step, unit, zone, ...size },
      {
        onZoom: (next) => latest.current.props.onZoom(next),
        onZoomOut: () => latest.current.props.onZoomOut(),
        onCell,
      },
    );
    plot.current = created;
    return () => {
      created.destroy();
      plot.current = undefined;
      onCell(undefined);
    };
  }, [heat, span, step, unit, zone, scheme, ready, onCell]);

  useEffect(() => {
    if (width > 0) plot.current?.resize(width, height);
  }, [width, height]);
  return { target, plot };
}

/** What the colours mean. */
function Scale({ heat, counted }: { heat: Heat; counted: string }) {
  return (
    <div className={heatClasses.scale} aria-hidden="true">
      <span>0</span>
      <span className={heatClasses.gradient} />
      <span>
        {formatValue(heat.max)} {counted}
      </span>
    </div>
  );
}

const WIDE_PX = 260;

/** Beside the cell, on the side that has room. */
function place({ left, width }: Box, all: number): { left: number } | { right: number } {
  return left + width + WIDE_PX < all ? { left: left + width + 10 } : { right: all - left + 10 };
}

function range({ bounds }: Heat, row: number, unit: Unit): string {
  return `${boundText(bounds[row], unit)} to ${boundText(bounds[row + 1], unit)}`;
}

function cellText(heat: Heat, { row, column }: Cell): string {
  if (heat.known[column] !== true) return 'no samples';
  return formatExact(Number(cellAt(heat, row, column).toPrecision(6)));
}

function describe(heat: Heat, cell: Cell, unit: Unit, zone: Zone, counted: string): string {
  const time = formatMoment((heat.times[cell.column] ?? 0) * 1000, zone);
  return `${time}, ${range(heat, cell.row, unit)}: ${cellText(heat, cell)} ${counted}`;
}

function summary(heat: Heat, span: Span, unit: Unit, zone: Zone, counted: string): string {
  const period = `from ${formatMomentShort(span.start, zone)} to ${formatMomentShort(span.end, zone)}`;
  const outer = `${boundText(heat.bounds[0], unit)} to ${boundText(heat.bounds.at(-1), unit)}`;
  const row = heat.rows.findIndex((values) => values.includes(heat.max));
  const column = heat.rows[row]?.indexOf(heat.max) ?? 0;
  const most = heat.max > 0 ? ` Most: ${describe(heat, { row, column }, unit, zone, counted)}.` : '';
  return `${heat.rows.length} buckets of ${outer} ${period}.${most} Arrow keys move from cell to cell.`;
}

export function nextCell(key: string, { column, row }: Cell, last: number, top: number): Cell | undefined {
  const targets: Record<string, Cell> = {
    ArrowLeft: { column: column - 1, row },
    ArrowRight: { column: column + 1, row },
    ArrowUp: { column, row: row + 1 },
    ArrowDown: { column, row: row - 1 },
    PageUp: { column: column - Math.ceil(last / 10), row },
    PageDown: { column: column + Math.ceil(last / 10), row },
    Home: { column: 0, row },
    End: { column: last, row },
  };
  const target = targets[key];
  if (target === undefined) return undefined;
  const clamp = (value: number, most: number) => Math.min(most, Math.max(0, value));
  return { column: clamp(target.column, last), row: clamp(target.row, top) };
}
