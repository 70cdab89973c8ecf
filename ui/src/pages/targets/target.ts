import type { ActiveTarget, DroppedTarget } from '../../api/types';
import { wordFilter } from '../../lists/matches';
import { parseDuration } from '../../time/duration';

/** Names a target in the URL: its pool and address. */
export function targetKey(target: ActiveTarget): string {
  return `${target.scrapePool}|${target.scrapeUrl}`;
}

/** A dropped target has no address of its own; its discovered labels are all there is. */
export function droppedKey(target: DroppedTarget): string {
  const { job = '', __address__: address = '' } = target.discoveredLabels;
  const path = target.discoveredLabels.__metrics_path__ ?? '';
  return `${target.scrapePool ?? job}|${address}${path}`;
}

/** When the target was last scraped, or undefined if it was not yet. */
export function lastScrapeMs(target: ActiveTarget): number | undefined {
  const ms = Date.parse(target.lastScrape);
  // The server writes the year 1 for "never".
  return ms > 0 ? ms : undefined;
}

/** When the next scrape is due, or undefined before the first. */
export function nextScrapeMs(target: ActiveTarget): number | undefined {
  const told = Date.parse(target.nextScrape ?? '');
  if (told > 0) return told;
  const last = lastScrapeMs(target);
  const interval = parseDuration(target.scrapeInterval);
  return last === undefined || interval === undefined ? undefined : last + interval;
}

/** Where in the exposition reading it failed: `Line 42, column 7`. */
export function errorPlace({ lastErrorLine: line, lastErrorColumn: column }: ActiveTarget): string | undefined {
  if (line === undefined || line === null) return undefined;
  return column === undefined || column === null ? `Line ${line}` : `Line ${line}, column ${column}`;
}

export function filterTargets(targets: readonly ActiveTarget[], filter: string, health: string): ActiveTarget[] {
  const matches = wordFilter(filter);
  return targets.filter((target) => {
    if (health !== 'all' && target.health !== health) return false;
    const labels = Object.entries(target.labels).map(([name, value]) => `${name}=${value}`);
    return matches([target.scrapePool, target.scrapeUrl, target.lastError, ...labels].join(' '));
  });
}

export function filterDropped(targets: readonly DroppedTarget[], filter: string): DroppedTarget[] {
  const matches = wordFilter(filter);
  return targets.filter((target) => {
    const labels = Object.entries(target.discoveredLabels).map(([name, value]) => `${name}=${value}`);
    return matches([target.scrapePool ?? '', ...labels].join(' '));
  });
}

export interface Pool {
  name: string;
  targets: ActiveTarget[];
  up: number;
}

/** Targets by job, jobs and targets in a fixed order, so that nothing moves while the page refreshes. */
export function groupByPool(targets: readonly ActiveTarget[]): Pool[] {
  const pools = new Map<string, ActiveTarget[]>();
  for (const target of targets) {
    const pool = pools.get(target.scrapePool);
    if (pool === undefined) pools.set(target.scrapePool, [target]);
    else pool.push(target);
  }
  return [...pools]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([name, own]) => ({
      name,
      targets: own.sort((a, b) => a.scrapeUrl.localeCompare(b.scrapeUrl, undefined, { numeric: true })),
      up: own.filter((target) => target.health === 'up').length,
    }));
}
