import { expect, test } from 'vitest';
import { lengthOf, outcomeText } from './bulk';

test.each([
  ['2h', 7_200_000],
  ['1h30m', 5_400_000],
  ['0s', undefined],
  ['-1h', undefined],
  ['tomorrow', undefined],
  ['', undefined],
])('silences are lengthened by %j', (text, ms) => {
  expect(lengthOf(text)).toBe(ms);
});

test('what came of it tells those that failed from the others', () => {
  expect(outcomeText('lengthen', 2, 0)).toBe('Lengthened 2 silences.');
  expect(outcomeText('expire', 3, 1)).toBe(
    'Ended 2 silences. 1 silence could not be changed; the reasons stand below.',
  );
  expect(outcomeText('lengthen', 1, 1)).toBe('1 silence could not be changed; the reasons stand below.');
});
