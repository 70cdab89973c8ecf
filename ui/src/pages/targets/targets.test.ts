import { expect, test } from 'vitest';
import type { ActiveTarget } from '../../api/types';
import { ruleText } from './RelabelSteps';
import { droppedKey, errorPlace, filterTargets, groupByPool, lastScrapeMs, nextScrapeMs, targetKey } from './target';

function target(pool: string, url: string, more: Partial<ActiveTarget> = {}): ActiveTarget {
  return {
    discoveredLabels: {},
    labels: { job: pool, instance: new URL(url).host },
    scrapePool: pool,
    scrapeUrl: url,
    lastError: '',
    lastScrape: '2026-11-21T09:00:00Z',
    lastScrapeDuration: 0.1,
    health: 'up',
    scrapeInterval: '15s',
    scrapeTimeout: '10s',
    ...more,
  };
}

const ALL = [
  target('node', 'http://b10:9100/metrics', { health: 'down', lastError: 'connection refused' }),
  target('node', 'http://b9:9100/metrics'),
  target('api', 'http://a:80/metrics'),
];

test('jobs and targets stand in a fixed order, numbers by size', () => {
  const pools = groupByPool(ALL);
  expect(pools.map(({ name, up }) => `${name} ${up}`)).toEqual(['api 1', 'node 1']);
  expect(pools[1]?.targets.map(({ scrapeUrl }) => scrapeUrl)).toEqual([
    'http://b9:9100/metrics',
    'http://b10:9100/metrics',
  ]);
});

test.each([
  ['refused', 'all', 1],
  ['job=node', 'all', 2],
  ['instance=a', 'all', 1],
  ['', 'up', 2],
  ['nothing', 'all', 0],
])('filter %j with state %s leaves %i', (filter, health, count) => {
  expect(filterTargets(ALL, filter, health)).toHaveLength(count);
});

test('the next scrape follows the last; before the first there is none', () => {
  const one = target('x', 'http://a:1/');
  expect(nextScrapeMs(one)).toBe(Date.parse('2026-11-21T09:00:15Z'));
  const told = target('x', 'http://a:1/', { nextScrape: '2026-11-21T09:00:12Z' });
  expect(nextScrapeMs(told)).toBe(Date.parse('2026-11-21T09:00:12Z'));
  const fresh = target('x', 'http://a:1/', { lastScrape: '0001-01-01T00:00:00Z' });
  expect(lastScrapeMs(fresh)).toBeUndefined();
  expect(nextScrapeMs(fresh)).toBeUndefined();
});

test.each([
  [{ lastErrorLine: null }, undefined],
  [{}, undefined],
  [{ lastErrorLine: 42, lastErrorColumn: null }, 'Line 42'],
  [{ lastErrorLine: 42, lastErrorColumn: 7 }, 'Line 42, column 7'],
])('place %j', (more, place) => {
  expect(errorPlace(target('x', 'http://a:1/', more))).toBe(place);
});

test('keys name a target in the URL', () => {
  expect(targetKey(target('x', 'http://a:1/'))).toBe('x|http://a:1/');
  expect(droppedKey({ discoveredLabels: { __address__: 'a:1', __metrics_path__: '/m', job: 'j' } })).toBe('j|a:1/m');
  expect(droppedKey({ discoveredLabels: {} })).toBe('|');
});

test.each([
  ['action: drop', 'action: drop'],
  [{ action: 'replace', source_labels: ['a', 'b'], modulus: null }, 'action: replace\nsource_labels: ["a","b"]'],
  [7, '7'],
])('rule %j', (rule, text) => {
  expect(ruleText(rule)).toBe(text);
});
