import type { Ast } from './ast';
import { basePath } from './base';
import type { Breakdown, Cardinality, LabelChoice } from './cardinality';
import { decodeQueryAnswer } from './decode';
import { type Answer, openEnvelope } from './envelope';
import { decodeExemplars, type ExemplarSeries } from './exemplars';
import type { PackFile, Packs } from './packs';
import type { QueryData } from './query';
import type { StorageDetails } from './storage';
import { Transport } from './transport';
import type { BuildInfo, Explanation, MetricMetadata, RuntimeInfo, Targets, TsdbStatus } from './types';

export const transport = new Transport({
  prefix: basePath,
  fetch: (input, init) => window.fetch(input, init),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, ms);
      signal.addEventListener('abort', () => {
        clearTimeout(timer);
        reject(signal.reason);
      });
    }),
  random: Math.random,
});

/** Asks with GET below `/api/v1/` and opens the envelope. */
export async function get<T>(path: string, params?: Record<string, string>, signal?: AbortSignal): Promise<T> {
  const request = params === undefined ? { path } : { path, params: new URLSearchParams(params) };
  const { data } = await transport.send(request, openEnvelope, signal);
  return data as T;
}

/** Seconds with milliseconds, as the API reads times. */
export const seconds = (ms: number) => (ms / 1000).toFixed(3);

/** The Prometheus HTTP API of this server, typed. Every call can be cancelled, on the server too. */
export const api = {
  instant(query: string, timeMs: number, signal?: AbortSignal): Promise<Answer<QueryData>> {
    const params = new URLSearchParams({ query, time: seconds(timeMs), stats: 'all' });
    return transport.send({ path: 'query', params, method: 'POST' }, decodeQueryAnswer, signal);
  },

  range(
    query: string,
    { start, end, step }: { start: number; end: number; step: number },
    signal?: AbortSignal,
  ): Promise<Answer<QueryData>> {
    const times = { start: seconds(start), end: seconds(end), step: String(step) };
    const params = new URLSearchParams({ query, ...times, stats: 'all' });
    return transport.send({ path: 'query_range', params, method: 'POST' }, decodeQueryAnswer, signal);
  },

  exemplars: async (
    query: string,
    { start, end }: { start: number; end: number },
    signal?: AbortSignal,
  ): Promise<ExemplarSeries[]> => {
    const params = { query, start: seconds(start), end: seconds(end) };
    return decodeExemplars(await get<unknown>('query_exemplars', params, signal));
  },

  /** The expression as a tree. */
  parse: (query: string, signal?: AbortSignal) => get<Ast>('parse_query', { query }, signal),

  /** The expression in words. */
  explain: (query: string, signal?: AbortSignal) => get<Explanation>('explain', { query }, signal),

  labelNames: (match?: string, signal?: AbortSignal) =>
    get<string[]>('labels', match === undefined ? undefined : { 'match[]': match }, signal),

  labelValues: (label: string, match?: string, signal?: AbortSignal) =>
    get<string[]>(
      `label/${encodeLabelName(label)}/values`,
      match === undefined ? undefined : { 'match[]': match },
      signal,
    ),

  metricNames: (signal?: AbortSignal) => get<string[]>('label/__name__/values', undefined, signal),

  metadata: async (signal?: AbortSignal) => {
    const data = await get<Record<string, MetricMetadata[]>>('metadata', undefined, signal);
    return new Map(Object.entries(data));
  },

  targets: async (state: 'active' | 'dropped', signal?: AbortSignal): Promise<Targets> => {
    const data = await get<Partial<Targets> | null>('targets', { state }, signal);
    return {
      ...data,
      activeTargets: data?.activeTargets ?? [],
      droppedTargets: data?.droppedTargets ?? [],
      invalidTargets: data?.invalidTargets ?? [],
    };
  },

  packs: (signal?: AbortSignal) => get<Packs>('packs', undefined, signal),
  packFiles: (pack: string, signal?: AbortSignal) =>
    get<PackFile[]>(`packs/${encodeURIComponent(pack)}/files`, undefined, signal),

  /** What to do when the alerts of a pack fire, as Markdown. */
  runbooks: async (pack: string, signal?: AbortSignal) =>
    (await get<{ text: string }>(`packs/${encodeURIComponent(pack)}/runbooks`, undefined, signal)).text,

  buildInfo: (signal?: AbortSignal) => get<BuildInfo>('status/buildinfo', undefined, signal),
  runtimeInfo: (signal?: AbortSignal) => get<RuntimeInfo>('status/runtimeinfo', undefined, signal),
  flags: (signal?: AbortSignal) => get<Record<string, string>>('status/flags', undefined, signal),
  config: async (signal?: AbortSignal) => (await get<{ yaml: string }>('status/config', undefined, signal)).yaml,

  tsdb: async (limit: number, signal?: AbortSignal): Promise<TsdbStatus> => {
    const data = await get<Partial<TsdbStatus>>('status/tsdb', { limit: String(limit) }, signal);
    return {
      headStats: data.headStats ?? { numSeries: 0 },
      seriesCountByMetricName: data.seriesCountByMetricName ?? [],
      labelValueCountByLabelName: data.labelValueCountByLabelName ?? [],
      memoryInBytesByLabelName: data.memoryInBytesByLabelName ?? [],
      seriesCountByLabelValuePair: data.seriesCountByLabelValuePair ?? [],
    };
  },

  storage: (signal?: AbortSignal) => get<StorageDetails>('status/storage', undefined, signal),

  /** Where series come from: lists of the `limit` largest; `window` as a duration. */
  cardinality: (limit: number, window: string, signal?: AbortSignal) =>
    get<Cardinality>('status/cardinality', { limit: String(limit), window }, signal),

  breakdown: ({ label, value }: LabelChoice, limit: number, window: string, signal?: AbortSignal) =>
    get<Breakdown>(
      'status/cardinality/breakdown',
      { label, ...(value !== undefined && { value }), limit: String(limit), window },
      signal,
    ),
};

/**
 * A label name in a path. Names outside the classic alphabet are sent in the escaping that the API defines for
 * addresses: `U__` and each foreign character as its code point in hex between underscores.
 */
export function encodeLabelName(name: string): string {
  if (/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name)) return name;
  let escaped = 'U__';
  for (const char of name) {
    if (char === '_') escaped += '__';
    else if (/[a-zA-Z0-9]/.test(char)) escaped += char;
    else escaped += `_${(char.codePointAt(0) ?? 0).toString(16)}_`;
  }
  return escaped;
}
