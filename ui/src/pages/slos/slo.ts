import type { Slo, SloAlert } from '../../api/alerting';
import { formatValue } from '../../format/value';
import { formatUntil, parseDuration } from '../../time/duration';
import type { SLO_SORTS } from '../../url/alerting';

/** How an objective stands, by its alerts and its budget. */
export type Standing = 'spent' | 'burning' | 'holding' | 'unknown';

export function standingOf({ budget: { remaining }, alerts }: Slo): Standing {
  if (remaining !== null && remaining <= 0) return 'spent';
  // The alert that tells that nothing is measured does not tell that anything burns.
  if (alerts.some((alert) => isFiring(alert) && alert.burn !== '')) return 'burning';
  return remaining === null ? 'unknown' : 'holding';
}

export const isFiring = ({ state }: SloAlert) => state === 'firing';

/** The server started so lately that the first evaluations may be still to come: a few intervals of a minute each. */
const SETTLING_MS = 10 * 60_000;

/** Whether nothing is known of an objective because the server that computes it has only just started. */
export function isSettling(slo: Slo, upMs: number | undefined): boolean {
  return standingOf(slo) === 'unknown' && !slo.alerts.some(isFiring) && upMs !== undefined && upMs < SETTLING_MS;
}

/** `page, fast burn` */
export function alertText({ tier, burn }: SloAlert): string {
  return burn === '' ? `${tier}, nothing is measured` : `${tier}, ${burn} burn`;
}

/** `99.9 %`, with as many digits as the ratio has. */
export function percentText(ratio: number): string {
  return `${Number((100 * ratio).toPrecision(10))} %`;
}

/** What is left of the budget, as a part of it. */
export function remainingText(remaining: number | null): string {
  if (remaining === null) return '–';
  return `${(100 * remaining).toFixed(Math.abs(remaining) < 0.1 ? 1 : 0)} %`;
}

/** A number of events as people count them. Those of a window are estimated, so that they need not be whole. */
export function eventsText(count: number): string {
  if (count > 0 && count < 1) return 'less than 1';
  return formatValue(Math.round(count));
}

/** What is left of the budget and when it runs out, in a sentence. */
export function budgetText(slo: Slo, now: number): string {
  const { remaining } = slo.budget;
  if (remaining === null) return exhaustionText(slo, now);
  if (remaining < 0) return `overspent by ${remainingText(-remaining)}`;
  return `${remainingText(remaining)} left, ${exhaustionText(slo, now)}`;
}

/** When the budget runs out, in words. */
export function exhaustionText({ budget: { remaining, exhaustedAt } }: Slo, now: number): string {
  if (remaining === null) return 'nothing is computed yet';
  if (remaining <= 0) return 'it is spent';
  if (exhaustedAt === null) return 'not at this pace';
  return `runs out ${formatUntil(Date.parse(exhaustedAt), now)}`;
}

/** What is known by window, from the shortest to the longest. */
export function byWindow<T>(known: Readonly<Record<string, T>>): [window: string, T][] {
  return Object.entries(known).sort(([a], [b]) => (parseDuration(a) ?? 0) - (parseDuration(b) ?? 0));
}

/** A burn rate beyond which an alert fires. */
export interface BurnLimit {
  factor: number;
  /** The long one, over which it is measured. */
  window: string;
  /** `14.4 × over 1h: page` */
  name: string;
}

/** The limits of an objective, the slowest first. */
export function burnLimits(alerts: readonly SloAlert[]): BurnLimit[] {
  const limits = alerts.flatMap(({ factor, windows: [window], tier }): BurnLimit[] =>
    factor === null || window === undefined ? [] : [{ factor, window, name: `${factor} × over ${window}: ${tier}` }],
  );
  const distinct = new Map(limits.map((limit) => [limit.name, limit]));
  return [...distinct.values()].sort((a, b) => a.factor - b.factor);
}

/** The limits that belong beside burn rates of at most `highest`: those that were passed, and the next one. */
export function limitsInView(limits: readonly BurnLimit[], highest: number): BurnLimit[] {
  const next = limits.find(({ factor }) => factor > highest)?.factor ?? Number.POSITIVE_INFINITY;
  return limits.filter(({ factor }) => factor <= next);
}

/** `14.4 × over 1h and 5m`; empty for an alert that fires at no speed. */
export function limitText({ factor, windows }: SloAlert): string {
  return factor === null ? '' : `${factor} × over ${windows.join(' and ')}`;
}

/** The burn rate that tells how things go now: that of an hour, or else of the shortest window. */
export function burnNow(slo: Pick<Slo, 'burn'>): number | null {
  return slo.burn['1h'] ?? byWindow(slo.burn)[0]?.[1] ?? null;
}

/** Objectives in the order that is asked for; those of which nothing is known come last. */
export function sortSlos(slos: readonly Slo[], sort: (typeof SLO_SORTS)[number]): Slo[] {
  const byName = (a: Slo, b: Slo) => (a.name < b.name ? -1 : 1);
  const left = ({ budget }: Slo) => budget.remaining ?? Number.POSITIVE_INFINITY;
  const burn = (slo: Slo) => burnNow(slo) ?? Number.NEGATIVE_INFINITY;
  return slos.toSorted((a, b) => {
    if (sort === 'budget') return left(a) - left(b) || byName(a, b);
    if (sort === 'burn') return burn(b) - burn(a) || byName(a, b);
    return byName(a, b);
  });
}
