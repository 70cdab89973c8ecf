import type { QueryResult } from '../../api/query';
import type { QueryState } from '../../charts/useRangeQueries';
import { formatCount, plural } from '../../format/value';
import { formatSeconds } from '../../time/duration';

export type QueryProgress = QueryState;

/** An answer in one line: how much came back, what it took. */
export function resultLine({ answer, elapsed }: QueryState): string {
  if (answer === undefined) return '';
  const parts = [sizeOf(answer.data.result)];
  if (answer.data.samplesRead !== undefined) parts.push(`${formatCount(answer.data.samplesRead)} samples read`);
  if (elapsed !== undefined) parts.push(formatSeconds(elapsed / 1000));
  return parts.join(' · ');
}

function sizeOf(result: QueryResult): string {
  switch (result.type) {
    case 'matrix':
      return plural(result.series.length, 'series', 'series');
    case 'vector':
      return plural(result.samples.length, 'series', 'series');
    case 'scalar':
      return 'a number';
    case 'string':
      return 'a text';
  }
}
