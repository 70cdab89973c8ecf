import { formatExact, formatValue, type Unit } from '../format/value';
import { formatMoment, type Zone } from '../time/zone';
import type { Point } from './align';
import classes from './charts.module.css';
import { type Line, shortNames } from './line';

/** Lines listed in the tooltip; the rest is counted. */
const MOST_ROWS = 12;

export interface TooltipRow {
  line: Line;
  /** The name without what all lines share. */
  name: string;
  value: number;
  focused: boolean;
}

/** The rows for one moment, highest value first. `at` gives the value of a line by its position, a gap where hidden. */
export function tooltipRows(
  lines: readonly Line[],
  at: (index: number) => Point,
  focused: number | undefined,
): TooltipRow[] {
  const names = shortNames(lines);
  return lines
    .flatMap((line, i) => {
      const value = at(i);
      return value === null ? [] : [{ line, name: names[i] ?? line.name, value, focused: i === focused }];
    })
    .sort((a, b) => b.value - a.value);
}

export interface Tooltip {
  element: HTMLElement;
  show(seconds: number, rows: readonly TooltipRow[], place: { left: number; width: number }): void;
  hide(): void;
}

/** The box beside the pointer. Names come from strangers, so all text is set as text, never as markup. */
export function createTooltip(unit: Unit, zone: Zone): Tooltip {
  const element = document.createElement('div');
  element.className = classes.tooltip ?? '';
  element.hidden = true;
  return {
    element,
    show(seconds, rows, { left, width }) {
      const body = rows.length > 0 ? list(rows, unit) : [cell('no values here', classes.tooltipRest)];
      element.replaceChildren(cell(formatMoment(seconds * 1000, zone), classes.tooltipTime), ...body);
      element.hidden = false;
      const room = width - left - 24 > element.offsetWidth;
      element.style.left = `${room ? left + 16 : Math.max(0, left - element.offsetWidth - 16)}px`;
    },
    hide() {
      element.hidden = true;
    },
  };
}

function list(rows: readonly TooltipRow[], unit: Unit): HTMLElement[] {
  const focus = rows.findIndex((row) => row.focused);
  const first = Math.max(0, Math.min(focus - MOST_ROWS / 2, rows.length - MOST_ROWS));
  const shown = rows.slice(first, first + MOST_ROWS).map((row) => {
    const element = document.createElement('div');
    element.className = `${classes.tooltipRow} ${row.focused ? classes.tooltipFocus : ''}`;
    const swatch = cell('', classes.tooltipSwatch);
    swatch.style.background = `var(${row.line.style.token})`;
    const exact = formatExact(row.value);
    const short = formatValue(row.value, unit);
    const value = cell(row.focused && short !== exact ? `${short} (${exact})` : short, classes.tooltipValue);
    element.append(swatch, cell(row.name, classes.tooltipName), value);
    return element;
  });
  const rest = rows.length - shown.length;
  return rest > 0 ? [...shown, cell(`and ${rest} more`, classes.tooltipRest)] : shown;
}

function cell(text: string, className: string | undefined): HTMLElement {
  const element = document.createElement('div');
  element.className = className ?? '';
  element.textContent = text;
  return element;
}
