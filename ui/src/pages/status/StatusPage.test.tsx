import { screen } from '@testing-library/react';
import { expect, test } from 'vitest';
import { openPage } from '../../test-app';

const MISTAKE = 'prometheus.yml:3:3: field scrape_intervall not found';
const LOADED = { lastConfigTime: '2026-11-26T10:00:00.4Z' };

const status = (reloadConfigSuccess: boolean) => (path: string) => {
  const lastReloadFailure = reloadConfigSuccess ? null : { time: '2026-11-26T11:30:00.1Z', reason: MISTAKE };
  if (path === 'v1/status/runtimeinfo') return { reloadConfigSuccess, lastReloadFailure, ...LOADED };
  return path === 'v1/status/buildinfo' ? { version: '1' } : undefined;
};

test('a reload that failed is told on top, with what holds meanwhile and what to do', async () => {
  await openPage('/system/status', status(false));
  const title = 'The last reload of the configuration failed';
  const alarm = await screen.findByRole('alert', { name: title }, { timeout: 20_000 });
  expect(alarm.textContent).toContain('2026-11-26 10:00:00');
  expect(alarm.textContent).toContain(MISTAKE);
  expect(alarm.textContent).toContain('bellwether check config FILE');
  // And on every page.
  expect(screen.getByText('What to do').getAttribute('href')).toBe('/system/status');
}, 30_000);

test('nothing is told of a reload that worked', async () => {
  await openPage('/system/status', status(true));
  await screen.findByText('Last reload worked', {}, { timeout: 20_000 });
  expect(screen.queryByText(/reload of the configuration failed/)).toBeNull();
  // What is null is no fact.
  expect(screen.queryByText(/^Last reload failure/)).toBeNull();
}, 30_000);
