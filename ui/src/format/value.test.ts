import { expect, test } from 'vitest';
import { axisFormat, axisSteps, formatExact, formatTabular, formatValue, plural, type Unit, unitOfName } from './value';

test.each<[number, Unit, string]>([
  [0, 'short', '0'],
  [1, 'short', '1'],
  [1234, 'short', '1.234k'],
  [999.96, 'short', '1k'],
  [-1_500_000, 'short', '-1.5M'],
  [0.0123, 'short', '0.0123'],
  [0.000123, 'short', '0.000123'],
  [0.00006795, 'short', '0.00006795'],
  [0.00000123456, 'short', '0.000001235'],
  [1.23456e-9, 'short', '1.235e-9'],
  [1e25, 'short', '10000000E'],
  [1536, 'bytes', '1.5 KiB'],
  [0.5, 'bytes', '0.5 B'],
  [8.25e9, 'bytes', '7.683 GiB'],
  [0.00025, 'seconds', '250 µs'],
  [90, 'seconds', '1.5 min'],
  [0.425, 'percent', '42.5 %'],
  [1 / 3, 'raw', '0.3333333333333333'],
  [Number.NaN, 'bytes', 'NaN'],
  [Number.NEGATIVE_INFINITY, 'short', '-Inf'],
])('formatValue(%j, %s)', (value, unit, want) => {
  expect(formatValue(value, unit)).toBe(want);
});

test.each<[number[], Unit, string[]]>([
  [[0, 0.25, 0.5, 0.75], 'short', ['0', '0.25', '0.5', '0.75']],
  [[0, 500, 1000, 1500], 'short', ['0', '0.5k', '1k', '1.5k']],
  [[100.2, 100.4, 100.6], 'short', ['100.2', '100.4', '100.6']],
  [[0, 2 ** 30, 2 ** 31], 'bytes', ['0', '1 GiB', '2 GiB']],
  [[0, 0.0005, 0.001], 'seconds', ['0', '0.5 ms', '1 ms']],
  [[0, 60, 120, 300], 'seconds', ['0', '1 min', '2 min', '5 min']],
  [[0, 15, 30, 75], 'seconds', ['0', '15 s', '30 s', '75 s']],
  [[0, 0.0001, 0.00025], 'seconds', ['0', '100 µs', '250 µs']],
  [[0, 2 ** 29, 2 ** 30], 'bytes', ['0', '0.5 GiB', '1 GiB']],
  [[0, 0.1, 0.2], 'percent', ['0 %', '10 %', '20 %']],
  [[7], 'short', ['7']],
])('axisFormat(%j, %s)', (marks, unit, want) => {
  expect(marks.map(axisFormat(marks, unit))).toEqual(want);
});

test.each<[number, Unit, string]>([
  [77_648_515_072, 'bytes', '72.32 GiB'],
  [77_648_515_072, 'short', '77,648,515,072'],
  [1234.56789, 'short', '1,234.57'],
  [0.1 + 0.2, 'short', '0.3'],
  [1.23456789e-9, 'short', '1.23457e-9'],
  [0, 'short', '0'],
  [Number.NaN, 'short', 'NaN'],
  [0.1 + 0.2, 'raw', '0.30000000000000004'],
])('formatTabular(%j, %s)', (value, unit, want) => {
  expect(formatTabular(value, unit)).toBe(want);
});

test('marks of time and of bytes stand at even distances', () => {
  for (const unit of ['seconds', 'bytes'] as const) {
    const steps = axisSteps(unit) ?? [];
    expect(steps.every((step, i) => i === 0 || step > (steps[i - 1] ?? 0))).toBe(true);
  }
  expect(axisSteps('seconds')).toContain(300);
  expect(axisSteps('seconds')).toContain(0.005);
  expect(axisSteps('seconds')).not.toContain(50);
  expect(axisSteps('short')).toBeUndefined();
});

test('exact values keep every digit', () => {
  expect(formatExact(0.1 + 0.2)).toBe('0.30000000000000004');
  expect(formatExact(Number.POSITIVE_INFINITY)).toBe('+Inf');
});

test('units follow the naming rules', () => {
  expect(unitOfName('node_memory_MemFree_bytes')).toBe('bytes');
  expect(unitOfName('http_request_duration_seconds_bucket')).toBe('seconds');
  expect(unitOfName('cache_hit_ratio')).toBe('percent');
  expect(unitOfName('up')).toBe('short');
});

test('plural', () => {
  expect(plural(1, 'target')).toBe('1 target');
  expect(plural(0, 'series', 'series')).toBe('0 series');
});
