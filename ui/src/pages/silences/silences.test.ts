import { expect, test } from 'vitest';
import type { Silence, SilenceState } from '../../api/alerting';
import { extended, filterSilences, titleOf } from './silences';

function silence(id: string, state: SilenceState, startsAt: string, endsAt: string, comment = 'why'): Silence {
  const at = (time: string) => `2026-11-26T${time}:00.000Z`;
  return {
    id,
    status: { state },
    matchers: [
      { name: 'alertname', value: id, isRegex: false, isEqual: true },
      { name: 'job', value: 'a|b', isRegex: true, isEqual: false },
    ],
    startsAt: at(startsAt),
    endsAt: at(endsAt),
    updatedAt: at(startsAt),
    createdBy: 'ada',
    comment,
  };
}

const ALL = [
  silence('late', 'active', '08:00', '20:00'),
  silence('soon', 'active', '09:00', '12:00', 'upgrade of the store'),
  silence('next', 'pending', '14:00', '15:00'),
  silence('old', 'expired', '01:00', '02:00'),
  silence('older', 'expired', '00:00', '01:00'),
];

test('what ends next comes first, and of what is over the latest', () => {
  const ids = (state: SilenceState, filter = '') => filterSilences(ALL, state, filter).map(({ id }) => id);
  expect(ids('active')).toEqual(['soon', 'late']);
  expect(ids('expired')).toEqual(['old', 'older']);
  expect(ids('active', 'store upgrade')).toEqual(['soon']);
  expect(ids('pending', 'alertname="next"')).toEqual(['next']);
});

test('a silence is named by its matchers, and goes on from its end', () => {
  const [first] = ALL;
  if (first === undefined) throw new Error('there is one');
  expect(titleOf(first)).toBe('alertname="late", job!~"a|b"');
  expect(extended(first, 3_600_000)).toMatchObject({
    id: 'late',
    startsAt: '2026-11-26T08:00:00.000Z',
    endsAt: '2026-11-26T21:00:00.000Z',
  });
});
