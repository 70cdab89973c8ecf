import { expect, test } from 'vitest';
import { encodeLabelName } from './client';
import { decodeQuery, parseNumber } from './query';

test.each([
  ['1.5', 1.5],
  ['1e+06', 1_000_000],
  ['+Inf', Number.POSITIVE_INFINITY],
  ['-Inf', Number.NEGATIVE_INFINITY],
  ['NaN', Number.NaN],
  ['', Number.NaN],
])('parseNumber(%j)', (text, want) => {
  expect(parseNumber(text)).toBe(want);
});

test('a matrix becomes columns', () => {
  const wire = {
    resultType: 'matrix',
    result: [
      {
        metric: { job: 'a' },
        values: [
          [1, '2'],
          [2.5, 'NaN'],
        ],
      },
      { metric: {}, histograms: [[1, { count: '1', sum: '2' }]] },
    ],
    stats: { samples: { totalQueryableSamples: 42 } },
  };
  const { result, samplesRead } = decodeQuery(wire);
  expect(samplesRead).toBe(42);
  expect(result).toEqual({
    type: 'matrix',
    series: [
      { labels: { job: 'a' }, times: Float64Array.of(1, 2.5), values: Float64Array.of(2, Number.NaN), histograms: 0 },
      {
        labels: {},
        times: new Float64Array(),
        values: new Float64Array(),
        histograms: 1,
        native: [{ time: 1, histogram: { count: 1, sum: 2, buckets: [] } }],
      },
    ],
  });
});

test('a vector holds floats and native histograms', () => {
  const histogram = [
    1,
    {
      count: '3',
      sum: '4.5',
      buckets: [
        [0, '0.5', '1', '2'],
        [3, '-Inf', '0', '1'],
      ],
    },
  ];
  const wire = {
    resultType: 'vector',
    result: [
      { metric: { a: 'b' }, value: [1, '7'] },
      { metric: {}, histogram },
    ],
  };
  expect(decodeQuery(wire).result).toEqual({
    type: 'vector',
    samples: [
      { labels: { a: 'b' }, time: 1, value: 7 },
      {
        labels: {},
        time: 1,
        value: {
          count: 3,
          sum: 4.5,
          buckets: [
            [0.5, 1, 2],
            [Number.NEGATIVE_INFINITY, 0, 1],
          ],
        },
      },
    ],
  });
});

test('scalars and strings', () => {
  expect(decodeQuery({ resultType: 'scalar', result: [1, '2'] }).result).toEqual({ type: 'scalar', time: 1, value: 2 });
  expect(decodeQuery({ resultType: 'string', result: [1, 'x'] }).result).toEqual({
    type: 'string',
    time: 1,
    text: 'x',
  });
  expect(() => decodeQuery({ resultType: 'tensor', result: [] })).toThrow('tensor');
});

test.each([
  ['job', 'job'],
  ['http.status_code', 'U__http_2e_status__code'],
])('label %s in a path', (name, want) => {
  expect(encodeLabelName(name)).toBe(want);
});
