import { expect, test } from 'vitest';
import {
  acknowledgement,
  draftOf,
  isAcknowledgement,
  NEW_DRAFT,
  readDraft,
  type SilenceDraft,
  timesProblem,
} from './draft';

const NOW = Date.UTC(2026, 10, 26, 12);
const DRAFT: SilenceDraft = {
  ...NEW_DRAFT,
  matchers: [{ name: 'alertname', op: '=', value: 'A' }],
  author: ' ada ',
  comment: 'upgrade',
};

test('a draft becomes what the API takes', () => {
  expect(readDraft(DRAFT, NOW, 'utc').silence).toEqual({
    matchers: [{ name: 'alertname', value: 'A', isRegex: false, isEqual: true }],
    startsAt: '2026-11-26T12:00:00.000Z',
    endsAt: '2026-11-26T14:00:00.000Z',
    createdBy: 'ada',
    comment: 'upgrade',
  });
  const later = { ...DRAFT, id: 'x', starts: '2026-11-27 10:00', ends: '2026-11-27 11:00' };
  expect(readDraft(later, NOW, 'utc').silence).toMatchObject({
    id: 'x',
    startsAt: '2026-11-27T10:00:00.000Z',
    endsAt: '2026-11-27T11:00:00.000Z',
  });
});

test.each<[Partial<SilenceDraft>, RegExp]>([
  [{ matchers: [] }, /every alert/],
  [{ matchers: [{ name: ' ', op: '=', value: 'x' }] }, /has no label/],
  [{ matchers: [{ name: 'a', op: '=~', value: '.*' }] }, /not empty/],
  [{ matchers: [{ name: 'a', op: '!=', value: 'x' }] }, /not empty/],
  [{ starts: 'soon' }, /start/],
  [{ ends: 'later' }, /end is/],
  [{ ends: '0s' }, /end is/],
  [{ ends: '2026-11-26 11:00' }, /before it begins/],
  [{ author: ' ' }, /who you are/],
  [{ comment: '' }, /why/],
])('%j has to be mended', (patch, problem) => {
  expect(readDraft({ ...DRAFT, ...patch }, NOW, 'utc').problem).toMatch(problem);
});

test('a silence that is over can be made again, and an acknowledgement is known as one', () => {
  const silence = {
    id: 'x',
    status: { state: 'expired' },
    matchers: [{ name: 'a', value: 'b', isRegex: true }],
    startsAt: '2026-11-26T10:00:00.000Z',
    endsAt: '2026-11-26T11:00:00.000Z',
    updatedAt: '2026-11-26T10:00:00.000Z',
    createdBy: 'ada',
    comment: acknowledgement('ada ', 'on it'),
  } as const;
  expect(draftOf({ ...silence, status: { state: 'expired' }, matchers: [...silence.matchers] })).toMatchObject({
    id: undefined,
    matchers: [{ name: 'a', op: '=~', value: 'b' }],
    starts: 'now',
    comment: 'acknowledged by ada: on it',
  });
  expect(isAcknowledgement(silence)).toBe(true);
  expect(acknowledgement('ada', '')).toBe('acknowledged by ada');
});

test('what is wrong with the times is known from other failures', () => {
  const refused = 'silence invalid: times at which the silence holds: times:1:14: someday is not a valid weekday';
  expect(timesProblem(new Error(refused))).toBe('at character 14: someday is not a valid weekday');
  expect(timesProblem(new Error('silence invalid: it may not last longer than 2h'))).toBeUndefined();
  expect(timesProblem(null)).toBeUndefined();
});
