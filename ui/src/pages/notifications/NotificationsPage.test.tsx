import { screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, test } from 'vitest';
import type { Notification } from '../../api/alerting';
import { openPage } from '../../test-app';

function told(alertname: string): Notification {
  return {
    time: '2026-11-26T10:00:00Z',
    kind: 'alert',
    askedBy: '',
    receiver: 'team',
    integration: 'slack[0]',
    groupKey: alertname,
    groupLabels: { alertname },
    reason: 'it began',
    status: 'sent',
    attempts: 1,
    error: '',
    alerts: [],
    url: '',
    body: '',
  };
}

const PARTS: Record<string, { notifications: Notification[]; nextToken?: string }> = {
  first: { notifications: [told('Newest')], nextToken: 'second' },
  // Only so much is read for one answer, so that one may be empty before the end.
  second: { notifications: [], nextToken: 'third' },
  third: { notifications: [told('Oldest')] },
};

test('older notifications are asked for until there are none', async () => {
  const asked: string[] = [];
  await openPage('/notifications?receiver=team', (path, params) => {
    if (path === 'v1/receivers') return { receivers: [] };
    if (path !== 'v1/notifications') return undefined;
    asked.push(params.get('receiver') ?? '');
    return PARTS[params.get('next_token') ?? 'first'];
  });
  await screen.findByRole('button', { name: /Newest/ }, { timeout: 20_000 });
  expect(screen.getByText('the newest 1 notification')).toBeDefined();
  const user = userEvent.setup();
  await user.click(screen.getByRole('button', { name: 'Show older' }));
  await user.click(await screen.findByRole('button', { name: 'Show older' }));
  await screen.findByRole('button', { name: /Oldest/ });
  expect(screen.getByRole('button', { name: /Newest/ })).toBeDefined();
  expect(screen.queryByRole('button', { name: 'Show older' })).toBeNull();
  expect(asked).toEqual(['team', 'team', 'team']);
}, 30_000);

test('tests of receivers are told from what was told of alerts', async () => {
  const tried: Notification = { ...told(''), kind: 'test', askedBy: '10.0.0.7', groupKey: '', groupLabels: {} };
  const asked: (string | null)[] = [];
  await openPage('/notifications?kind=test', (path, params) => {
    if (path === 'v1/receivers') return { receivers: [] };
    if (path !== 'v1/notifications') return undefined;
    asked.push(params.get('kind'));
    return { notifications: [tried] };
  });
  const user = userEvent.setup();
  await user.click(await screen.findByRole('button', { name: 'a test' }, { timeout: 20_000 }));
  await screen.findByText('10.0.0.7');
  expect(asked).toEqual(['test']);
  await user.selectOptions(screen.getByLabelText('About'), 'Alerts and tests');
  await waitFor(() => expect(asked).toEqual(['test', null]));
}, 30_000);
