import uPlot from 'uplot';
import { formatValue, type Unit } from '../../format/value';
import { tokenValue } from '../../theme/series';
import type { Span } from '../../time/bound';
import type { Zone } from '../../time/zone';
import { RIGHT_PX, timeAxis, valueAxis } from '../axes';
import { cellAt, type Heat, intensity } from './heat';

export interface HeatInput {
  heat: Heat;
  span: Span;
  step: number;
  unit: Unit;
  zone: Zone;
  width: number;
  height: number;
}

/** A cell, and where it lies in the chart. */
export interface Cell {
  column: number;
  row: number;
}

export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

export interface HeatPlot {
  resize(width: number, height: number): void;
  /** The place of a cell within the figure, in px. */
  boxOf(cell: Cell): Box;
  destroy(): void;
}

const MIN_DRAG_PX = 6;
const SHADES = 24;
const LABEL_PX = 22;

/** Draws the cells on the axes of the other charts. Rows are equally high, whatever their buckets span. */
export function createHeatPlot(
  target: HTMLElement,
  input: HeatInput,
  events: { onZoom(span: Span): void; onZoomOut(): void; onCell(cell: Cell | undefined): void },
): HeatPlot {
  const { heat, span, step, unit, zone } = input;
  const { times, bounds, rows } = heat;
  const shades = Array.from({ length: SHADES }, (_, i) => shade(i / (SHADES - 1)));
  const axis = valueAxis(unit);

  const u = new uPlot(
    {
      width: input.width,
      height: input.height,
      padding: [10, RIGHT_PX, 0, 0],
      legend: { show: false },
      scales: {
        x: { time: true, range: () => [span.start / 1000 - step / 2, span.end / 1000 + step / 2] },
        y: { range: () => [0, rows.length] },
      },
      axes: [
        timeAxis(zone),
        {
          ...axis,
          incrs: Array.from({ length: rows.length }, (_, i) => i + 1),
          space: LABEL_PX,
          grid: { show: false },
          values: (_u, splits) => splits.map((row) => boundText(bounds[row], unit)),
        },
      ],
      tzDate: (seconds) =>
        zone === 'utc' ? uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC') : new Date(seconds * 1000),
      cursor: {
        drag: { x: true, y: false, setScale: false },
        points: { show: false },
        bind: {
          dblclick: () => () => {
            events.onZoomOut();
            return null;
          },
        },
      },
      series: [{}, { paths: () => null, points: { show: false } }],
      hooks: {
        draw: [(plot) => drawCells(plot, heat, step, shades)],
        setCursor: [
          (plot) => {
            const { left = -1, top = -1 } = plot.cursor;
            if (left < 0 || top < 0) return events.onCell(undefined);
            const column = Math.round((plot.posToVal(left, 'x') - (times[0] ?? 0)) / step);
            const row = Math.floor(plot.posToVal(top, 'y'));
            const inside = column >= 0 && column < times.length && row >= 0 && row < rows.length;
            events.onCell(inside ? { column, row } : undefined);
          },
        ],
        setSelect: [
          (plot) => {
            const { left, width } = plot.select;
            if (width >= MIN_DRAG_PX) {
              const at = (px: number) => Math.round(plot.posToVal(px, 'x') * 1000);
              events.onZoom({ start: at(left), end: at(left + width) });
            }
            if (width > 0) plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          },
        ],
      },
    },
    [times, times.map(() => 0)],
    target,
  );
  return {
    resize: (width, height) => u.setSize({ width, height }),
    boxOf({ column, row }) {
      const time = times[column] ?? 0;
      const [x0, x1] = [u.valToPos(time - step / 2, 'x'), u.valToPos(time + step / 2, 'x')];
      const [y0, y1] = [u.valToPos(row + 1, 'y'), u.valToPos(row, 'y')];
      const { offsetLeft, offsetTop } = u.over;
      return { left: offsetLeft + x0, top: offsetTop + y0, width: x1 - x0, height: y1 - y0 };
    },
    destroy: () => u.destroy(),
  };
}

/** The colour of an intensity between 0 and 1. */
function shade(part: number): string {
  const [from, to, share] = part < 0.5 ? ['low', 'mid', part * 2] : ['mid', 'high', part * 2 - 1];
  const [low, high] = [tokenValue(`--bw-heat-${from}`), tokenValue(`--bw-heat-${to}`)];
  return `color-mix(in oklab, ${high} ${Math.round(Number(share) * 100)}%, ${low})`;
}

function drawCells(u: uPlot, heat: Heat, step: number, shades: readonly string[]): void {
  const { ctx, bbox } = u;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  heat.times.forEach((time, column) => {
    const x0 = Math.round(u.valToPos(time - step / 2, 'x', true));
    const x1 = Math.round(u.valToPos(time + step / 2, 'x', true));
    heat.rows.forEach((_, row) => {
      const part = intensity(cellAt(heat, row, column), heat.max);
      if (part === 0) return;
      const y0 = Math.round(u.valToPos(row + 1, 'y', true));
      const y1 = Math.round(u.valToPos(row, 'y', true));
      ctx.fillStyle = shades[Math.round(part * (shades.length - 1))] ?? '';
      ctx.fillRect(x0, y0, Math.max(1, x1 - x0), Math.max(1, y1 - y0));
    });
  });
  ctx.restore();
}

/** A bucket's bound as text. */
export function boundText(bound: number | undefined, unit: Unit): string {
  if (bound === undefined) return '';
  if (bound === Number.POSITIVE_INFINITY) return '+Inf';
  return bound === Number.NEGATIVE_INFINITY ? '-Inf' : formatValue(bound, unit);
}
