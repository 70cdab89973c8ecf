import { useQuery } from '@tanstack/react-query';
import { api } from '../api/client';
import { comparisonOf } from './rules';

/** The comparison with a number that an expression ends in; null if it is something else. */
export function useComparison(expression: string, enabled = true) {
  return useQuery({
    queryKey: ['comparison', expression],
    queryFn: async ({ signal }) => comparisonOf(await api.parse(expression, signal)) ?? null,
    staleTime: Number.POSITIVE_INFINITY,
    enabled,
  });
}
