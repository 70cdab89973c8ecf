import type { RangeSeries } from '../api/query';

/** What the legend says of a line. Undefined where no sample is a finite number. */
export interface SeriesStats {
  last: number | undefined;
  min: number | undefined;
  mean: number | undefined;
  max: number | undefined;
  /** Samples, numbers or not. */
  count: number;
}

export function seriesStats({ values }: Pick<RangeSeries, 'values'>): SeriesStats {
  let [min, max, mean, seen] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 0];
  let last: number | undefined;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    if (value < min) min = value;
    if (value > max) max = value;
    seen++;
    // Incrementally, so that the sum of large values cannot overflow.
    mean += (value - mean) / seen;
    last = value;
  }
  if (seen === 0) return { last, min: undefined, mean: undefined, max: undefined, count: values.length };
  return { last, min, mean, max, count: values.length };
}

/** The positions of the `limit` series with the highest peaks or last values, in their original order. */
export function topSeries(stats: readonly SeriesStats[], limit: number, by: 'max' | 'last' = 'max'): number[] {
  const peak = (i: number) => stats[i]?.[by] ?? Number.NEGATIVE_INFINITY;
  return stats
    .map((_, i) => i)
    .sort((a, b) => peak(b) - peak(a))
    .slice(0, limit)
    .sort((a, b) => a - b);
}
