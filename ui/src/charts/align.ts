import type { RangeSeries } from '../api/query';
import type { Span } from '../time/bound';

/** A value, or a gap. */
export type Point = number | null;

/** All series on one common time axis. */
export interface Grid {
  /** Seconds since 1970, evenly spaced. */
  times: number[];
  /** One column per series, as long as `times`. */
  columns: Point[][];
}

/**
 * Puts series on the grid of the query. A step without a sample is a gap, and so are values that have no place on an
 * axis (not-a-number and the infinities).
 */
export function alignSeries(series: readonly Pick<RangeSeries, 'times' | 'values'>[], span: Span, step: number): Grid {
  const start = span.start / 1000;
  const length = Math.floor((span.end / 1000 - start) / step + 1e-6) + 1;
  const times = Array.from({ length }, (_, i) => start + i * step);
  const columns = series.map(({ times: own, values }) => {
    const column = new Array<Point>(length).fill(null);
    own.forEach((time, i) => {
      const slot = Math.round((time - start) / step);
      const value = values[i];
      if (slot >= 0 && slot < length && value !== undefined && Number.isFinite(value)) column[slot] = value;
    });
    return column;
  });
  return { times, columns };
}

/** Positions of values between two gaps: no line leads to them, so they are drawn as dots. */
export function lonePoints(column: readonly Point[]): number[] {
  const lone: number[] = [];
  column.forEach((value, i) => {
    if (value !== null && (column[i - 1] ?? null) === null && (column[i + 1] ?? null) === null) lone.push(i);
  });
  return lone;
}
