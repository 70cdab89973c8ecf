import { expect, test } from 'vitest';
import type { CheckedTarget, Pack, PackMetric, PackVerdict } from '../../api/packs';
import { checkedBy, countText, emitters, filterPacks, ownerOf, worst } from './verdicts';

function metric(name: string, aliases: string[] = []): PackMetric {
  return {
    name,
    type: 'gauge',
    unit: '',
    help: '',
    group: '',
    stability: 'stable',
    replacedBy: null,
    until: null,
    labels: [],
    buckets: null,
    quantiles: [],
    states: [],
    aliases: aliases.map((alias) => ({ name: alias, labels: {} })),
    maxSeries: null,
    note: '',
  };
}

function pack(name: string, metrics: PackMetric[]): Pack {
  return {
    name,
    version: '1.0.0',
    title: name,
    description: '',
    namespace: `${name}_`,
    file: `packs/${name}.yaml`,
    builtIn: true,
    metrics,
    alerts: [],
    lint: [],
  };
}

function verdict(name: string, errors: number, warnings: number, exposed: string[] = []): PackVerdict {
  const word = errors > 0 ? 'error' : warnings > 0 ? 'warning' : 'ok';
  return { pack: name, verdict: word, errors, warnings, infos: 0, findings: [], exposed };
}

function target(host: string, packs: PackVerdict[]): CheckedTarget {
  return {
    scrapePool: 'j',
    scrapeUrl: `http://${host}/metrics`,
    instance: host,
    checkedAt: '2026-11-26T08:00:00Z',
    problem: null,
    packs,
  };
}

const PACKS = [pack('shop', [metric('shop_wait_seconds', ['wait_ms']), metric('shop_open')]), pack('http', [])];
const TARGETS = [
  target('b10', [verdict('shop', 0, 0, ['shop_open'])]),
  target('b9', [verdict('shop', 0, 0), verdict('http', 9, 9)]),
  target('a', [verdict('shop', 0, 3)]),
  target('c', [verdict('shop', 2, 0, ['shop_open'])]),
  target('d', []),
];

test('the targets of a pack begin with the worst', () => {
  const hosts = checkedBy(TARGETS, 'shop').map((checked) => checked.target.instance);
  expect(hosts).toEqual(['c', 'a', 'b9', 'b10']);
});

test('several verdicts are as bad as the worst', () => {
  expect(worst([])).toBeUndefined();
  expect(worst([verdict('a', 0, 0), verdict('b', 0, 1)])).toBe('warning');
  expect(worst([verdict('a', 1, 0), verdict('b', 0, 1)])).toBe('error');
  expect(worst([verdict('a', 0, 0)])).toBe('ok');
});

test('counts are told in words', () => {
  expect(countText({ errors: 1, warnings: 2 })).toBe('1 error, 2 warnings');
  expect(countText({ errors: 0, warnings: 0 })).toBe('');
});

test('a pack is found by its metrics', () => {
  expect(filterPacks(PACKS, 'wait').map(({ name }) => name)).toEqual(['shop']);
  expect(filterPacks(PACKS, '')).toHaveLength(2);
});

test('a metric belongs to a pack under its names and with its parts', () => {
  expect(ownerOf(PACKS, 'shop_wait_seconds_bucket')?.metric.name).toBe('shop_wait_seconds');
  expect(ownerOf(PACKS, 'wait_ms')?.pack.name).toBe('shop');
  expect(ownerOf(PACKS, 'other')).toBeUndefined();
});

test('emitters are the targets that expose it', () => {
  expect(emitters(TARGETS, 'shop', 'shop_open').map(({ instance }) => instance)).toEqual(['b10', 'c']);
});
