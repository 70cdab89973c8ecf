import { useQueries, useQueryClient } from '@tanstack/react-query';
import { useMemo, useRef } from 'react';
import { api } from '../api/client';
import type { Answer } from '../api/envelope';
import type { QueryData, RangeSeries } from '../api/query';
import { TIMED, TIMED_GC_MS, useTime } from '../nav/time';
import type { Span } from '../time/bound';
import { alignSpan, type Step, stepFor, tooFine } from '../time/step';
import { type Line, makeLines } from './line';

export interface RangeQuery {
  /** A letter: names the query in the legend. */
  id: string;
  expression: string;
}

/** How one query is doing. */
export interface QueryState {
  id: string;
  expression: string;
  loading: boolean;
  /** Asked, and given up by the user. */
  cancelled: boolean;
  error: unknown;
  answer: Answer<QueryData> | undefined;
  /** Milliseconds from sending to the decoded answer. */
  elapsed: number | undefined;
  retry(): void;
}

/** What can be drawn: lines that belong together, on one grid. */
export interface Drawing {
  lines: Line[];
  span: Span;
  step: number;
}

export interface RangeResult {
  states: QueryState[];
  /** The last complete picture; undefined before the first. */
  drawing: Drawing | undefined;
  /** The picture belongs to an earlier question. */
  stale: boolean;
  step: number;
  cancel(): void;
}

/** Asks range queries over the time range of the page. The last picture stays until the next one is complete. */
export function useRangeQueries(queries: readonly RangeQuery[], step: Step = 'auto'): RangeResult {
  const { span, generation } = useTime();
  const client = useQueryClient();
  const seconds = stepFor(span, step);
  const smallest = tooFine(span, seconds);
  const aligned = useMemo(() => alignSpan(span, seconds), [span, seconds]);
  const results = useQueries({
    queries: queries.map(({ expression }) => ({
      queryKey: [TIMED, 'range', expression, aligned.start, aligned.end, seconds, generation],
      queryFn: async ({ signal }: { signal: AbortSignal }) => {
        if (smallest !== undefined)
          throw new Error(`A step of ${seconds} s gives too many points. Use ${smallest} s or more.`);
        const sent = performance.now();
        const answer = await api.range(expression, { ...aligned, step: seconds }, signal);
        return { answer, elapsed: performance.now() - sent };
      },
      gcTime: TIMED_GC_MS,
      structuralSharing: false,
      staleTime: Number.POSITIVE_INFINITY,
    })),
  });

  const states = queries.map(({ id, expression }, i): QueryState => {
    const result = results[i];
    return {
      id,
      expression,
      loading: result?.isFetching ?? false,
      cancelled: result?.status === 'pending' && result.fetchStatus === 'idle',
      error: result?.error ?? undefined,
      answer: result?.data?.answer,
      elapsed: result?.data?.elapsed,
      retry: () => void result?.refetch(),
    };
  });

  const settled = states.every(({ loading, cancelled }) => !loading && !cancelled);
  const answers = states.map(({ answer }) => answer);
  const drawing = useComplete(settled, answers, () => ({
    lines: makeLines(states.map(({ id, answer }) => ({ query: id, series: seriesOf(answer) }))),
    span: aligned,
    step: seconds,
  }));
  return {
    states,
    drawing,
    stale: !settled,
    step: seconds,
    cancel: () => void client.cancelQueries({ queryKey: [TIMED, 'range'] }),
  };
}

/** A value made of settled answers; while answers are on their way, the one before. */
function useComplete<T>(settled: boolean, answers: readonly unknown[], make: () => T): T | undefined {
  const kept = useRef<{ answers: readonly unknown[]; value: T }>(undefined);
  const known = kept.current;
  const same =
    known !== undefined && known.answers.length === answers.length && known.answers.every((a, i) => a === answers[i]);
  if (settled && !same) kept.current = { answers, value: make() };
  return kept.current?.value;
}

function seriesOf(answer: Answer<QueryData> | undefined): readonly RangeSeries[] {
  const result = answer?.data.result;
  return result?.type === 'matrix' ? result.series : [];
}
