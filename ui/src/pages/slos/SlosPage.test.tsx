import { screen } from '@testing-library/react';
import { expect, test } from 'vitest';
import { openPage } from '../../test-app';

const SLO = {
  id: 'a',
  name: 'answers',
  service: 'shop',
  description: '',
  objective: 0.999,
  window: '30d',
  labels: {},
  good: null,
  bad: null,
  total: null,
  budget: { remaining: null, remainingMinutes: null, exhaustedAt: null },
  burn: {},
  alerts: [],
  source: 'f:1',
};

test.each([
  ['2026-11-26T10:02:00Z', 'Not computed yet', true],
  ['2026-11-26T10:20:00Z', 'No data', false],
])(
  'of an objective without figures, a server that started at 10:00 says at %s: %s',
  async (serverTime, word, noted) => {
    await openPage('/slos', (path) => {
      if (path === 'v1/status/runtimeinfo') return { startTime: '2026-11-26T10:00:00Z', serverTime };
      return path === 'v1/slos' ? { slos: [SLO] } : undefined;
    });
    await screen.findByText(word, {}, { timeout: 20_000 });
    expect(screen.queryByText(/after the first evaluations/) !== null).toBe(noted);
  },
  30_000,
);
