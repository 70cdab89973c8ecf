import type { NativePoint, RangeSeries } from '../../api/query';
import type { Labels } from '../../labels/labels';
import type { Span } from '../../time/bound';
import { alignSeries } from '../align';

/** Observations by time and size. */
export interface Heat {
  /** Seconds since 1970, evenly spaced. */
  times: number[];
  /** Where buckets begin and end, ascending: one more than there are rows. The outer ones may be infinite. */
  bounds: number[];
  /** Observations of each row, lowest first, at each time. */
  rows: Float64Array[];
  /** Whether anything is known of a time at all. */
  known: boolean[];
  /** The most observations of a cell. */
  max: number;
}

/** More rows than this are too thin to be seen; neighbours are put together. */
export const MOST_ROWS = 48;

type Bucketed = Pick<RangeSeries, 'times' | 'values'> & { labels: Labels };

/** Classic histograms: one series for each upper bound, each of which counts all smaller observations, too. */
export function classicHeat(series: readonly Bucketed[], span: Span, step: number): Heat {
  const { times, columns } = alignSeries(series, span, step);
  const sums = new Map<number, { total: Float64Array; seen: boolean[] }>();
  series.forEach(({ labels }, i) => {
    const bound = upperBound(labels.le);
    const column = columns[i];
    if (bound === undefined || column === undefined) return;
    const sum = sums.get(bound) ?? { total: new Float64Array(times.length), seen: times.map(() => false) };
    sums.set(bound, sum);
    column.forEach((value, t) => {
      if (value === null) return;
      sum.total[t] = (sum.total[t] ?? 0) + value;
      sum.seen[t] = true;
    });
  });
  const uppers = [...sums.keys()].sort((a, b) => a - b);
  const [first = 0] = uppers;
  const rows = uppers.map(() => new Float64Array(times.length));
  const known = times.map((_, t) => {
    let below = 0;
    let any = false;
    uppers.forEach((upper, row) => {
      const sum = sums.get(upper);
      if (sum?.seen[t] !== true) return;
      any = true;
      const total = sum.total[t] ?? 0;
      const own = rows[row];
      // Buckets are not scraped in one moment everywhere, so a larger one may lag behind a smaller one.
      if (own !== undefined) own[t] = Math.max(0, total - below);
      below = Math.max(below, total);
    });
    return any;
  });
  return finish({ times, bounds: [first > 0 ? 0 : Number.NEGATIVE_INFINITY, ...uppers], rows, known });
}

/** Native histograms: each sample brings its own buckets; the rows are what all of them can be divided into. */
export function nativeHeat(points: readonly NativePoint[], span: Span, step: number): Heat {
  const { times } = alignSeries([], span, step);
  const start = span.start / 1000;
  const edges = new Set<number>();
  for (const { histogram } of points) {
    for (const [lower, upper] of histogram.buckets) edges.add(lower).add(upper);
  }
  const bounds = thin([...edges].sort((a, b) => a - b));
  const rows = bounds.slice(1).map(() => new Float64Array(times.length));
  const known = times.map(() => false);
  for (const { time, histogram } of points) {
    const t = Math.round((time - start) / step);
    if (t < 0 || t >= times.length) continue;
    known[t] = true;
    for (const [lower, upper, count] of histogram.buckets) spread(rows, bounds, t, lower, upper, count);
  }
  return finish({ times, bounds, rows, known });
}

/** Gives a bucket's observations to the rows that it covers, by their share of its width. */
function spread(
  rows: readonly Float64Array[],
  bounds: readonly number[],
  t: number,
  lower: number,
  upper: number,
  count: number,
): void {
  const covered: [row: number, width: number][] = [];
  rows.forEach((_, row) => {
    const [low, high] = [bounds[row] ?? 0, bounds[row + 1] ?? 0];
    const width = Math.min(high, upper) - Math.max(low, lower);
    if (width > 0) covered.push([row, Number.isFinite(width) ? width : 1]);
  });
  const total = covered.reduce((sum, [, width]) => sum + width, 0);
  for (const [row, width] of covered) {
    const own = rows[row];
    if (own !== undefined) own[t] = (own[t] ?? 0) + (count * width) / total;
  }
}

/** At most as many bounds as rows can be seen, the outer ones always. */
function thin(bounds: readonly number[]): number[] {
  const every = Math.ceil((bounds.length - 1) / MOST_ROWS);
  if (every <= 1) return [...bounds];
  return bounds.filter((_, i) => i % every === 0 || i === bounds.length - 1);
}

function finish(heat: Omit<Heat, 'max'>): Heat {
  let max = 0;
  for (const row of heat.rows) for (const value of row) if (value > max) max = value;
  return { ...heat, max };
}

/** Upper bound of a bucket as its label says it. */
function upperBound(le: string | undefined): number | undefined {
  if (le === undefined || le === '') return undefined;
  const bound = le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le);
  return Number.isNaN(bound) ? undefined : bound;
}

/** How strongly a cell is coloured, from 0 to 1. The root lets the few be seen beside the many. */
export function intensity(value: number, max: number): number {
  return value <= 0 || max <= 0 ? 0 : Math.sqrt(value / max);
}

export function cellAt({ rows }: Heat, row: number, column: number): number {
  return rows[row]?.[column] ?? 0;
}
