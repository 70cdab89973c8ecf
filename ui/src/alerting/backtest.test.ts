import { expect, test } from 'vitest';
import { backtest, type Waits } from './backtest';

/** Seconds at which the expression had a result, ten apart. */
function tried(times: readonly number[], waits: Waits) {
  const series = { labels: { __name__: 'up', job: 'a' }, times: Float64Array.from(times), histograms: 0 };
  const pasts = backtest([{ ...series, values: new Float64Array(times.length) }], 10, waits);
  return pasts.flatMap(({ key, stretches }) => [
    key,
    ...stretches.map(({ from, to, state }) => `${state} ${from / 1000}-${to / 1000}`),
  ]);
}

test.each<[string, number[], Waits, string[]]>([
  ['without for it fires at once', [10, 20, 50], { forMs: 0, keepMs: 0 }, ['firing 10-30', 'firing 50-60']],
  [
    'it fires once the condition has held for long enough',
    [10, 20, 30],
    { forMs: 20_000, keepMs: 0 },
    ['pending 10-30', 'firing 30-40'],
  ],
  [
    'for is rounded up to the next evaluation',
    [10, 20, 30],
    { forMs: 15_000, keepMs: 0 },
    ['pending 10-30', 'firing 30-40'],
  ],
  ['what ends before that was only pending', [10, 20], { forMs: 20_000, keepMs: 0 }, ['pending 10-30']],
  [
    'a gap begins the wait anew',
    [10, 20, 50, 60, 70],
    { forMs: 20_000, keepMs: 0 },
    ['pending 10-30', 'pending 50-70', 'firing 70-80'],
  ],
  ['it keeps firing over a gap', [10, 20, 40, 50], { forMs: 0, keepMs: 15_000 }, ['firing 10-75']],
])('%s', (_, times, waits, want) => {
  expect(tried(times, waits)).toEqual(['{job="a"}', ...want]);
});

test('what was never active is left out, and what fired first comes first', () => {
  const of = (job: string, times: number[]) => ({
    labels: { job },
    times: Float64Array.from(times),
    values: new Float64Array(times.length),
    histograms: 0,
  });
  const pasts = backtest([of('late', [90, 100]), of('never', []), of('early', [10, 20])], 10, { forMs: 0, keepMs: 0 });
  expect(pasts.map(({ labels }) => labels.job)).toEqual(['early', 'late']);
});
