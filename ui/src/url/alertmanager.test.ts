import { expect, test } from 'vitest';
import { pageOfAlertmanager } from './alertmanager';

test.each([
  ['#/alerts?receiver=team', '/alerts?receiver=team'],
  ['#/alerts?receiver=On+call+%26+more', '/alerts?receiver=On+call+%26+more'],
  ['#/alerts?filter=%7Balertname%3D%22A%22%7D', '/alerts?f=alertname%3D%22A%22'],
  ['#/silences', '/silences'],
  ['#/silences/new?filter=%7Balertname%3D%22A%22%7D', '/silences?new=%7Balertname%3D%22A%22%7D'],
  ['#/silences/new', '/silences?new=%7B%7D'],
  ['#/silences/6b1c0f6e', '/silences?open=6b1c0f6e'],
  ['#/status', '/routing'],
  ['#content', undefined],
  ['', undefined],
])('%s leads to %s', (hash, page) => {
  expect(pageOfAlertmanager(hash)).toBe(page);
});
