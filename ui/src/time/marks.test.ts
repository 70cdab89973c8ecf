import { expect, test } from 'vitest';
import { timeMarks } from './marks';

const HOUR = 3_600_000;

test.each([
  [3 * HOUR, ['10:00', '10:30', '11:00', '11:30', '12:00', '12:30']],
  [20 * HOUR, ['12:00', '18:00', 'Nov 22']],
])('marks over %i ms', (width, texts) => {
  const start = Date.UTC(2026, 10, 21, 10);
  expect(timeMarks({ start, end: start + width }, 'utc').map(({ text }) => text)).toEqual(texts);
});

test('however long the span, there are few marks', () => {
  const start = Date.UTC(2020, 0, 1);
  const count = timeMarks({ start, end: start + 5 * 365 * 24 * HOUR }, 'utc').length;
  expect(count).toBeGreaterThan(2);
  expect(count).toBeLessThan(10);
});
