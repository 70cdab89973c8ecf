import { expect, test } from 'vitest';
import type { Cardinality, RefusedSamples } from '../../api/cardinality';
import { rankings } from './offender';

const cardinality = (refused: RefusedSamples[]): Cardinality => ({
  windowSeconds: 3600,
  observedSeconds: 3600,
  total: { series: 1, createdSeries: 0, memoryBytes: 1 },
  metricNames: 1,
  metricsBySeries: [],
  metricsByCreatedSeries: [],
  metricsByMemory: [],
  labelsByValues: [],
  labelsByMemory: [],
  labelPairsBySeries: [],
  refused,
});

test('refused samples are listed first, and only if there are any', () => {
  const refusal = { limit: 'max_series_per_metric', tenant: '', metric: 'flood_total', samples: 100_000 };
  const [first] = rankings(cardinality([refusal, { ...refusal, tenant: 'team', samples: 1 }]));
  expect(first?.title).toBe('Refused by limits');
  expect(first?.rows.map(({ name, text, choice }) => [name, text, choice.value])).toEqual([
    ['flood_total', '100,000 · max_series_per_metric', 'flood_total'],
    ['team: flood_total', '1 · max_series_per_metric', 'flood_total'],
  ]);
  expect(rankings(cardinality([])).map(({ title }) => title)).not.toContain('Refused by limits');
});
