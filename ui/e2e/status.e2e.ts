import { describe, expect, test } from 'vitest';
import { answer, ask, BROKEN, EXPECTED_FAILURE, SCHEMES, settle, startBrowser } from './browser';

const browser = startBrowser();

const TABS = ['Overview', 'Flags', 'Configuration'];

describe('Status', () => {
  test('tells build, runtime, storage, flags and configuration', async () => {
    const { page, open, expectClean } = await browser.open();
    await open('/system/status');
    const { version } = await ask<{ version: string }>('status/buildinfo');
    await page.getByText(version, { exact: true }).first().waitFor();
    await page.getByText('Start time').waitFor();
    await page.getByText('Newest sample').waitFor();
    await page.getByRole('tab', { name: 'Flags' }).click();
    await page.waitForURL(/tab=flags/);
    await page.getByText('--storage.tsdb.path').waitFor();
    await page.getByRole('tab', { name: 'Configuration' }).click();
    await page.getByRole('textbox', { name: 'Configuration' }).waitFor();
    await page.goBack();
    await page.waitForURL(/tab=flags/);
    await expectClean();
  });

  test.each(SCHEMES)('every tab is accessible in %s', async (scheme) => {
    const { page, open, expectAccessible, expectClean } = await browser.open({ scheme });
    await open('/system/status');
    for (const tab of TABS) {
      await page.getByRole('tab', { name: tab }).click();
      await settle(page);
      await expectAccessible();
    }
    await expectClean();
  });

  test('tabs are reached and changed by arrow keys', async () => {
    const { page, open, expectClean } = await browser.open();
    await open('/system/status');
    await page.getByRole('tab', { name: 'Overview' }).focus();
    await page.keyboard.press('ArrowRight');
    await page.waitForURL(/tab=flags/);
    await page.getByRole('columnheader', { name: 'Flag' }).waitFor();
    await expectClean();
  });

  test('failures and filters that hide everything say so', async () => {
    const { page, open, expectClean, expectAccessible } = await browser.open();
    await answer(page, 'status/buildinfo', BROKEN, 500);
    await open('/system/status');
    expect(await page.getByRole('alert').textContent()).toContain('the disk is full');
    // The failure of one part leaves the others alone.
    await page.getByText('Start time').waitFor();
    await expectAccessible();
    await open('/system/status?tab=flags&f=surely-not-a-flag');
    await page.getByText('No flag passes the filter').waitFor();
    await expectClean(EXPECTED_FAILURE);
  });
});
