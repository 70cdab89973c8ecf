import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { api } from '../../api/client';

/** The server is asked for the series of this many metrics, the largest first. */
const COUNTED = 10_000;

/** A query for counts names at most so many metrics. */
const MOST_ASKED = 80;

/** Series in memory by metric name, as far as the server lists them. */
export function useSeriesCounts() {
  const query = useQuery({
    queryKey: ['tsdb', COUNTED],
    queryFn: ({ signal }) => api.tsdb(COUNTED, signal),
    staleTime: 30_000,
  });
  const counts = useMemo(
    () => new Map((query.data?.seriesCountByMetricName ?? []).map(({ name, value }) => [name, value])),
    [query.data],
  );
  return { counts, settled: !query.isPending };
}

/** Counts the series of metrics that the list of the server left out, for the rows in view only. */
export function useMissingCounts(names: readonly string[]): ReadonlyMap<string, number> {
  const asked = names.slice(0, MOST_ASKED);
  const query = useQuery({
    queryKey: ['series-counts', asked],
    enabled: asked.length > 0,
    queryFn: async ({ signal }) => {
      // While the list is being scrolled, nothing is asked.
      await new Promise((resolve) => setTimeout(resolve, 200));
      signal.throwIfAborted();
      const any = asked.map((name) => name.replace(/[\\^$.*+?()[\]{}|"]/g, '\\\\$&')).join('|');
      const { data } = await api.instant(`count by (__name__) ({__name__=~"${any}"})`, Date.now(), signal);
      const samples = data.result.type === 'vector' ? data.result.samples : [];
      const counts = samples.map(({ labels, value }) => [labels.__name__ ?? '', Number(value)] as const);
      // Names without a live series count nothing.
      return new Map([...asked.map((name) => [name, 0] as const), ...counts]);
    },
    staleTime: 60_000,
  });
  return query.data ?? NONE;
}

const NONE: ReadonlyMap<string, number> = new Map();
