import { alerting } from './alertingClient';
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

/** Rules without their alerts. */
export const RULES_QUERY = {
  queryKey: ['rules'],
  queryFn: ({ signal }: Abortable) => alerting.rules({}, signal),
  staleTime: 5000,
} as const;

export const RULE_ALERTS_QUERY = {
  queryKey: ['alerts', 'rules'],
  queryFn: ({ signal }: Abortable) => alerting.ruleAlerts(signal),
  staleTime: 2000,
} as const;

export const ROUTER_ALERTS_QUERY = {
  queryKey: ['alerts', 'router'],
  queryFn: ({ signal }: Abortable) => alerting.routerAlerts(signal),
  staleTime: 2000,
} as const;

export const SILENCES_QUERY = {
  queryKey: ['silences'],
  queryFn: ({ signal }: Abortable) => alerting.silences(signal),
  staleTime: 2000,
} as const;

export const RECEIVERS_QUERY = {
  queryKey: ['receivers'],
  queryFn: ({ signal }: Abortable) => alerting.receivers(signal),
  staleTime: 5000,
} as const;

export const SLOS_QUERY = {
  queryKey: ['slos'],
  queryFn: ({ signal }: Abortable) => alerting.slos(signal),
  staleTime: 5000,
} as const;
