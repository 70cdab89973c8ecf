import { useQueries, useQueryClient } from '@tanstack/react-query';
import { useRef } from 'react';
import { api } from '../../api/client';
import type { QueryState, RangeQuery } from '../../charts/useRangeQueries';
import { TIMED, TIMED_GC_MS, useTime } from '../../nav/time';

/** Asks for the values at the end of the page's time range. Earlier answers stay until new ones are there. */
export function useInstantQueries(queries: readonly RangeQuery[]): {
  states: QueryState[];
  stale: boolean;
  cancel(): void;
} {
  const { span, generation } = useTime();
  const client = useQueryClient();
  const kept = useRef(new Map<string, Pick<QueryState, 'answer' | 'elapsed'>>());
  const results = useQueries({
    queries: queries.map(({ expression }) => ({
      queryKey: [TIMED, 'instant', expression, span.end, generation],
      queryFn: async ({ signal }: { signal: AbortSignal }) => {
        const sent = performance.now();
        const answer = await api.instant(expression, span.end, signal);
        return { answer, elapsed: performance.now() - sent };
      },
      gcTime: TIMED_GC_MS,
      staleTime: Number.POSITIVE_INFINITY,
      structuralSharing: false,
    })),
  });
  const states = queries.map(({ id, expression }, i): QueryState => {
    const result = results[i];
    if (result?.data !== undefined) kept.current.set(expression, result.data);
    const shown = result?.data ?? (result?.isFetching ? kept.current.get(expression) : undefined);
    return {
      id,
      expression,
      loading: result?.isFetching ?? false,
      cancelled: result?.status === 'pending' && result.fetchStatus === 'idle',
      error: result?.error ?? undefined,
      answer: shown?.answer,
      elapsed: shown?.elapsed,
      retry: () => void result?.refetch(),
    };
  });
  for (const expression of kept.current.keys()) {
    if (!queries.some((query) => query.expression === expression)) kept.current.delete(expression);
  }
  return {
    states,
    stale: states.some(({ loading }) => loading),
    cancel: () => void client.cancelQueries({ queryKey: [TIMED, 'instant'] }),
  };
}
