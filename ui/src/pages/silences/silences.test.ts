import { expect, test } from 'vitest';
import type { Silence } from '../../api/alerting';
import { extended, filterSilences, titleOf } from './silences';

const SILENCE: Silence = {
  id: '7',
  status: { state: 'active' },
  matchers: [{ name: 'team', value: 'a|b', isRegex: true }],
  startsAt: '2026-11-26T10:00:00.000Z',
  endsAt: '2026-11-26T12:00:00.000Z',
  updatedAt: '2026-11-26T10:00:00.000Z',
  createdBy: 'ada',
  comment: 'backup',
  annotations: { ticket: 'OPS-1' },
  mute: 'firing',
  recurs: '[{weekdays: [saturday]}]',
};

test('a silence that lasts longer is otherwise as it was', () => {
  const { status: _, updatedAt: __, ...rest } = SILENCE;
  expect(extended(SILENCE, 3_600_000)).toEqual({ ...rest, endsAt: '2026-11-26T13:00:00.000Z' });
});

test('silences of a state are found by matcher, comment and author, and what ends next comes first', () => {
  const later = { ...SILENCE, id: '8', comment: 'move', endsAt: '2026-11-26T14:00:00.000Z' };
  const over: Silence = { ...SILENCE, id: '9', status: { state: 'expired' } };
  const ids = (filter: string) => filterSilences([later, over, SILENCE], 'active', filter).map(({ id }) => id);
  expect(titleOf(SILENCE)).toBe('team=~"a|b"');
  expect(ids('')).toEqual(['7', '8']);
  expect(ids('ADA move')).toEqual(['8']);
  expect(ids('team=~')).toEqual(['7', '8']);
  expect(ids('grace')).toEqual([]);
});

test('what silences nothing comes before what ends next, unless it waits for its times', () => {
  const always = { ...SILENCE, recurs: undefined };
  const soon: Silence = { ...SILENCE, id: 'soon' };
  const { recurs: _, ...late } = { ...always, id: 'late', endsAt: '2026-11-26T15:00:00.000Z' };
  const { recurs: __, ...used } = { ...always, id: 'used', endsAt: '2026-11-26T14:00:00.000Z' };
  const order = (counts?: ReadonlyMap<string, number>) =>
    filterSilences([used, soon, late], 'active', '', counts).map(({ id }) => id);
  expect(order(new Map([['used', 3]]))).toEqual(['late', 'soon', 'used']);
  expect(order()).toEqual(['soon', 'used', 'late']);
});
