import { screen, waitFor } from '@testing-library/react';
import { expect, test } from 'vitest';
import type { AlertingRule, RuleGroup } from '../../api/alerting';
import { openPage } from '../../test-app';

const RULE: AlertingRule = {
  type: 'alerting',
  name: 'Down',
  query: 'up == 0',
  health: 'ok',
  evaluationTime: 0.01,
  lastEvaluation: '2026-11-26T10:00:00Z',
  duration: 60,
  alerts: [],
  state: 'inactive',
};
const TIMES = { interval: 60, evaluationTime: 0.01, lastEvaluation: '2026-11-26T10:00:00Z' };
const GROUP: RuleGroup = { name: 'own', file: 'rules.yml', rules: [RULE], ...TIMES };

test('nothing is silenced on a server that tells nobody', async () => {
  await openPage('/rules/Down', (path) => (path === 'v1/rules' ? { groups: [GROUP] } : undefined));
  await screen.findByText('alerting rule', {}, { timeout: 20_000 });
  // Offered until it is known that there is no router.
  await waitFor(() => expect(screen.queryByRole('button', { name: 'Silence' })).toBeNull(), { timeout: 10_000 });
  expect(screen.getByRole('button', { name: 'Explore' })).toBeDefined();
}, 40_000);
