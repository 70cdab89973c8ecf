import { useQuery } from '@tanstack/react-query';
import { api } from '../../api/client';

/** The server is asked for the series of this many metrics, the largest first. */
const COUNTED = 10_000;

/** A query for counts names at most so many metrics. */
const MOST_ASKED = 80;

/** Servers that do not know the limit list so many at most. */
const UNASKED = 10;

/** Series by metric name, as far as the server lists them: up to ten thousand metrics, the largest first. */
export function useSeriesCounts() {
  const query = useQuery({
    queryKey: ['series-counts'],
    queryFn: async ({ signal }) => {
      const { seriesCountByMetricName: listed } = await api.tsdb(COUNTED, signal);
      if (listed.length > UNASKED) return new Map(listed.map(({ name, value }) => [name, value]));
      return countLive('{__name__=~".+"}', signal);
    },
    staleTime: 30_000,
  });
  return query.data ?? NONE;
}

/** Live series by metric name, of those that `selector` matches. */
async function countLive(selector: string, signal: AbortSignal): Promise<Map<string, number>> {
  const { data } = await api.instant(`count by (__name__) (${selector})`, Date.now(), signal);
  const samples = data.result.type === 'vector' ? data.result.samples : [];
  return new Map(samples.map(({ labels, value }) => [labels.__name__ ?? '', Number(value)]));
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
      const counts = await countLive(`{__name__=~"${any}"}`, signal);
      // Names without a live series count nothing.
      return new Map([...asked.map((name) => [name, 0] as const), ...counts]);
    },
    staleTime: 60_000,
  });
  return query.data ?? NONE;
}

const NONE: ReadonlyMap<string, number> = new Map();
