import type { RangeSeries } from '../api/query';
import { type Labels, selector } from '../labels/labels';
import { type AlertPast, runs, type Stretch } from './history';

/** How an alerting rule waits, in milliseconds. */
export interface Waits {
  /** `for`: so long the condition has to hold before the alert fires. */
  forMs: number;
  /** `keep_firing_for`: so long it fires on after the condition stopped to hold. */
  keepMs: number;
}

/**
 * What an alerting rule would have made of the values of its expression, which are `step` seconds apart. What held
 * before the first value is not known: an alert that has been active for long begins to wait there.
 */
export function backtest(series: readonly RangeSeries[], step: number, waits: Waits): AlertPast[] {
  const pasts = series.map(({ labels, times }): AlertPast => {
    const own: Labels = Object.fromEntries(Object.entries(labels).filter(([name]) => name !== '__name__'));
    return { key: selector(own), labels: own, stretches: stretchesOf(runs(times, step), step * 1000, waits) };
  });
  return pasts.filter(({ stretches }) => stretches.length > 0).sort((a, b) => firstFiring(a) - firstFiring(b));
}

function stretchesOf(
  active: readonly { from: number; to: number }[],
  stepMs: number,
  { forMs, keepMs }: Waits,
): Stretch[] {
  const found: Stretch[] = [];
  for (const { from, to } of active) {
    const last = found.at(-1);
    if (last?.state === 'firing' && from <= last.to) {
      // It still fired on when the condition held again.
      last.to = to + keepMs;
      continue;
    }
    // The rule fires at the first evaluation at which the condition has held for long enough.
    const fires = from + Math.ceil(forMs / stepMs) * stepMs;
    if (forMs > 0) found.push({ from, to: Math.min(fires, to), state: 'pending' });
    if (fires < to) found.push({ from: fires, to: to + keepMs, state: 'firing' });
  }
  return found;
}

function firstFiring({ stretches }: AlertPast): number {
  return stretches.find(({ state }) => state === 'firing')?.from ?? Number.POSITIVE_INFINITY;
}
