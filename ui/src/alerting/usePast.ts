import { useQuery } from '@tanstack/react-query';
import { alerting } from '../api/alertingClient';
import { api } from '../api/client';
import { ApiError } from '../api/error';
import { TIMED, TIMED_GC_MS, useTime } from '../nav/time';
import type { Span } from '../time/bound';
import { alignSpan, stepFor } from '../time/step';
import { type AlertPast, pastOfEvents, pastOfSeries } from './history';

export interface Past {
  /** By the labels of the alert as text. */
  alerts: ReadonlyMap<string, AlertPast>;
  span: Span;
  /** Changes at the beginning of the span are missing, because there are too many. */
  truncated: boolean;
}

/**
 * What became of alerts in the time range of the page; `match` is a selector over their labels. It comes from the
 * history of state changes, or where the server keeps none, from the series `ALERTS`.
 */
export function usePast(match?: string) {
  const { span, generation } = useTime();
  return useQuery({
    queryKey: [TIMED, 'past', match ?? '', span.start, span.end, generation],
    queryFn: ({ signal }) => askPast(span, match, signal),
    gcTime: TIMED_GC_MS,
    structuralSharing: false,
    staleTime: Number.POSITIVE_INFINITY,
    placeholderData: (earlier) => earlier,
  });
}

async function askPast(span: Span, match: string | undefined, signal: AbortSignal): Promise<Past> {
  try {
    const { events, truncated } = await alerting.history(span, match, signal);
    return { alerts: pastOfEvents(events, span, Date.now()), span, truncated };
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 404) throw error;
  }
  const step = stepFor(span, 'auto');
  const { data } = await api.range(`ALERTS${match ?? ''}`, { ...alignSpan(span, step), step }, signal);
  const series = data.result.type === 'matrix' ? data.result.series : [];
  return { alerts: pastOfSeries(series, step), span, truncated: false };
}
