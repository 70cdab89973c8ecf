import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { ROUTER_ALERTS_QUERY } from '../../api/queries';

const REFRESH_MS = 5000;

/** How many alerts each silence keeps quiet now, by its id; undefined before that is known. */
export function useSilencedCounts(): ReadonlyMap<string, number> | undefined {
  const { data } = useQuery({ ...ROUTER_ALERTS_QUERY, refetchInterval: REFRESH_MS });
  return useMemo(() => {
    if (data === undefined) return undefined;
    const counts = new Map<string, number>();
    for (const id of data.flatMap(({ status }) => status.silencedBy)) counts.set(id, (counts.get(id) ?? 0) + 1);
    return counts;
  }, [data]);
}
