import { screen } from '@testing-library/react';
import { expect, test } from 'vitest';
import { openPage } from '../../test-app';

test('counts that begin with the server say so', async () => {
  const integration = {
    type: 'slack',
    index: 0,
    supported: true,
    sendResolved: true,
    lastSuccess: null,
    lastFailure: '2026-11-25T10:00:00Z',
    lastError: 'refused',
    sent: 0,
    failed: 0,
    circuit: 'closed',
  };
  await openPage('/receivers', (path) =>
    path === 'v1/receivers' ? { receivers: [{ name: 'team', integrations: [integration] }] } : undefined,
  );
  await screen.findByText('slack[0]', {}, { timeout: 20_000 });
  expect(screen.getAllByRole('columnheader').map(({ textContent }) => textContent)).toEqual([
    'State',
    'Integration',
    'Last success',
    'Last failure',
    'Sent since the start',
    'Failed since the start',
  ]);
}, 30_000);
