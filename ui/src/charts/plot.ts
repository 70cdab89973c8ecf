import uPlot from 'uplot';
import type { Unit } from '../format/value';
import { tokenValue } from '../theme/series';
import type { Span } from '../time/bound';
import type { Zone } from '../time/zone';
import { type Grid, lonePoints } from './align';
import { RIGHT_PX, timeAxis, valueAxis } from './axes';
import type { Line } from './line';
import { createTooltip, tooltipRows } from './tooltip';

export interface PlotInput {
  lines: readonly Line[];
  grid: Grid;
  span: Span;
  visible: readonly boolean[];
  unit: Unit;
  zone: Zone;
  width: number;
  height: number;
}

export interface PlotEvents {
  onZoom(span: Span): void;
  onZoomOut(): void;
  /** The moment under the pointer, as a position in the grid. */
  onCursor(index: number | undefined): void;
  /** The chart was drawn; what lies over it has to follow. */
  onLayout?: ((layout: PlotLayout) => void) | undefined;
}

/** Where the drawing area lies in the chart, and the places of times and values in it, in px. */
export interface PlotLayout {
  left: number;
  top: number;
  width: number;
  height: number;
  x(seconds: number): number;
  y(value: number): number;
}

/** A drawn chart. All use of the charting library is behind this interface. */
export interface Plot {
  /** New samples of the same lines. */
  update(grid: Grid, span: Span): void;
  show(visible: readonly boolean[]): void;
  resize(width: number, height: number): void;
  /** Puts the cursor on one moment, as the pointer would. */
  point(index: number): void;
  destroy(): void;
}

/** Dragging less than this is a click. */
const MIN_DRAG_PX = 6;

/** Part of the height that stays free above and below the values. */
const ROOM = 0.1;

/** A line is highlighted when the pointer is this near. */
const FOCUS_PX = 30;

export function createPlot(target: HTMLElement, input: PlotInput, events: PlotEvents): Plot {
  const { lines, unit, zone } = input;
  let { grid, span, visible } = input;
  let focused: number | undefined;
  const tooltip = createTooltip(unit, zone);
  const alone = lines.length === 1;
  // Reading a token makes the browser settle all styles, so each of the few colours is read once for all lines.
  const colours = new Map(lines.map(({ style }) => [style.token, '']));
  for (const token of colours.keys()) colours.set(token, tokenValue(token));

  const updateTooltip = (u: uPlot) => {
    const { idx, left } = u.cursor;
    const seconds = idx == null ? undefined : grid.times[idx];
    events.onCursor(idx ?? undefined);
    if (idx == null || seconds === undefined || left === undefined || left < 0) return tooltip.hide();
    const at = (line: number) => (visible[line] ? (grid.columns[line]?.[idx] ?? null) : null);
    const rows = tooltipRows(lines, at, alone ? 0 : focused);
    tooltip.show(seconds, rows, { left, width: u.over.clientWidth });
  };

  const u = new uPlot(
    {
      width: input.width,
      height: input.height,
      padding: [10, RIGHT_PX, 0, 0],
      legend: { show: false },
      scales: {
        x: { time: true, range: () => [span.start / 1000, span.end / 1000] },
        y: { range: valueRange(alone) },
      },
      axes: [timeAxis(zone), valueAxis(unit)],
      tzDate: (seconds) =>
        zone === 'utc' ? uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC') : new Date(seconds * 1000),
      cursor: {
        drag: { x: true, y: false, setScale: false },
        focus: { prox: FOCUS_PX },
        points: { size: 7, width: 1.5 },
        sync: { key: 'time' },
        bind: {
          dblclick: () => () => {
            events.onZoomOut();
            return null;
          },
        },
      },
      focus: { alpha: lines.length > 1 ? 0.3 : 1 },
      series: [
        {},
        ...lines.map((line, i) =>
          seriesOptions(
            line,
            colours.get(line.style.token) ?? '',
            visible[i] ?? true,
            alone,
            () => grid.columns[i] ?? [],
          ),
        ),
      ],
      hooks: {
        init: [(plot) => plot.over.append(tooltip.element)],
        setCursor: [updateTooltip],
        draw: [(plot) => events.onLayout?.(layoutOf(plot))],
        setSeries: [
          (plot, index) => {
            focused = index === null ? undefined : index - 1;
            updateTooltip(plot);
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
    [grid.times, ...grid.columns],
    target,
  );

  return {
    update(nextGrid, nextSpan) {
      grid = nextGrid;
      span = nextSpan;
      u.setData([grid.times, ...grid.columns]);
    },
    show(next) {
      u.batch(() => {
        next.forEach((show, i) => {
          if (show !== visible[i]) u.setSeries(i + 1, { show });
        });
      });
      visible = next;
    },
    resize: (width, height) => u.setSize({ width, height }),
    point(index) {
      const seconds = grid.times[index];
      if (seconds !== undefined) u.setCursor({ left: u.valToPos(seconds, 'x'), top: u.over.clientHeight / 2 });
    },
    destroy: () => u.destroy(),
  };
}

function layoutOf(u: uPlot): PlotLayout {
  const { offsetLeft, offsetTop, clientWidth, clientHeight } = u.over;
  return {
    left: offsetLeft,
    top: offsetTop,
    width: clientWidth,
    height: clientHeight,
    x: (seconds) => u.valToPos(seconds, 'x'),
    y: (value) => u.valToPos(value, 'y'),
  };
}

/** A filled area is read as an amount, so it has to stand on zero; lines alone may use all of the height. */
export function valueRange(filled: boolean): uPlot.Range.Function {
  return (_u, low, high) => {
    if (low === null || high === null) return [null, null];
    return filled
      ? uPlot.rangeNum(Math.min(low, 0), Math.max(high, 0), ROOM, true)
      : uPlot.rangeNum(low, high, ROOM, true);
  };
}

function seriesOptions(
  line: Line,
  stroke: string,
  show: boolean,
  alone: boolean,
  column: () => readonly (number | null)[],
): uPlot.Series {
  return {
    label: line.name,
    show,
    stroke,
    width: 1.5,
    dash: [...line.style.dash],
    // A single line may be filled; filled lines that overlap would hide each other.
    ...(alone ? { fill: `color-mix(in srgb, ${stroke} 12%, transparent)` } : {}),
    points: { size: 4, filter: () => lonePoints(column()) },
    spanGaps: false,
  };
}
