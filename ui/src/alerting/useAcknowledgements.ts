import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { Silence } from '../api/alerting';
import { SILENCES_QUERY } from '../api/queries';
import type { Alert } from './alerts';
import { isAcknowledgement } from './draft';

/** Finds the silence by which somebody has taken an alert over. */
export function useAcknowledgements({ enabled }: { enabled: boolean }): (alert: Alert) => Silence | undefined {
  const { data } = useQuery({ ...SILENCES_QUERY, enabled });
  return useMemo(() => {
    const byId = new Map((data ?? []).filter(isAcknowledgement).map((silence) => [silence.id, silence]));
    return ({ router }) => router?.status.silencedBy.map((id) => byId.get(id)).find((silence) => silence !== undefined);
  }, [data]);
}
