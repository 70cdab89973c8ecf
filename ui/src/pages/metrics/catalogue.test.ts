import { expect, test } from 'vitest';
import { makeCatalogue, metadataOf, selectEntries } from './catalogue';

const metadata = new Map([
  ['http_seconds', [{ type: 'histogram', help: 'Latency.', unit: 'seconds' }]],
  ['jobs', [{ type: 'counter', help: 'Jobs done.', unit: '' }]],
  ['node_cpu_seconds_total', [{ type: 'counter', help: 'CPU time.', unit: '' }]],
]);

test.each([
  ['http_seconds_bucket', 'histogram'],
  ['jobs_total', 'counter'],
  ['node_cpu_seconds_total', 'counter'],
  ['up', 'unknown'],
])('%s is a %s', (name, type) => {
  expect(metadataOf(name, metadata).type).toBe(type);
});

test('units are what was declared, or what the name says', () => {
  const names = ['http_seconds_bucket', 'node_cpu_seconds_total', 'cache_size_bytes', 'jobs_total', 'up'];
  expect(makeCatalogue(names, metadata, new Map()).map(({ unit }) => unit)).toEqual([
    'seconds',
    'seconds',
    'bytes',
    '',
    '',
  ]);
});

test('the catalogue is filtered by words in name and help, and sorted', () => {
  const series = new Map([
    ['jobs_total', 3],
    ['node_cpu_seconds_total', 40],
  ]);
  const all = makeCatalogue(['up', 'jobs_total', 'node_cpu_seconds_total'], metadata, series);
  const names = (choice: Parameters<typeof selectEntries>[1]) => selectEntries(all, choice).map(({ name }) => name);
  expect(names({ f: '', type: 'all', sort: 'series' })).toEqual(['node_cpu_seconds_total', 'jobs_total', 'up']);
  expect(names({ f: '', type: 'counter', sort: 'name' })).toEqual(['jobs_total', 'node_cpu_seconds_total']);
  expect(names({ f: 'TIME cpu', type: 'all', sort: 'name' })).toEqual(['node_cpu_seconds_total']);
  expect(names({ f: 'nothing', type: 'all', sort: 'type' })).toEqual([]);
});
