import { expect, test } from 'vitest';
import type { CheckedTarget, CheckFinding, Pack, PackMetric, PackVerdict } from '../../api/packs';
import { usesOf } from '../metric/uses';
import { groupFindings, sharedRemedy, subject, uncounted } from './findings';
import { type Checked, checkedBy, countText, emitters, filterPacks, ownerOf, storedName, worst } from './verdicts';

function metric(name: string, aliases: string[] = [], type = 'gauge'): PackMetric {
  return {
    name,
    type,
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
    jobs: [],
    metrics,
    expressions: [],
    recordings: [],
    alerts: [],
    slos: [],
    dashboards: [],
    lint: [],
  };
}

function verdict(name: string, errors: number, warnings: number, exposed: string[] = []): PackVerdict {
  const word = errors > 0 ? 'error' : warnings > 0 ? 'warning' : 'ok';
  return { pack: name, verdict: word, errors, warnings, infos: 0, findings: [], exposed, promised: null };
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

const PACKS = [
  pack('shop', [metric('shop_wait_seconds', ['wait_ms'], 'histogram'), metric('shop_open')]),
  pack('http', []),
];
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
  expect(ownerOf(PACKS, 'wait_ms')).toMatchObject({ pack: { name: 'shop' }, alias: { name: 'wait_ms' } });
  expect(ownerOf(PACKS, 'wait_ms_sum')?.metric.name).toBe('shop_wait_seconds');
  expect(ownerOf(PACKS, 'shop_open_count')).toBeUndefined();
  expect(ownerOf(PACKS, 'other')).toBeUndefined();
  expect(storedName(metric('shop_wait_seconds', [], 'histogram'))).toBe('shop_wait_seconds_bucket');
});

function finding(rule: string, level: CheckFinding['level'], name: string, found: string): CheckFinding {
  const place = { file: 'packs/shop.yaml', line: 1, column: 1 };
  return { rule, level, metric: name, expected: 'x', found, message: 'm', remedy: `mend ${rule}`, ...place };
}

function found(host: string, findings: CheckFinding[], errors: number): Checked {
  const own = { ...verdict('shop', errors, 0), findings };
  return { target: target(host, [own]), verdict: own };
}

test('findings are grouped by level and kind, and told once for all targets', () => {
  const checked = [
    found('a', [finding('label', 'error', 'shop_open', '1'), finding('untouched', 'info', 'shop_open', '0')], 1),
    found('b', [finding('label', 'error', 'shop_open', '2'), finding('missing', 'error', 'shop_wait_seconds', '')], 5),
    found('c', [finding('undeclared', 'warning', '', 'shop_x'), finding('undeclared', 'warning', '', 'shop_y')], 2),
    found('d', [finding('missing', 'error', 'shop_open', ''), finding('undeclared', 'warning', '', 'shop_y')], 2),
  ];
  const groups = groupFindings(checked);
  expect(groups.map(({ level, rule, rows }) => [level, rule, rows.length])).toEqual([
    ['error', 'missing', 2],
    ['error', 'label', 1],
    ['warning', 'undeclared', 2],
    ['info', 'untouched', 1],
  ]);
  const label = groups[1]?.rows[0];
  expect(label?.found).toEqual(['1', '2']);
  expect(label?.targets.map(({ instance }) => instance)).toEqual(['a', 'b']);
  expect(groups[2]?.rows.map(subject)).toEqual(['shop_y', 'shop_x']);
  expect(groups[0] && sharedRemedy(groups[0])).toBe('mend missing');
  expect(uncounted(checked)).toBe(3);
});

test('a remedy that differs from row to row is none of the group', () => {
  const other = { ...finding('missing', 'error', 'b', ''), remedy: 'another' };
  const [group] = groupFindings([found('a', [finding('missing', 'error', 'a', ''), other], 2)]);
  expect(group && sharedRemedy(group)).toBeUndefined();
});

test('a metric is used by what asks for it under any of its names', () => {
  const [shop] = PACKS;
  if (shop === undefined) throw new Error('there is one');
  const alert = {
    name: 'Slow',
    when: 'x',
    for: null,
    severity: null,
    summary: null,
    description: null,
    runbook: null,
    expr: 'x',
  };
  const panel = { title: 'P', row: null, help: '', exprs: ['x'], metrics: ['shop_wait_seconds_count'] };
  const packs = [
    { ...shop, alerts: [{ ...alert, metrics: ['shop_wait_seconds', 'up'] }] },
    { ...pack('other', []), dashboards: [{ title: 'D', panels: [panel] }] },
    pack('third', []),
  ];
  const owner = ownerOf(packs, 'shop_wait_seconds_bucket');
  const uses = usesOf(packs, 'shop_wait_seconds_bucket', owner?.metric);
  expect(uses.map((one) => one.pack.name)).toEqual(['shop', 'other']);
  expect(uses[0]?.alerts[0]?.name).toBe('Slow');
  expect(uses[1]?.panels).toEqual([{ dashboard: 'D', panel }]);
  expect(usesOf(packs, 'up', undefined).map((one) => one.pack.name)).toEqual(['shop']);
  expect(usesOf(packs, 'shop_open', ownerOf(packs, 'shop_open')?.metric)).toEqual([]);
});

test('emitters are the targets that expose it', () => {
  expect(emitters(TARGETS, 'shop', 'shop_open').map(({ instance }) => instance)).toEqual(['b10', 'c']);
});
