import { describe, expect, test } from 'vitest';
import { answer, ask, BROKEN, EXPECTED_FAILURE, SCHEMES, settle, startBrowser } from './browser';

const browser = startBrowser();

interface Target {
  health: string;
  lastError: string;
  scrapeUrl: string;
}

const targets = async () => (await ask<{ activeTargets: Target[] }>('targets?state=active')).activeTargets;

const SELF = {
  discoveredLabels: {},
  labels: { job: 'bellwether', instance: 'localhost:9090' },
  scrapePool: 'bellwether',
  scrapeUrl: 'http://localhost:9090/metrics',
  lastError: '',
  lastScrape: '2026-01-01T00:00:00Z',
  lastScrapeDuration: 0.01,
  health: 'up',
  scrapeInterval: '15s',
  scrapeTimeout: '10s',
};

describe('Home', () => {
  test('tells what is up, what is down and how much comes in', async () => {
    const { page, open, expectClean } = await browser.open();
    await open('/');
    const all = await targets();
    const tile = page.getByRole('link', { name: /Targets up/ });
    expect(await tile.textContent()).toContain(`/ ${all.length}`);
    const down = all.filter(({ health }) => health === 'down');
    expect(await page.getByRole('heading', { name: 'Down now' }).count()).toBe(down.length > 0 ? 1 : 0);
    expect(await page.getByRole('slider', { name: /^Ingest/ }).count()).toBe(1);
    await expectClean();
  });

  test.each(SCHEMES)('is accessible in %s', async (scheme) => {
    const { open, expectAccessible } = await browser.open({ scheme });
    await open('/');
    await expectAccessible();
  });

  test.each(SCHEMES)('shows the way in while there is no data, in %s', async (scheme) => {
    const { page, open, expectClean, expectAccessible } = await browser.open({ scheme });
    await answer(page, 'status/runtimeinfo', { demo: false });
    await answer(page, 'targets', { activeTargets: [SELF], droppedTargets: [] });
    await answer(page, 'query', { resultType: 'vector', result: [] });
    await answer(page, 'query_range', { resultType: 'matrix', result: [] });
    await open('/');
    for (const title of ['Scrape a target', 'Send remote write', 'Look at the demo']) {
      expect(await page.getByRole('heading', { name: title }).count()).toBe(1);
    }
    expect(await page.getByText('Waiting for the first samples').count()).toBe(3);
    await expectAccessible();
    // Another target appears: its card turns while the page is open.
    const node = { ...SELF, scrapePool: 'node', scrapeUrl: 'http://elsewhere:9100/metrics' };
    await answer(page, 'targets', { activeTargets: [SELF, node], droppedTargets: [] });
    await page.getByText('Add more data').waitFor({ timeout: 20_000 });
    await page.getByText('Add more data').click();
    expect(await page.getByText('Arriving: 1 target').isVisible()).toBe(true);
    await expectClean();
  });

  test('shows a failure where it happened, with the request, and tries again', async () => {
    const { page, open, expectClean, expectAccessible } = await browser.open();
    await answer(page, 'targets', BROKEN, 500);
    await open('/');
    const alert = page.getByRole('alert').first();
    expect(await alert.textContent()).toContain('the disk is full');
    expect(await alert.textContent()).toContain('e2e-7');
    await expectAccessible();
    await page.unrouteAll();
    await alert.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('link', { name: /Targets up/ }).waitFor();
    await expectClean(EXPECTED_FAILURE);
  });

  test('fits a telephone', async () => {
    const { page, open, expectClean, expectAccessible } = await browser.open({ width: 360, height: 780 });
    await open('/');
    const wider = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(wider).toBeLessThanOrEqual(0);
    await expectAccessible();
    await page.getByRole('button', { name: 'Pages' }).click();
    await page.getByRole('dialog').getByRole('link', { name: 'Targets' }).click();
    await page.waitForURL(/system\/targets/);
    await settle(page);
    await expectClean();
  });

  test('leads on with the keyboard alone', async () => {
    const { page, open, expectClean } = await browser.open();
    await open('/');
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Skip to the content');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.waitForURL(/system\/targets/);
    await expectClean();
  });
});
