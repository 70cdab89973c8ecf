import { expect, test } from 'vitest';
import type { ActiveTarget } from '../../api/types';
import { arrivals, isSelf } from './arrival';

function target(job: string, url: string): ActiveTarget {
  return {
    discoveredLabels: {},
    labels: { job, instance: new URL(url).host },
    scrapePool: job,
    scrapeUrl: url,
    lastError: '',
    lastScrape: '',
    lastScrapeDuration: 0,
    health: 'up',
    scrapeInterval: '15s',
    scrapeTimeout: '10s',
  };
}

test.each([
  ['bellwether', 'http://10.0.0.1:9090/metrics', true],
  ['own', 'http://localhost:9090/metrics', true],
  ['node', 'http://127.0.0.1:9100/metrics', false],
])('%s at %s is this server: %s', (job, url, want) => {
  expect(isSelf(target(job, url), '127.0.0.1:9090')).toBe(want);
});

test('series of targets that are not ours were sent here', () => {
  const targets = [target('bellwether', 'http://127.0.0.1:9090/metrics'), target('node', 'http://a:9100/metrics')];
  const up = (job: string, instance: string) => ({ labels: { job, instance }, time: 0, value: 1 });
  expect(arrivals(targets, [up('node', 'a:9100')], 0, '127.0.0.1:9090')).toEqual({ scraped: 1, pushed: 0, writes: 0 });
  expect(arrivals(targets, [up('node', 'a:9100'), up('edge', 'b:9100')], 0, '127.0.0.1:9090').pushed).toBe(1);
});
