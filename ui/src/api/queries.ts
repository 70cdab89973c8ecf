import { api } from './client';

type Abortable = { signal: AbortSignal };

/** Questions that more than one page asks; the answers are shared. */
export const METRIC_NAMES_QUERY = {
  queryKey: ['metric-names'],
  queryFn: ({ signal }: Abortable) => api.metricNames(signal),
  staleTime: 30_000,
} as const;

export const METADATA_QUERY = {
  queryKey: ['metadata'],
  queryFn: ({ signal }: Abortable) => api.metadata(signal),
  staleTime: 60_000,
} as const;

export const PACKS_QUERY = {
  queryKey: ['packs'],
  queryFn: ({ signal }: Abortable) => api.packs(signal),
  staleTime: 10_000,
} as const;

export const TARGETS_QUERY = {
  queryKey: ['targets', 'active'],
  queryFn: ({ signal }: Abortable) => api.targets('active', signal),
  staleTime: 2000,
} as const;
