import { expect, test } from 'vitest';
import type { Slo, SloAlert } from '../../api/alerting';
import {
  alertText,
  budgetText,
  burnLimits,
  burnNow,
  byWindow,
  eventsText,
  exhaustionText,
  isSettling,
  limitsInView,
  limitText,
  percentText,
  remainingText,
  sortSlos,
  standingOf,
} from './slo';

function alert(burn: string, factor: number | null, windows: string[], state = 'inactive'): SloAlert {
  return { name: 'x', tier: factor === 14.4 ? 'page' : 'ticket', burn, factor, windows, state };
}

function slo(name: string, remaining: number | null, burn: Slo['burn'] = {}, state = 'inactive'): Slo {
  return {
    id: name,
    name,
    service: 's',
    description: '',
    objective: 0.999,
    window: '30d',
    labels: {},
    good: 1,
    bad: 0,
    total: 1,
    budget: { remaining, remainingMinutes: null, exhaustedAt: null },
    burn,
    alerts: [alert('fast', 14.4, ['1h', '5m'], state)],
    source: 'f:1',
  };
}

test('the worst come first, and those without data last', () => {
  const all = [slo('b', 0.5, { '1h': 9 }), slo('a', null), slo('c', -0.2, { '1h': 1 }), slo('d', 0.5, { '1h': 2 })];
  const order = (sort: 'budget' | 'burn' | 'name') => sortSlos(all, sort).map(({ name }) => name);
  expect(order('budget')).toEqual(['c', 'b', 'd', 'a']);
  expect(order('burn')).toEqual(['b', 'd', 'c', 'a']);
  expect(order('name')).toEqual(['a', 'b', 'c', 'd']);
});

test('how an objective stands', () => {
  expect(standingOf(slo('a', null))).toBe('unknown');
  expect(standingOf(slo('a', 0))).toBe('spent');
  expect(standingOf(slo('a', 0.9, {}, 'firing'))).toBe('burning');
  expect(standingOf(slo('a', 0.9, {}, 'pending'))).toBe('holding');
  // The budget of a month is not known yet, and an alert on the last hour fires all the same.
  expect(standingOf(slo('a', null, {}, 'firing'))).toBe('burning');
  const unmeasured = slo('a', null);
  unmeasured.alerts = [alert('', null, [], 'firing')];
  expect(standingOf(unmeasured)).toBe('unknown');
  expect(unmeasured.alerts.map(alertText)).toEqual(['ticket, nothing is measured']);
});

test('windows are sorted by their length', () => {
  const burn = { '1d': 1, '30m': 2, '5m': 3, '3d': null };
  expect(byWindow(burn).map(([window]) => window)).toEqual(['5m', '30m', '1d', '3d']);
  expect(burnNow({ burn })).toBe(3);
  expect(burnNow({ burn: { ...burn, '1h': 7 } })).toBe(7);
  expect(burnNow({ burn: {} })).toBeNull();
});

test('figures in words', () => {
  expect(percentText(0.999)).toBe('99.9 %');
  expect(percentText(0.99995)).toBe('99.995 %');
  expect([0.5, 0.051, -0.25, null].map(remainingText)).toEqual(['50 %', '5.1 %', '-25 %', '–']);
  const now = Date.UTC(2026, 10, 26);
  const running = slo('a', 0.5);
  running.budget.exhaustedAt = '2026-11-26T05:00:00Z';
  expect(exhaustionText(running, now)).toBe('runs out in 5 h');
  expect(exhaustionText(slo('a', 0.5), now)).toBe('not at this pace');
  expect(exhaustionText(slo('a', -1), now)).toBe('it is spent');
  expect(budgetText(running, now)).toMatch(/ % left, runs out in 5 h$/);
  expect(budgetText(slo('a', -4.74), now)).toBe('overspent by 474 %');
});

test('beside the burn rates stand the limits that were passed, and the next one', () => {
  const alerts = [
    alert('fast', 14.4, ['1h', '5m']),
    alert('slow', 3, ['1d', '2h']),
    alert('long', 1, ['3d', '6h']),
    alert('', null, []),
  ];
  const limits = burnLimits(alerts);
  expect(limits.map(({ name }) => name)).toEqual([
    '1 × over 3d: ticket',
    '3 × over 1d: ticket',
    '14.4 × over 1h: page',
  ]);
  const shown = (highest: number) => limitsInView(limits, highest).map(({ factor }) => factor);
  expect(shown(0.2)).toEqual([1]);
  expect(shown(1)).toEqual([1, 3]);
  expect(shown(5)).toEqual([1, 3, 14.4]);
  expect(shown(100)).toEqual([1, 3, 14.4]);
  expect(alerts.map(limitText)).toEqual(['14.4 × over 1h and 5m', '3 × over 1d and 2h', '1 × over 3d and 6h', '']);
});

test('events are whole for people', () => {
  expect([0, 0.02, 73.74, 12_345.6].map(eventsText)).toEqual(['0', 'less than 1', '74', '12.35k']);
});

test('nothing is known yet only while the server is young', () => {
  const minutes = (count: number) => count * 60_000;
  expect(isSettling(slo('a', null), minutes(2))).toBe(true);
  expect(isSettling(slo('a', null), minutes(11))).toBe(false);
  expect(isSettling(slo('a', null), undefined)).toBe(false);
  expect(isSettling(slo('a', 0.5), minutes(2))).toBe(false);
  const unmeasured = slo('a', null);
  unmeasured.alerts = [alert('', null, [], 'firing')];
  expect(isSettling(unmeasured, minutes(2))).toBe(false);
});
