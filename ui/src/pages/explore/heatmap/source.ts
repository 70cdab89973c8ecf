import type { NativePoint, RangeSeries } from '../../../api/query';
import { isSelector } from '../../../promql/names';
import { formatDuration } from '../../../time/duration';

/** What a heatmap can be made of. */
export type HeatSource =
  | { kind: 'classic' }
  | { kind: 'native' }
  /** Buckets that count since their program started: what is of interest is their growth. */
  | { kind: 'growing'; expression: string; window: string }
  | { kind: 'none' };

/** The growth is taken over this much, or over two steps. */
const LEAST_WINDOW_MS = 60_000;

export function heatSource(series: readonly RangeSeries[], expression: string, step: number): HeatSource {
  const native = series.some(({ histograms }) => histograms > 0);
  const classic = series.some(({ labels }) => labels.le !== undefined);
  if (!native && !classic) return { kind: 'none' };
  if (!isSelector(expression)) return { kind: native ? 'native' : 'classic' };
  const window = formatDuration(Math.max(LEAST_WINDOW_MS, Math.ceil(step) * 2000));
  const grown = `rate(${expression.trim()}[${window}])`;
  return { kind: 'growing', expression: native ? `sum(${grown})` : `sum by (le) (${grown})`, window };
}

export function nativePoints(series: readonly RangeSeries[]): NativePoint[] {
  return series.flatMap(({ native }) => native ?? []);
}
