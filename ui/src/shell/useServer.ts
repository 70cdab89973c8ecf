import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState, useSyncExternalStore } from 'react';
import { api } from '../api/client';
import { reachability } from '../api/reachability';

export const RUNTIME_QUERY = {
  queryKey: ['runtimeinfo'],
  queryFn: ({ signal }: { signal: AbortSignal }) => api.runtimeInfo(signal),
  refetchInterval: 30_000,
} as const;

/** Whether the server shows the demo fleet's data instead of the user's own. */
export function useDemo(): boolean {
  return useQuery(RUNTIME_QUERY).data?.demo === true;
}

/** What everybody has to know about the store: whether numbers may be missing, and whether the server holds back. */
export function useStoreAlarms(): { damaged: boolean; safeMode: boolean } {
  const { corruptionCount = 0, damagedFiles = 0, safeMode = false } = useQuery(RUNTIME_QUERY).data ?? {};
  return { damaged: corruptionCount + damagedFiles > 0, safeMode };
}

/** A configuration that is in use although its files have changed, with a mistake. */
export interface OldConfig {
  /** When it was loaded, in milliseconds since 1970. */
  loadedMs: number;
  /** What is wrong with the files, a problem a line; undefined if the server does not tell. */
  reason: string | undefined;
}

/** The configuration in use if the last attempt to load it anew failed; otherwise undefined. */
export function useOldConfig(): OldConfig | undefined {
  const { reloadConfigSuccess, lastConfigTime = '', lastReloadFailure } = useQuery(RUNTIME_QUERY).data ?? {};
  if (reloadConfigSuccess !== false) return undefined;
  return { loadedMs: Date.parse(lastConfigTime), reason: lastReloadFailure?.reason };
}

/** How long the server has been running, in milliseconds, when it was last asked; undefined before that. */
export function useUpMs(): number | undefined {
  const { startTime, serverTime } = useQuery(RUNTIME_QUERY).data ?? {};
  if (startTime === undefined || serverTime === undefined) return undefined;
  return Date.parse(serverTime) - Date.parse(startTime);
}

const FIRST_WAIT_S = 1;
const LONGEST_WAIT_S = 15;

/** Seconds until the next try to reach a lost server; undefined while it answers. */
export function useLostServer(): number | undefined {
  const reachable = useSyncExternalStore(reachability.subscribe, reachability.get);
  const client = useQueryClient();
  const [left, setLeft] = useState(FIRST_WAIT_S);

  useEffect(() => {
    if (reachable) return;
    let wait = FIRST_WAIT_S;
    let rest = wait;
    setLeft(rest);
    const timer = setInterval(() => {
      rest -= 1;
      if (rest <= 0) {
        wait = Math.min(LONGEST_WAIT_S, wait * 2);
        rest = wait;
        // Success ends the outage through `reachability`; failure is what we already know.
        api.runtimeInfo().catch(() => undefined);
      }
      setLeft(rest);
    }, 1000);
    return () => {
      clearInterval(timer);
      // Everything on screen may have changed meanwhile.
      void client.invalidateQueries();
    };
  }, [reachable, client]);

  return reachable ? undefined : left;
}
