import { expect, test } from 'vitest';
import type { RouterAlert, RuleAlert } from '../api/alerting';
import type { Labels } from '../labels/labels';
import { countStates, groupAlerts, joinAlerts, labelNames } from './alerts';

function rule(labels: Labels, state: RuleAlert['state'] = 'firing', minute = 0): RuleAlert {
  return {
    labels,
    annotations: { summary: 's' },
    state,
    activeAt: `2026-11-26T10:${10 + minute}:00Z`,
    value: '2.5e+00',
  };
}

function router(labels: Labels, state: RouterAlert['status']['state'] = 'active'): RouterAlert {
  return {
    labels,
    annotations: {},
    startsAt: '2026-11-26T10:00:00.000Z',
    endsAt: '2026-11-26T11:00:00.000Z',
    updatedAt: '2026-11-26T10:00:00.000Z',
    fingerprint: JSON.stringify(labels),
    receivers: [{ name: 'team' }],
    status: { state, silencedBy: state === 'suppressed' ? ['id'] : [], inhibitedBy: [], mutedBy: [] },
  };
}

test('an alert of a rule is found in the router, also with external labels', () => {
  const joined = joinAlerts(
    [rule({ alertname: 'A', job: 'x' }), rule({ alertname: 'A', job: 'y' })],
    [
      router({ alertname: 'A', job: 'y', site: 'eu' }, 'suppressed'),
      router({ alertname: 'A', job: 'x' }),
      router({ alertname: 'Outside' }),
    ],
  );
  expect(joined.map(({ key, state, value }) => [key, state, value])).toEqual([
    ['{alertname="A", job="x"}', 'firing', 2.5],
    ['{alertname="A", job="y", site="eu"}', 'suppressed', 2.5],
    ['{alertname="Outside"}', 'firing', undefined],
  ]);
});

test('the past of an alert is that of the labels without external ones', () => {
  const [joined] = joinAlerts([rule({ alertname: 'A' })], [router({ alertname: 'A', site: 'eu' })]);
  expect(joined).toMatchObject({ key: '{alertname="A", site="eu"}', pastKey: '{alertname="A"}' });
});

test('a pending alert is not that which the router still has of it', () => {
  const joined = joinAlerts([rule({ alertname: 'A' }, 'pending')], [router({ alertname: 'A', site: 'eu' })]);
  expect(joined.map(({ state, router: known }) => [state, known !== undefined])).toEqual([
    ['pending', false],
    ['firing', true],
  ]);
});

test('of several alerts with more labels, the nearest is taken, each once', () => {
  const joined = joinAlerts(
    [rule({ alertname: 'A' }), rule({ alertname: 'A', job: 'x' })],
    [router({ alertname: 'A', job: 'x', site: 'eu' }), router({ alertname: 'A', site: 'eu' })],
  );
  expect(joined.map(({ key }) => key)).toEqual(['{alertname="A", site="eu"}', '{alertname="A", job="x", site="eu"}']);
});

test('groups with something that fires come first, and in them what fires, the newest first', () => {
  const alerts = joinAlerts(
    [
      rule({ alertname: 'Quiet', job: 'a' }, 'pending'),
      rule({ alertname: 'Quiet', job: 'b' }, 'pending'),
      rule({ alertname: 'Loud', job: 'a' }, 'pending', 9),
      rule({ alertname: 'Loud', job: 'b' }, 'firing', 1),
      rule({ alertname: 'Loud', job: 'c' }, 'firing', 2),
    ],
    [],
  );
  const groups = groupAlerts(alerts, ['alertname']);
  expect(groups.map(({ key, alerts: own }) => [key, own.map(({ labels }) => labels.job)])).toEqual([
    ['{alertname="Loud"}', ['c', 'b', 'a']],
    ['{alertname="Quiet"}', ['a', 'b']],
  ]);
  expect(groupAlerts(alerts, ['team'])).toHaveLength(1);
  expect(groupAlerts(alerts, [])[0]?.labels).toEqual({});
  expect(countStates(alerts)).toEqual({ firing: 2, pending: 3, suppressed: 0 });
  expect(labelNames(alerts)).toEqual(['alertname', 'job']);
});
