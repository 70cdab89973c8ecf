import { expect, test } from 'vitest';
import type { HistoryEvent, HistoryState } from '../api/alerting';
import { ofActive, pastOfEvents, pastOfSeries, timeIn, timesFired, unbroken, unchanged } from './history';
import { pastInWords } from './StateStrip';

const SPAN = { start: 0, end: 100_000 };

function event(second: number, from: HistoryState, to: HistoryState, job = 'a'): HistoryEvent {
  return {
    time: new Date(second * 1000).toISOString(),
    labels: { alertname: 'A', job },
    from,
    to,
    value: '1',
    annotations: {},
    rule: { file: 'f', group: 'g', name: 'A' },
  };
}

test('changes become stretches, with what held before the first and after the last', () => {
  const past = pastOfEvents(
    [
      event(60, 'inactive', 'pending'),
      event(20, 'firing', 'inactive'),
      event(70, 'pending', 'firing'),
      event(50, 'inactive', 'pending', 'b'),
      event(55, 'pending', 'inactive', 'b'),
    ],
    SPAN,
    90_000,
  );
  expect(past.get('{alertname="A", job="a"}')?.stretches).toEqual([
    { from: 0, to: 20_000, state: 'firing' },
    { from: 60_000, to: 70_000, state: 'pending' },
    { from: 70_000, to: 90_000, state: 'firing' },
  ]);
  expect(past.get('{alertname="A", job="b"}')?.stretches).toEqual([{ from: 50_000, to: 55_000, state: 'pending' }]);
});

test('an event that changes nothing does not cut a stretch', () => {
  const past = pastOfEvents([event(10, 'inactive', 'firing'), event(20, 'firing', 'firing')], SPAN, 1e9);
  expect([...past.values()][0]?.stretches).toEqual([{ from: 10_000, to: 100_000, state: 'firing' }]);
});

test('the series of alerts become stretches; a gap ends one', () => {
  const series = (alertstate: string, times: number[]) => ({
    labels: { __name__: 'ALERTS', alertname: 'A', alertstate },
    times: Float64Array.from(times),
    values: new Float64Array(times.length).fill(1),
    histograms: 0,
  });
  const past = pastOfSeries([series('firing', [30, 40, 80]), series('pending', [10, 20])], 10);
  expect(past.get('{alertname="A"}')?.stretches).toEqual([
    { from: 10_000, to: 30_000, state: 'pending' },
    { from: 30_000, to: 50_000, state: 'firing' },
    { from: 80_000, to: 90_000, state: 'firing' },
  ]);
});

test('what did not change has been so since it began', () => {
  expect(unchanged('firing', -5000, SPAN, 50_000)).toEqual([{ from: 0, to: 50_000, state: 'firing' }]);
  expect(unchanged('pending', 60_000, SPAN, 50_000)).toEqual([]);
});

test('an alert whose age was restored after a restart has been active since then', () => {
  const stretches = [
    { from: 5000, to: 10_000, state: 'firing' },
    { from: 60_000, to: 70_000, state: 'pending' },
    { from: 70_000, to: 90_000, state: 'firing' },
  ] as const;
  const [before, pending, firing] = stretches;
  expect(unbroken(stretches, 40_000, SPAN)).toEqual([before, { ...pending, from: 40_000 }, firing]);
  expect(unbroken(stretches, 8000, SPAN)).toEqual([before, { ...pending, from: 10_000 }, firing]);
  expect(unbroken(stretches, -1, { ...SPAN, start: 20_000 })[1]).toEqual({ ...pending, from: 20_000 });
  expect(unbroken(stretches, 60_000, SPAN)).toEqual(stretches);
  // It began after the changes were asked for.
  expect(unbroken(stretches, 95_000, SPAN)).toEqual(stretches);
});

test('an active alert has its past, as old as it is, or has not changed', () => {
  const since = { state: 'firing', sinceMs: 10_000 } as const;
  const stretches = [{ from: 60_000, to: 90_000, state: 'firing' }] as const;
  const past = { key: '', labels: {}, stretches: [...stretches] };
  expect(ofActive(past, since, SPAN, 90_000)).toEqual([{ from: 10_000, to: 90_000, state: 'firing' }]);
  expect(ofActive(undefined, since, SPAN, 50_000)).toEqual([{ from: 10_000, to: 50_000, state: 'firing' }]);
});

test('the past in words', () => {
  const stretches = [
    { from: 0, to: 30_000, state: 'pending' },
    { from: 30_000, to: 90_000, state: 'firing' },
    { from: 200_000, to: 260_000, state: 'firing' },
  ] as const;
  expect(timesFired(stretches)).toBe(2);
  expect(timeIn('firing', stretches)).toBe(120_000);
  expect(pastInWords(stretches)).toBe('fired 2 times, for 2m in all');
  expect(pastInWords(stretches.slice(0, 1))).toBe('pending for 30s in all, never fired');
  expect(pastInWords([])).toBe('neither pending nor firing');
});
