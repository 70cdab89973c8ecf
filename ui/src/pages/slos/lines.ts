import type { TextPoint } from '../../api/alerting';
import { parseNumber } from '../../api/query';
import { type Line, makeLines } from '../../charts/line';
import { seriesStyle } from '../../theme/series';
import type { Span } from '../../time/bound';
import { type BurnLimit, byWindow, limitsInView } from './slo';

/** How a limit is drawn, in the colour of what it limits. */
const LIMIT_DASH: readonly number[] = [2, 3];

interface Asked {
  span: Span;
  /** Seconds between two points. */
  step: number;
}

/** What was left of a budget; no line if nothing is known of it. */
export function budgetLine(points: readonly TextPoint[]): Line[] {
  return lineOf('budget left', points);
}

/** How fast a budget went over each window, with the limits beside it that belong into the picture. */
export function burnLines(
  burn: Readonly<Record<string, readonly TextPoint[]>>,
  limits: readonly BurnLimit[],
  asked: Asked,
): Line[] {
  const windows = byWindow(burn);
  const styleOf = (window: string) => seriesStyle(windows.findIndex(([known]) => known === window));
  const rates = windows.flatMap(([window, points]) =>
    lineOf(`over ${window}`, points).map((line) => ({ ...line, style: styleOf(window) })),
  );
  if (rates.length === 0) return [];
  const highest = Math.max(...rates.map(({ stats }) => stats.max ?? Number.NEGATIVE_INFINITY));
  const bounds = limitsInView(limits, highest).flatMap(({ name, factor, window }) =>
    lineOf(name, always(factor, asked)).map((line) => ({
      ...line,
      style: { token: styleOf(window).token, dash: LIMIT_DASH },
    })),
  );
  return [...rates, ...bounds];
}

/** The same value all the time. */
function always(value: number, { span, step }: Asked): TextPoint[] {
  const start = span.start / 1000;
  const count = Math.floor((span.end / 1000 - start) / step) + 1;
  return Array.from({ length: count }, (_, place) => [start + place * step, String(value)]);
}

function lineOf(name: string, points: readonly TextPoint[]): Line[] {
  if (points.length === 0) return [];
  const series = {
    labels: { __name__: name },
    times: Float64Array.from(points, ([time]) => time),
    values: Float64Array.from(points, ([, value]) => parseNumber(value)),
    histograms: 0,
  };
  return makeLines([{ query: 'A', series: [series] }]).map((line) => ({ ...line, name }));
}
