import { screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, test } from 'vitest';
import type { RouterAlert } from '../../api/alerting';
import { openPage } from '../../test-app';

function alertFor(receiver: string, alertname: string): RouterAlert {
  return {
    labels: { alertname },
    annotations: {},
    startsAt: '2026-11-26T10:00:00Z',
    endsAt: '2026-11-26T11:00:00Z',
    updatedAt: '2026-11-26T10:00:00Z',
    fingerprint: alertname,
    receivers: [{ name: receiver }],
    status: { state: 'active', silencedBy: [], inhibitedBy: [] },
  };
}

const ANSWERS: Record<string, unknown> = {
  'v1/alerts': { alerts: [] },
  'v1/alerts/history': { events: [], truncated: false },
  'v1/receivers': { receivers: [{ name: 'team', integrations: [] }] },
  'v2/alerts': [alertFor('team', 'ForTheTeam'), alertFor('other team', 'ForOthers')],
  'v2/silences': [],
};

test('the link in a message leads to the alerts of its receiver', async () => {
  await openPage('/#/alerts?receiver=other+team', (path) => ANSWERS[path]);
  const list = await screen.findByRole('region', { name: 'Alerts' }, { timeout: 20_000 });
  expect(list.textContent).toContain('ForOthers');
  expect(list.textContent).not.toContain('ForTheTeam');
  const choice = screen.getByLabelText<HTMLSelectElement>('Receiver');
  expect(choice.value).toBe('other team');
  await userEvent.setup().selectOptions(choice, 'All receivers');
  await screen.findAllByText(/ForTheTeam/);
}, 30_000);
