import { formatValue, plural, type Unit } from '../format/value';
import type { Span } from '../time/bound';
import { formatMomentShort, type Zone } from '../time/zone';
import type { Line } from './line';

/** A chart in words, for those who do not see it. */
export function summarise(lines: readonly Line[], span: Span, unit: Unit, zone: Zone): string {
  const period = `from ${formatMomentShort(span.start, zone)} to ${formatMomentShort(span.end, zone)}`;
  const drawn = lines.filter((line) => line.stats.max !== undefined);
  if (drawn.length === 0) return `No line to draw ${period}.`;
  const highest = extreme(drawn, (line) => line.stats.max ?? Number.NEGATIVE_INFINITY);
  const lowest = extreme(drawn, (line) => -(line.stats.min ?? Number.POSITIVE_INFINITY));
  const text = (value: number | undefined) => formatValue(value ?? Number.NaN, unit);
  const parts = [`${plural(drawn.length, 'line')} ${period}.`];
  parts.push(`Highest value ${text(highest?.stats.max)} in ${highest?.name}.`);
  parts.push(`Lowest value ${text(lowest?.stats.min)} in ${lowest?.name}.`);
  if (drawn.length === 1) parts.push(`Last value ${text(drawn[0]?.stats.last)}.`);
  return parts.join(' ');
}

function extreme(lines: readonly Line[], rank: (line: Line) => number): Line | undefined {
  return lines.reduce<Line | undefined>((best, line) => (best && rank(best) >= rank(line) ? best : line), undefined);
}
