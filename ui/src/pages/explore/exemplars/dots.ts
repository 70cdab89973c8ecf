import type { Exemplar, ExemplarSeries } from '../../../api/exemplars';
import type { PlotLayout } from '../../../charts/plot';
import type { Labels } from '../../../labels/labels';

/** An exemplar with its place in the chart. */
export interface Dot {
  exemplar: Exemplar;
  /** The series that it was seen in. */
  series: Labels;
  x: number;
  y: number;
  /** Its value lies outside of the axis, so it stands at the edge. */
  outside: boolean;
}

/** One dot for each square of so many pixels: the one with the highest value. */
const CELL_PX = 9;

/** From left to right. Those in sight of each other are one; the rest of the count tells how many there are. */
export function placeDots(found: readonly ExemplarSeries[], layout: PlotLayout): { dots: Dot[]; all: number } {
  const cells = new Map<string, Dot>();
  const seen = new Set<string>();
  for (const { labels, exemplars } of found) {
    for (const exemplar of exemplars) {
      const x = layout.x(exemplar.time);
      // The buckets of a histogram may share an exemplar.
      const identity = JSON.stringify([exemplar.time, exemplar.value, exemplar.labels]);
      if (!(x >= 0 && x <= layout.width) || seen.has(identity)) continue;
      seen.add(identity);
      const exact = layout.y(exemplar.value);
      const y = Math.min(layout.height, Math.max(0, exact));
      const cell = `${Math.round(x / CELL_PX)} ${Math.round(y / CELL_PX)}`;
      const known = cells.get(cell);
      if (known !== undefined && known.exemplar.value >= exemplar.value) continue;
      cells.set(cell, { exemplar, series: labels, x, y, outside: exact !== y });
    }
  }
  return { dots: [...cells.values()].sort((a, b) => a.x - b.x || a.y - b.y), all: seen.size };
}
