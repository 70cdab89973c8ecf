import type { RangeSeries } from '../api/query';
import type { Labels } from '../labels/labels';
import type { Span } from '../time/bound';

/**
 * The series of a rule's expression that an alert came from. The alert has all of its labels, but for the name of the
 * metric and for those that the rule sets itself.
 */
export function seriesOf(alert: Labels, ofRule: Labels, series: readonly RangeSeries[]): RangeSeries | undefined {
  const size = (one: RangeSeries) => Object.keys(one.labels).length;
  const fitting = series.filter(({ labels }) =>
    Object.entries(labels).every(
      ([name, value]) => name === '__name__' || ofRule[name] !== undefined || alert[name] === value,
    ),
  );
  return fitting.toSorted((a, b) => size(b) - size(a))[0];
}

/** A line of values in a box of 100 by 100, the lowest of them at 100, and where the bound lies in it. */
export interface Spark {
  /** An SVG path; values that are further apart than `step` are not connected. */
  path: string;
  /** Undefined if there is no bound. */
  bound: number | undefined;
  lowest: number;
  highest: number;
}

/** Draws the values of a series over a span; `step` in seconds. Undefined if there is none to draw. */
export function sparkOf(series: RangeSeries, span: Span, step: number, bound: number | undefined): Spark | undefined {
  const points = [...series.times].flatMap((time, i) => {
    const value = series.values[i] ?? Number.NaN;
    return Number.isFinite(value) ? [{ time, value }] : [];
  });
  if (points.length === 0) return undefined;
  let lowest = Number.POSITIVE_INFINITY;
  let highest = Number.NEGATIVE_INFINITY;
  for (const { value } of points) {
    lowest = Math.min(lowest, value);
    highest = Math.max(highest, value);
  }
  // The bound belongs into the picture: how far away from it the values are is what matters.
  const bottom = Math.min(lowest, bound ?? lowest);
  const room = Math.max(highest, bound ?? highest) - bottom;
  const x = (time: number) => round((100 * (time * 1000 - span.start)) / (span.end - span.start));
  const y = (value: number) => (room === 0 ? 50 : round(100 - (100 * (value - bottom)) / room));
  let path = '';
  points.forEach(({ time, value }, i) => {
    const before = points[i - 1];
    const joined = before !== undefined && time - before.time <= step * 1.5;
    path += `${joined ? 'L' : 'M'}${x(time)} ${y(value)}`;
    // A value between two gaps is a dot.
    if (!joined && (points[i + 1]?.time ?? Number.POSITIVE_INFINITY) - time > step * 1.5) path += 'h0';
  });
  return { path, bound: bound === undefined ? undefined : y(bound), lowest, highest };
}

const round = (share: number) => Math.round(share * 10) / 10;
