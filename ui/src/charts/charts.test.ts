import type uPlot from 'uplot';
import { expect, test } from 'vitest';
import type { RangeSeries } from '../api/query';
import type { Visibility } from '../url/pages';
import { alignSeries, lonePoints } from './align';
import { timeMarks } from './axes';
import { isVisible, makeLines, onlyLine, seriesKey, toggleLine } from './line';
import { valueRange } from './plot';
import { seriesStats, topSeries } from './stats';
import { summarise } from './summary';
import { createTooltip, tooltipRows } from './tooltip';

function series(labels: Record<string, string>, points: [time: number, value: number][]): RangeSeries {
  const [times, values] = [points.map(([t]) => t), points.map(([, v]) => v)];
  return { labels, times: Float64Array.from(times), values: Float64Array.from(values), histograms: 0 };
}

const SPAN = { start: 0, end: 50_000 };

test('missing steps and values without a place on the axis are gaps', () => {
  const grid = alignSeries(
    [
      series({}, [
        [0, 1],
        [10, Number.NaN],
        [20, Number.POSITIVE_INFINITY],
        [30.0004, 4],
        [70, 9],
      ]),
    ],
    SPAN,
    10,
  );
  expect(grid.times).toEqual([0, 10, 20, 30, 40, 50]);
  expect(grid.columns).toEqual([[1, null, null, 4, null, null]]);
  expect(lonePoints(grid.columns[0] ?? [])).toEqual([0, 3]);
});

test('steps below a second keep their grid', () => {
  const span = { start: 1_700_000_000_000, end: 1_700_000_001_000 };
  const grid = alignSeries([series({}, [[1_700_000_000.7, 5]])], span, 0.1);
  expect(grid.times).toHaveLength(11);
  expect(grid.columns[0]?.[7]).toBe(5);
});

test('figures of a line leave out what is not a number', () => {
  const one = series({}, [
    [0, 2],
    [10, Number.NaN],
    [20, 4],
    [30, Number.NEGATIVE_INFINITY],
  ]);
  expect(seriesStats(one)).toEqual({ last: 4, min: 2, mean: 3, max: 4, count: 4 });
  expect(seriesStats(series({}, []))).toMatchObject({ last: undefined, max: undefined, count: 0 });
  const huge = series({}, [
    [0, 1.7e308],
    [1, 1.7e308],
  ]);
  expect(seriesStats(huge).mean).toBe(1.7e308);
});

test('the series with the highest peaks stay in their order', () => {
  const stats = [3, 9, 1, 7].map((value) => seriesStats(series({}, [[0, value]])));
  expect(topSeries(stats, 2)).toEqual([1, 3]);
  expect(topSeries(stats, 10)).toEqual([0, 1, 2, 3]);
});

test('a line keeps its key while query and labels stay the same', () => {
  // Keys stand in links that people keep.
  expect(seriesKey('A', 'up{job="node"}')).toBe('xkqfz7');
  expect(seriesKey('B', 'up{job="node"}')).not.toBe(seriesKey('A', 'up{job="node"}'));
});

test('showing, hiding, and one alone', () => {
  const keys = ['a', 'b', 'c'];
  const shown = (v: Visibility) => keys.filter((key) => isVisible(v, key)).join('');
  const all: Visibility = { mode: 'hide', keys: [] };
  const withoutB = toggleLine(all, 'b', keys);
  expect(shown(withoutB)).toBe('ac');
  expect(shown(toggleLine(withoutB, 'b', keys))).toBe('abc');
  const onlyB = onlyLine(withoutB, 'b');
  expect(shown(onlyB)).toBe('b');
  expect(shown(toggleLine(onlyB, 'c', keys))).toBe('bc');
  expect(shown(onlyLine(onlyB, 'b'))).toBe('abc');
  // The last visible line goes: nothing would be left to see.
  expect(shown(toggleLine(onlyB, 'b', keys))).toBe('abc');
});

test('the date stands where it changes', () => {
  const midnight = Date.UTC(2026, 10, 21) / 1000;
  expect(timeMarks([midnight - 600, midnight, midnight + 600], 600, 'utc')).toEqual([
    '23:50\nNov 20',
    '00:00\nNov 21',
    '00:10',
  ]);
  expect(timeMarks([midnight, midnight + 86_400], 86_400, 'utc')).toEqual(['Nov 21', 'Nov 22']);
  expect(timeMarks([midnight + 0.5], 0.5, 'utc')).toEqual(['00:00:00.500\nNov 21']);
});

test('the summary tells extent and extremes', () => {
  const lines = makeLines([
    {
      query: 'A',
      series: [
        series({ __name__: 'x', i: '1' }, [[0, 1]]),
        series({ __name__: 'x', i: '2' }, [[0, 2048]]),
        series({}, []),
      ],
    },
  ]);
  expect(summarise(lines, SPAN, 'short', 'utc')).toBe(
    '2 lines from 1970-01-01 00:00 to 1970-01-01 00:00:50. Highest value 2.048k in x{i="2"}. Lowest value 1 in x{i="1"}.',
  );
  expect(summarise([], SPAN, 'short', 'utc')).toMatch(/^No line to draw/);
});

test('label values never become markup', () => {
  const hostile = '<img src=x onerror=alert(1)>';
  const lines = makeLines([{ query: 'A', series: [series({ v: hostile }, [[0, 1]])] }]);
  const tooltip = createTooltip('short', 'utc');
  tooltip.show(
    0,
    tooltipRows(lines, () => 1, 0),
    { left: 0, width: 500 },
  );
  expect(tooltip.element.querySelector('img')).toBeNull();
  expect(tooltip.element.textContent).toContain(hostile);
});

test('the tooltip lists the highest values first and counts the rest', () => {
  const many = Array.from({ length: 30 }, (_, i) => series({ i: String(i) }, [[0, i]]));
  const lines = makeLines([{ query: 'A', series: many }]);
  const tooltip = createTooltip('short', 'utc');
  const rows = tooltipRows(lines, (i) => i, 0);
  expect(rows[0]?.value).toBe(29);
  tooltip.show(0, rows, { left: 0, width: 500 });
  // The focused line has the lowest value and is in the list all the same.
  expect(tooltip.element.textContent).toContain('{i="0"}');
  expect(tooltip.element.textContent).toContain('and 18 more');
});

test('a filled chart stands on zero, lines alone use the height', () => {
  const range = (filled: boolean, low: number, high: number) => valueRange(filled)({} as uPlot, low, high, 'y');
  expect(range(true, 400, 500)[0]).toBe(0);
  expect(range(true, -500, -400)[1]).toBe(0);
  expect(range(false, 400, 500)[0]).toBeGreaterThan(300);
});
