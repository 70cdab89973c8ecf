import type { PrometheusClient } from '@prometheus-io/codemirror-promql/dist/esm/client';
import { labelMatchersToString } from '@prometheus-io/codemirror-promql/dist/esm/parser/matcher';
import { api } from '../api/client';
import type { MetricMetadata } from '../api/types';
import { metricSelector } from '../labels/labels';

/** How long names stay good enough to be suggested. */
const FRESH_MS = 60_000;

/**
 * Targets may tell more or less of the same metric, such as its unit. The editor calls a metric with several entries
 * unknown, so entries of the same type and help are one.
 */
function agreed(metadata: ReadonlyMap<string, readonly MetricMetadata[]>): [string, MetricMetadata[]][] {
  return [...metadata].map(([name, entries]) => [
    name,
    entries.filter((one, i) => entries.findIndex(({ type, help }) => type === one.type && help === one.help) === i),
  ]);
}

/** Names from the live server for the editor, kept for a minute so that each key does not ask again. */
export function completionClient(): PrometheusClient {
  const kept = new Map<string, { at: number; answer: Promise<unknown> }>();
  const keep = <T>(key: string, ask: () => Promise<T>, nothing: T): Promise<T> => {
    const known = kept.get(key);
    if (known !== undefined && Date.now() - known.at < FRESH_MS) return known.answer as Promise<T>;
    // Suggestions are a help, not the question: without them the editor works on, and the next key tries again.
    const answer = ask().catch(() => {
      kept.delete(key);
      return nothing;
    });
    kept.set(key, { at: Date.now(), answer });
    return answer;
  };
  const names = () => keep('names', () => api.metricNames(), []);
  return {
    metricNames: names,
    labelNames: async (metric) => {
      const match = metric ? metricSelector(metric) : undefined;
      const labels = await keep(`labels ${match}`, () => api.labelNames(match), []);
      return labels.filter((label) => label !== '__name__');
    },
    labelValues: (label, metric, matchers) => {
      const text = labelMatchersToString(metric ?? '', matchers, label) ?? '';
      const match = text === '' || text === '{}' ? undefined : text;
      return keep(`values ${label} ${match}`, () => api.labelValues(label, match), []);
    },
    metricMetadata: () => keep('metadata', async () => Object.fromEntries(agreed(await api.metadata())), {}),
    series: async () => [],
    flags: async () => ({}),
  };
}
