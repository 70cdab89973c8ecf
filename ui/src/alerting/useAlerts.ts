import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { ApiError } from '../api/error';
import { ROUTER_ALERTS_QUERY, RULE_ALERTS_QUERY } from '../api/queries';
import { type Alert, joinAlerts } from './alerts';

const REFRESH_MS = 5000;

export interface AlertsState {
  /** Undefined before the first answer. */
  alerts: readonly Alert[] | undefined;
  /** Nobody is told by this server, and nothing can be silenced here. */
  noRouter: boolean;
  errors: { error: unknown; retry(): void }[];
}

/** All alerts there are now: those of the rules, and those that others sent to the router. */
export function useAlerts(): AlertsState {
  const rules = useQuery({ ...RULE_ALERTS_QUERY, refetchInterval: REFRESH_MS });
  const router = useQuery({ ...ROUTER_ALERTS_QUERY, refetchInterval: REFRESH_MS });
  const noRouter = isNoRouter(router.error);
  const settled = (rules.data !== undefined || rules.isError) && (router.data !== undefined || router.isError);
  const alerts = useMemo(
    () => (settled ? joinAlerts(rules.data ?? [], router.data ?? []) : undefined),
    [settled, rules.data, router.data],
  );
  const errors = [rules, ...(noRouter ? [] : [router])].flatMap(({ error, refetch }) =>
    error === null ? [] : [{ error, retry: () => void refetch() }],
  );
  return { alerts, noRouter, errors };
}

/** Whether a request failed because the server tells nobody about alerts: it has no routing configuration. */
export function isNoRouter(error: unknown): boolean {
  return error instanceof ApiError && error.status === 404;
}
