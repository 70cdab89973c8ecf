import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { answer, EXPECTED_FAILURE, PREFIX_SERVER, SCHEMES, settle, startBrowser } from './browser';

const browser = startBrowser();

const PAGES = ['/', '/explore?q=up', '/metrics/', '/metrics/up', '/system/targets', '/system/status'];

async function choosePalette(page: Page, typed: string, entry: RegExp | string) {
  await page.keyboard.press('Control+K');
  await page.getByRole('dialog').getByRole('textbox', { name: 'Search' }).fill(typed);
  await page.getByRole('dialog').getByRole('button', { name: entry }).first().click();
}

describe('Shell', () => {
  test('the time range goes along from page to page', async () => {
    const { page, open, expectClean } = await browser.open();
    await open('/explore?q=up&from=now-6h');
    await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Home' }).click();
    await page.waitForURL(/\/\?from=now-6h$/);
    await page.getByRole('button', { name: 'Time range: Last 6 hours' }).waitFor();
    await expectClean();
  });

  test('the range is chosen by typing, by list, by buttons and by keys', async () => {
    const { page, open, expectClean } = await browser.open();
    await open('/');
    await page.keyboard.press('t');
    await page.getByRole('textbox', { name: 'Time range, typed' }).fill('45m');
    await page.keyboard.press('Enter');
    await page.waitForURL(/from=now-45m/);
    await page.keyboard.press('t');
    await page.getByRole('textbox', { name: 'Time range, typed' }).fill('soon');
    await page.keyboard.press('Enter');
    await page.getByText('Try 6h, yesterday').waitFor();
    await page.getByRole('button', { name: 'Last 24 hours' }).click();
    await page.waitForURL(/from=now-1d/);
    await page.getByRole('button', { name: 'Zoom out' }).click();
    await page.waitForURL(/from=now-2d/);
    await page.locator('h1').click();
    await page.keyboard.press('+');
    await page.waitForURL(/from=now-1d/);
    await page.keyboard.press('ArrowLeft');
    await page.waitForURL(/from=\d{13}&to=\d{13}/);
    await expectClean();
  });

  test.each(SCHEMES)('range, palette, menus and help are accessible in %s', async (scheme) => {
    const { page, open, expectAccessible, expectClean } = await browser.open({ scheme });
    await open('/');
    await page.keyboard.press('t');
    await page.getByRole('button', { name: 'Next month' }).waitFor();
    await expectAccessible();
    await page.keyboard.press('Escape');
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    await expectAccessible();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor({ state: 'hidden' });
    await page.keyboard.press('Control+K');
    await page.getByRole('dialog').getByRole('textbox', { name: 'Search' }).fill('node');
    await page
      .getByRole('dialog')
      .getByText(/^node_/)
      .first()
      .waitFor();
    await expectAccessible();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Copy link' }).click();
    await page.getByRole('menuitem').first().waitFor();
    await expectAccessible();
    await expectClean();
  });

  test('the palette finds pages, metrics and actions, and runs expressions', async () => {
    const { page, open, expectClean } = await browser.open();
    await open('/');
    await choosePalette(page, 'targ', /^Targets/);
    await page.waitForURL(/system\/targets/);
    await choosePalette(page, 'node_cpu_seconds', 'node_cpu_seconds_total');
    await page.waitForURL(/metrics\/node_cpu_seconds_total/);
    await choosePalette(page, 'sum(up)', 'Run sum(up)');
    await page.waitForURL(/explore\?q=sum\(up\)/);
    await choosePalette(page, 'light col', 'Light colours');
    await page.waitForFunction(() => document.documentElement.dataset.mantineColorScheme === 'light');
    await expectClean();
  });

  test('keys lead from page to page, but not while typing', async () => {
    const { page, open, expectClean } = await browser.open();
    await open('/');
    await page.keyboard.press('g');
    await page.keyboard.press('m');
    await page.waitForURL(/\/metrics\/$/);
    await page.getByRole('textbox', { name: /^Filter/ }).waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('gh');
    await page.waitForURL(/f=gh/);
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    await page.keyboard.press('g');
    await page.keyboard.press('h');
    await page.waitForURL((url) => url.pathname.endsWith('/'));
    await expectClean();
  });

  test('the colours are right before the first paint and stay chosen', async () => {
    const { page, open, expectClean } = await browser.open({ scheme: 'light' });
    await open('/');
    const scheme = () => page.evaluate(() => document.documentElement.dataset.mantineColorScheme);
    expect(await scheme()).toBe('light');
    await page.getByRole('button', { name: 'Colours' }).click();
    await page.getByRole('menuitem', { name: 'Dark' }).click();
    await page.reload();
    expect(await scheme()).toBe('dark');
    await settle(page);
    await expectClean();
  });

  test('times can be shown in UTC', async () => {
    const { page, open, expectClean } = await browser.open();
    await open('/');
    await page.keyboard.press('t');
    await page.getByText('UTC', { exact: true }).click();
    await page.getByRole('button', { name: 'Time range: Last 1 hour, UTC' }).waitFor();
    await expectClean();
  });

  test('demo data is marked, and nothing else is', async () => {
    const { page, open, expectClean } = await browser.open();
    await answer(page, 'status/runtimeinfo', { demo: true });
    for (const path of PAGES) {
      await open(path);
      await page.getByText('Demo data', { exact: true }).waitFor();
    }
    await page.unrouteAll();
    await answer(page, 'status/runtimeinfo', {});
    await open('/');
    expect(await page.getByText('Demo data', { exact: true }).count()).toBe(0);
    await expectClean();
  });

  test('a lost server is announced; what is on screen stays; it comes back by itself', async () => {
    const { page, open, expectAccessible } = await browser.open();
    await open('/');
    await page.route(/\/api\/v1\//, (route) => route.abort());
    await page.getByText('The server does not answer').waitFor({ timeout: 20_000 });
    expect(await page.getByRole('link', { name: /Targets up/ }).count()).toBe(1);
    await expectAccessible();
    await page.unrouteAll();
    await page.getByText('The server does not answer').waitFor({ state: 'hidden', timeout: 20_000 });
  });

  test('an address that leads nowhere says so', async () => {
    const { page, open, expectClean, expectAccessible } = await browser.open();
    await open('/no/such/page');
    await page.getByText('There is nothing at this address').waitFor();
    await expectAccessible();
    await page.getByRole('button', { name: 'Go to Home' }).click();
    await page.getByRole('heading', { name: 'Home' }).waitFor();
    await expectClean();
  });

  test('the licences of what is bundled are served', async () => {
    const { page, open } = await browser.open();
    await open('/');
    const text = await page.evaluate(async () => (await fetch('assets/third-party-licenses.txt')).text());
    for (const name of ['react-dom', '@mantine/core', 'uplot', '@prometheus-io/codemirror-promql']) {
      expect(text).toContain(name);
    }
  });
});

describe.runIf(PREFIX_SERVER !== undefined)('Below a path prefix', () => {
  test.each(PAGES)('a deep link to %s works', async (path) => {
    const { page, open, expectClean } = await browser.open({ server: PREFIX_SERVER ?? '' });
    const failed: string[] = [];
    page.on('response', (response) => {
      if (response.status() >= 400) failed.push(`${response.status()} ${response.url()}`);
    });
    await open(path);
    expect(failed).toEqual([]);
    await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Status' }).click();
    await page.waitForURL((url) => url.href.startsWith(`${PREFIX_SERVER}/system/status`));
    await settle(page);
    await expectClean(EXPECTED_FAILURE);
  });
});
