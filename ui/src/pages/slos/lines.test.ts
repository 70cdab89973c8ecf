import { expect, test } from 'vitest';
import type { TextPoint } from '../../api/alerting';
import { burnLines } from './lines';
import type { BurnLimit } from './slo';

const LIMITS: readonly BurnLimit[] = [
  { factor: 1, window: '3d', name: '1 × over 3d: ticket' },
  { factor: 14.4, window: '1h', name: '14.4 × over 1h: page' },
];
const ASKED = { span: { start: 0, end: 120_000 }, step: 60 };
const POINTS: readonly TextPoint[] = [
  [0, '0.5'],
  [60, '3'],
];

test('a limit is drawn all the time, in the colour of its window', () => {
  const lines = burnLines({ '3d': POINTS, '1h': POINTS }, LIMITS, ASKED);
  expect(lines.map(({ name }) => name)).toEqual(['over 1h', 'over 3d', '1 × over 3d: ticket', '14.4 × over 1h: page']);
  const [hour, days, slow, fast] = lines;
  expect([...(fast?.series.times ?? [])]).toEqual([0, 60, 120]);
  expect([...(fast?.series.values ?? [])]).toEqual([14.4, 14.4, 14.4]);
  expect([slow?.style.token, fast?.style.token]).toEqual([days?.style.token, hour?.style.token]);
  expect(hour?.style.token).not.toBe(days?.style.token);
  expect(new Set(lines.map(({ key }) => key)).size).toBe(4);
});

test('limits beside nothing are not drawn', () => {
  expect(burnLines({ '1h': [], '3d': [] }, LIMITS, ASKED)).toEqual([]);
});
