import { expect, test } from 'vitest';
import { dropLabel, dropLabelOf, dropSeries, literalRegex } from './rules';

test.each([
  ['http_requests_total', 'http_requests_total'],
  ['a.b+c', 'a\\.b\\+c'],
  ['/items/{id}?q=$1', '/items/\\{id\\}\\?q=\\$1'],
])('%j is matched literally', (text, regex) => {
  expect(literalRegex(text)).toBe(regex);
  expect(new RegExp(`^(?:${regex})$`).test(text)).toBe(true);
});

test('rules say what they drop', () => {
  expect(dropSeries('__name__', 'up')).toBe(
    "metric_relabel_configs:\n- source_labels: [__name__]\n  regex: 'up'\n  action: drop",
  );
  expect(dropSeries('my.label', 'x')).toContain("source_labels: ['my.label']");
  expect(dropLabel('pod')).toBe("metric_relabel_configs:\n- regex: 'pod'\n  action: labeldrop");
  expect(dropLabelOf('up', 'pod')).toBe(
    "metric_relabel_configs:\n- source_labels: [__name__]\n  regex: 'up'\n  target_label: 'pod'\n  replacement: ''",
  );
});
