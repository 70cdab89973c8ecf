import { useQuery } from '@tanstack/react-query';
import { alerting } from '../api/alertingClient';
import type { Alert } from './alerts';
import { type RuleInGroup, ruleBehind } from './rules';

/** The rule behind an alert: undefined before the answer, null for an alert that another program sent. */
export function useRuleOf({ labels }: Pick<Alert, 'labels'>): RuleInGroup | null | undefined {
  const name = labels.alertname ?? '';
  const { data } = useQuery({
    queryKey: ['rules', name],
    queryFn: ({ signal }) => alerting.rules({ name }, signal),
    staleTime: 30_000,
  });
  return data && (ruleBehind(labels, data) ?? null);
}
