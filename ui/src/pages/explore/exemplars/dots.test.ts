import { expect, test } from 'vitest';
import { decodeExemplars } from '../../../api/exemplars';
import { placeDots } from './dots';

const LAYOUT = { left: 0, top: 0, width: 100, height: 50, x: (s: number) => s, y: (v: number) => 50 - v };
const wire = (timestamp: number, value: string, trace: string) => ({ timestamp, value, labels: { trace_id: trace } });

test('exemplars stand at their time and value; those that would hide each other are one', () => {
  const found = decodeExemplars([
    {
      seriesLabels: { __name__: 'x_bucket', le: '1' },
      exemplars: [
        wire(10, '20', 'a'),
        wire(11, '21', 'b'),
        wire(60, '20', 'c'),
        wire(-5, '1', 'early'),
        wire(200, '1', 'late'),
      ],
    },
    { seriesLabels: { __name__: 'x_bucket', le: '+Inf' }, exemplars: [wire(60, '20', 'c'), wire(80, '+Inf', 'd')] },
    {},
  ]);
  const { dots, all } = placeDots(found, LAYOUT);
  expect(all).toBe(4);
  expect(dots.map(({ exemplar, x, y, outside }) => [exemplar.labels.trace_id, x, y, outside])).toEqual([
    ['b', 11, 29, false],
    ['c', 60, 30, false],
    ['d', 80, 0, true],
  ]);
});

test('no answer is no exemplars', () => {
  expect(decodeExemplars(null)).toEqual([]);
});
