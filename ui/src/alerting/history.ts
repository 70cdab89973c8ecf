import type { HistoryEvent, HistoryState } from '../api/alerting';
import type { RangeSeries } from '../api/query';
import { type Labels, selector } from '../labels/labels';
import type { Span } from '../time/bound';

/** A stretch of time in one state, in milliseconds since 1970. While nothing is wrong there is no stretch. */
export interface Stretch {
  from: number;
  to: number;
  state: Exclude<HistoryState, 'inactive'>;
}

/** Stretches of one alert, under its labels. */
export interface AlertPast {
  key: string;
  labels: Labels;
  stretches: Stretch[];
}

/**
 * What became of each alert in the span, out of its changes. Before the first change in the span its `from` held, after
 * the last its `to`, up to `now`.
 */
export function pastOfEvents(events: readonly HistoryEvent[], span: Span, now: number): Map<string, AlertPast> {
  const end = Math.min(span.end, now);
  const pasts = new Map<string, { past: AlertPast; since: number; state: HistoryState }>();
  const inOrder = events.map((event) => ({ event, time: Date.parse(event.time) })).toSorted((a, b) => a.time - b.time);
  for (const { event, time } of inOrder) {
    const key = selector(event.labels);
    const open = pasts.get(key) ?? {
      past: { key, labels: event.labels, stretches: [] },
      since: span.start,
      state: event.from,
    };
    add(open.past.stretches, open.since, Math.min(time, end), open.state);
    pasts.set(key, { past: open.past, since: Math.max(time, span.start), state: event.to });
  }
  for (const { past, since, state } of pasts.values()) add(past.stretches, since, end, state);
  return new Map([...pasts].map(([key, { past }]) => [key, past]));
}

/** The same out of the series `ALERTS`, whose samples stand `step` seconds apart. */
export function pastOfSeries(series: readonly RangeSeries[], step: number): Map<string, AlertPast> {
  const pasts = new Map<string, AlertPast>();
  for (const { labels: all, times } of series) {
    const { __name__: _, alertstate, ...labels } = all;
    if (alertstate !== 'pending' && alertstate !== 'firing') continue;
    const key = selector(labels);
    const past = pasts.get(key) ?? { key, labels, stretches: [] };
    pasts.set(key, past);
    for (const { from, to } of runs(times, step)) past.stretches.push({ from, to, state: alertstate });
  }
  for (const past of pasts.values()) past.stretches.sort((a, b) => a.from - b.from);
  return pasts;
}

/** Stretches, in milliseconds, in which samples follow each other without a gap. A sample holds until the next is due. */
export function runs(times: Iterable<number>, step: number): { from: number; to: number }[] {
  const found: { from: number; to: number }[] = [];
  for (const time of times) {
    const last = found.at(-1);
    const to = (time + step) * 1000;
    if (last !== undefined && time * 1000 <= last.to + step * 500) last.to = to;
    else found.push({ from: time * 1000, to });
  }
  return found;
}

/** Stretches of an alert that did not change in the span: in its state ever since. */
export function unchanged(state: HistoryState, sinceMs: number, span: Span, now: number): Stretch[] {
  const stretches: Stretch[] = [];
  add(stretches, Math.max(sinceMs, span.start), Math.min(span.end, now), state);
  return stretches;
}

/**
 * The stretches of an alert that has been active since `sinceMs` without a break. After a restart the history begins
 * with the first evaluation, and the alert is older than that: its age is restored from the series `ALERTS_FOR_STATE`.
 */
export function unbroken(stretches: readonly Stretch[], sinceMs: number, span: Span): Stretch[] {
  let reached = Math.max(sinceMs, span.start);
  return stretches.map((stretch) => {
    if (stretch.to <= reached) return stretch;
    const from = Math.min(stretch.from, reached);
    reached = stretch.to;
    return { ...stretch, from };
  });
}

/** The stretches of an alert that is in a state now; without a past, it did not change in the span. */
export function ofActive(
  past: AlertPast | undefined,
  { state, sinceMs }: { state: HistoryState; sinceMs: number },
  span: Span,
  now: number,
): Stretch[] {
  return past === undefined ? unchanged(state, sinceMs, span, now) : unbroken(past.stretches, sinceMs, span);
}

function add(stretches: Stretch[], from: number, to: number, state: HistoryState): void {
  if (state === 'inactive' || to <= from) return;
  const last = stretches.at(-1);
  if (last !== undefined && last.state === state && last.to === from) last.to = to;
  else stretches.push({ from, to, state });
}

/** The length of all stretches in a state, in milliseconds. */
export function timeIn(state: Stretch['state'], stretches: readonly Stretch[]): number {
  return stretches.reduce((sum, { from, to, state: own }) => sum + (own === state ? to - from : 0), 0);
}

/** How often an alert began to fire. */
export function timesFired(stretches: readonly Stretch[]): number {
  return stretches.filter(({ state }) => state === 'firing').length;
}
