import { expect, test } from 'vitest';
import { makeLines } from '../../charts/line';
import { curlCommand, shellQuote } from './curl';
import { looksByQuery, moreLines, shownLines } from './shown';

const series = (id: string, ...values: number[]) => ({
  labels: { id },
  times: Float64Array.from(values, (_, i) => i),
  values: Float64Array.from(values),
  histograms: 0,
});

test('the top is chosen by peak or by last value, and all looks are dealt anew', () => {
  const lines = makeLines([
    { query: 'A', series: Array.from({ length: 30 }, (_, i) => series(String(i), 100 - i, i)) },
  ]);
  const ids = (rank: 'max' | 'last') => shownLines(lines, { top: 10, rank }).map(({ labels }) => labels.id);
  expect(ids('max')).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
  expect(ids('last')).toEqual(['20', '21', '22', '23', '24', '25', '26', '27', '28', '29']);
  expect(shownLines(lines, { top: 10, rank: 'last' })[0]?.style.token).toBe('--bw-series-1');
  expect(shownLines(lines, { top: 'all', rank: 'max' })).toHaveLength(30);
  expect(moreLines(100, 1000)).toBe(200);
  expect(moreLines(800, 1000)).toBe('all');
});

test('a query keeps its colour while others come and go; with many series each gets its own', () => {
  const few = makeLines([
    { query: 'A', series: [series('x', 1)] },
    { query: 'C', series: [series('x', 1), series('y', 1)] },
  ]);
  const looks = shownLines(few, { top: 100, rank: 'max' }).map(({ style }) => style);
  expect(looks.map(({ token }) => token)).toEqual(['--bw-series-1', '--bw-series-3', '--bw-series-3']);
  expect(looks[1]?.dash).not.toEqual(looks[2]?.dash);
  const many = makeLines([
    { query: 'A', series: [series('x', 1)] },
    { query: 'B', series: Array.from({ length: 9 }, (_, i) => series(String(i), 1)) },
  ]);
  const dealt = shownLines(many, { top: 100, rank: 'max' });
  expect(dealt[1]?.style.token).toBe('--bw-series-2');
  expect(dealt[2]?.style.token).toBe('--bw-series-3');
  expect(looksByQuery(dealt).get('B')).toHaveLength(4);
});

test('a request as a command survives any text', () => {
  expect(shellQuote("it's")).toBe(`'it'\\''s'`);
  const range = { start: 1_700_000_000_000, end: 1_700_000_060_500, step: 15 };
  expect(curlCommand('http://h:1/p', { expression: `up{a='$(x)'}`, time: range })).toBe(
    [
      `curl --get 'http://h:1/p/api/v1/query_range'`,
      `--data-urlencode 'query=up{a='\\''$(x)'\\''}'`,
      `--data-urlencode 'start=1700000000'`,
      `--data-urlencode 'end=1700000060.5'`,
      `--data-urlencode 'step=15'`,
    ].join(' \\\n  '),
  );
  expect(curlCommand('http://h', { expression: 'up', time: { at: 5000 } })).toContain("/query' \\\n");
});
