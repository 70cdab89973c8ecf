import { describe, expect, test } from 'vitest';
import { answer, ask, BROKEN, EXPECTED_FAILURE, SCHEMES, startBrowser } from './browser';

const browser = startBrowser();

interface Target {
  scrapePool: string;
  scrapeUrl: string;
  health: string;
  discoveredLabels: Record<string, string>;
  labels: Record<string, string>;
}

const active = async () => (await ask<{ activeTargets: Target[] }>('targets?state=active')).activeTargets;
const keyOf = (target: Target) => encodeURIComponent(`${target.scrapePool}|${target.scrapeUrl}`);

/** A target with everything that can be said of one. */
const TOLD = {
  discoveredLabels: { __address__: 'a:9100', __scheme__: 'http', env: 'prod', team: 'infra' },
  labels: { env: 'production', instance: 'a:9100', job: 'node' },
  scrapePool: 'node',
  scrapeUrl: 'http://a:9100/metrics',
  lastError: 'expected a value after the metric name',
  lastErrorLine: 42,
  lastErrorColumn: 7,
  lastScrape: new Date().toISOString(),
  lastScrapeDuration: 9.5,
  health: 'down',
  scrapeInterval: '15s',
  scrapeTimeout: '10s',
  relabelSteps: [
    {
      rule: 'action: labeldrop\nregex: team',
      before: { env: 'prod', team: 'infra' },
      after: { env: 'prod' },
      dropped: false,
    },
    { rule: { action: 'keep', regex: '.*' }, before: { env: 'prod' }, after: { env: 'prod' }, dropped: false },
  ],
};

describe('Targets', () => {
  test('lists every target by job', async () => {
    const { page, open, expectClean } = await browser.open();
    await open('/system/targets');
    const targets = await active();
    for (const pool of new Set(targets.map(({ scrapePool }) => scrapePool))) {
      await page
        .getByRole('button', { name: new RegExp(`^${pool} `) })
        .first()
        .waitFor();
    }
    await expectClean();
  });

  test.each(SCHEMES)('is accessible in %s, with details open', async (scheme) => {
    const { open, expectAccessible, expectClean } = await browser.open({ scheme });
    await open('/system/targets');
    await expectAccessible();
    const [target] = await active();
    if (target === undefined) throw new Error('the server under test scrapes nothing');
    await open(`/system/targets?open=${keyOf(target)}`);
    await expectAccessible();
    await expectClean();
  });

  test.each(SCHEMES)('shows labels before and after, rules and the line of the error, in %s', async (scheme) => {
    const { page, open, expectAccessible, expectClean } = await browser.open({ scheme });
    const invalidTargets = [{ scrapePool: 'odd', place: 'targets.yml:3:5', error: 'the address has no port' }];
    await answer(page, 'targets', { activeTargets: [TOLD], droppedTargets: [], invalidTargets });
    await open('/system/targets');
    await page.getByText('Line 42, column 7').waitFor();
    await page.getByText('the address has no port').waitFor();
    await page.getByRole('button', { name: TOLD.scrapeUrl }).click();
    await page.waitForURL(/open=node/);
    const row = (name: string) => page.getByRole('table', { name: 'Labels', exact: true }).getByRole('row', { name });
    expect(await row('env').textContent()).toBe('envprodproductionchanged');
    expect(await row('instance').textContent()).toContain('added');
    expect(await row('team').textContent()).toContain('dropped');
    await page.getByText('No effect on this target.').waitFor();
    await expectAccessible();
    await page.keyboard.press('Escape');
    await page.waitForURL((url) => !url.searchParams.has('open'));
    await expectClean();
  });

  test('filter, rows and details work by keyboard', async () => {
    const { page, open, expectClean } = await browser.open();
    const [target] = await active();
    if (target === undefined) throw new Error('the server under test scrapes nothing');
    await open('/system/targets');
    await page.keyboard.press('/');
    await page.keyboard.type(target.scrapeUrl);
    await page.waitForURL(/f=/);
    await page.getByRole('region', { name: 'Active targets' }).focus();
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await page.waitForURL(/open=/);
    await page.getByRole('complementary').waitFor();
    await page.goBack();
    await page.waitForURL((url) => !url.searchParams.has('open'));
    await expectClean();
  });

  test('dropped targets have a tab', async () => {
    const { page, open, expectClean, expectAccessible } = await browser.open();
    await answer(page, 'targets', {
      activeTargets: [],
      droppedTargets: [{ discoveredLabels: { __address__: 'b:9100', job: 'spare', env: 'staging' } }],
    });
    await open('/system/targets?tab=dropped');
    await page.getByRole('button', { name: 'b:9100' }).click();
    await page.getByRole('complementary').waitFor();
    await expectAccessible();
    await expectClean();
  });

  test('nothing, a filter that hides all, and a failure each say so', async () => {
    const { page, open, expectClean, expectAccessible } = await browser.open();
    await open('/system/targets?f=surely-not-a-target');
    await page.getByText('No target passes the filter').waitFor();
    await page.getByRole('button', { name: 'Clear the filter' }).click();
    await page.getByRole('region', { name: 'Active targets' }).waitFor();
    await answer(page, 'targets', { activeTargets: [], droppedTargets: [] });
    await open('/system/targets');
    await page.getByText('No targets', { exact: true }).waitFor();
    await open('/system/targets?tab=dropped');
    await page.getByText('Nothing is dropped').waitFor();
    await expectAccessible();
    await page.unrouteAll();
    await answer(page, 'targets', BROKEN, 500);
    await open('/system/targets');
    expect(await page.getByRole('alert').textContent()).toContain('the disk is full');
    await expectClean(EXPECTED_FAILURE);
  });

  test('ten thousand targets stay a short page', async () => {
    const { page, open, expectClean } = await browser.open();
    const activeTargets = Array.from({ length: 10_000 }, (_, i) => ({
      ...TOLD,
      scrapePool: `job-${i % 40}`,
      scrapeUrl: `http://host-${i}:9100/metrics`,
    }));
    await answer(page, 'targets', { activeTargets, droppedTargets: [] });
    await open('/system/targets');
    await page.getByText('10,000 targets').waitFor();
    expect(await page.getByRole('row').count()).toBeLessThan(150);
    await expectClean();
  });
});
