import { expect, test } from 'vitest';
import type { RouteNode } from '../../api/alerting';
import { factsOf } from './RouteTreeView';

const ROOT: RouteNode = {
  id: '0',
  matchers: [],
  receiver: 'team',
  continue: false,
  groupBy: ['alertname'],
  groupWait: '30s',
  groupInterval: '5m',
  repeatInterval: '4h',
  muteTimeIntervals: [],
  activeTimeIntervals: [],
  routes: [],
};

test('a node says only what is not as above it', () => {
  expect(factsOf(ROOT, undefined)).toEqual(['grouped by alertname', 'waits 30s', 'news every 5m', 'repeats every 4h']);
  expect(factsOf({ ...ROOT, id: '0.0' }, ROOT)).toEqual([]);
  const child = { ...ROOT, id: '0.1', groupBy: [], repeatInterval: '1h', muteTimeIntervals: ['nights'] };
  expect(factsOf({ ...ROOT, groupBy: ['...'] }, ROOT)).toEqual(['each alert alone']);
  expect(factsOf(child, ROOT)).toEqual(['all in one group', 'repeats every 1h', 'not during nights']);
});
