import { expect, test } from 'vitest';
import { pageOfForeign } from './foreign';

test.each([
  ['#/alerts?receiver=team', '/alerts'],
  ['#/alerts?filter=%7Balertname%3D%22A%22%7D', '/alerts?f=alertname%3D%22A%22'],
  ['#/silences', '/silences'],
  ['#/silences/new?filter=%7Balertname%3D%22A%22%7D', '/silences?new=%7Balertname%3D%22A%22%7D'],
  ['#/silences/new', '/silences?new=%7B%7D'],
  ['#/silences/6b1c0f6e', '/silences?open=6b1c0f6e'],
  ['#/status', '/routing'],
  ['#content', undefined],
  ['', undefined],
])('Alertmanager’s %s leads to %s', (hash, page) => {
  expect(pageOfForeign('/', '', hash)).toBe(page);
  expect(pageOfForeign('/explore', '', hash)).toBeUndefined();
});

test.each([
  ['/graph', '?g0.expr=up+%3D%3D+0&g0.tab=1', '/explore?q=up+%3D%3D+0&tab=table'],
  ['/query', '?g0.expr=up&g0.tab=graph&g0.range_input=6h&g1.expr=1', '/explore?from=now-6h&q=up&q=1'],
  [
    '/graph',
    '?g0.expr=up&g0.tab=0&g0.range_input=1h&g0.end_input=2026-11-26+10%3A00%3A00',
    '/explore?from=1795683600000&to=1795687200000&q=up',
  ],
  ['/graph', '', '/explore'],
])('Prometheus’ %s%s leads to %s', (path, query, page) => {
  expect(pageOfForeign(path, query, '')).toBe(page);
});
