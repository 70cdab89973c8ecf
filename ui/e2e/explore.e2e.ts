import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { answer, BROKEN, EXPECTED_FAILURE, SCHEMES, settle, startBrowser } from './browser';

const browser = startBrowser();

const editor = (page: Page, name = 'A') => page.getByRole('textbox', { name: `Query ${name}` });
const at = (query: string, more = '') => `/explore?q=${encodeURIComponent(query)}${more}`;

describe('Explore', () => {
  test('runs a query with Ctrl+Enter, and keeps it in the address', async () => {
    const { page, open, expectClean } = await browser.open();
    await open('/explore');
    await page.getByText('Ask a question in PromQL').waitFor();
    await editor(page).click();
    await page.keyboard.type('up');
    await page.keyboard.press('Control+Enter');
    await page.waitForURL(/[?&]q=up/);
    await settle(page);
    await page.getByRole('slider', { name: /^Graph/ }).waitFor();
    expect(await page.getByRole('region', { name: 'Legend' }).getByRole('row').count()).toBeGreaterThan(1);
    expect(await page.getByText(/samples read/).count()).toBeGreaterThan(0);
    await expectClean();
  });

  test.each(SCHEMES)('graph and table are accessible in %s', async (scheme) => {
    const { page, open, expectClean, expectAccessible } = await browser.open({ scheme });
    await open(at('up'));
    await expectAccessible();
    await page.getByRole('tab', { name: 'Table' }).click();
    await page.getByRole('region', { name: 'Values of query A' }).waitFor();
    await expectAccessible();
    await page.getByText('Range', { exact: true }).click();
    await page.getByRole('region', { name: 'Values of the chart' }).waitFor();
    await expectAccessible();
    await expectClean();
  });

  test('suggests metrics, functions, labels and values of the server', async () => {
    const { page, open, expectClean, expectAccessible } = await browser.open();
    await open('/explore');
    const options = page.locator('.cm-tooltip-autocomplete li');
    const suggested = async (typed: string, wanted: string) => {
      await page.keyboard.type(typed, { delay: 15 });
      await options
        .filter({ hasText: new RegExp(`^${wanted}`) })
        .first()
        .waitFor();
    };
    await editor(page).click();
    await suggested('rat', 'rate');
    await page.keyboard.press('Escape');
    await suggested('e(scrape_dur', 'scrape_duration_seconds');
    await expectAccessible();
    await page.keyboard.press('Escape');
    await suggested('ation_seconds{jo', 'job');
    await options.filter({ hasText: /^job$/ }).click();
    await page.keyboard.type('="');
    await options.first().waitFor();
    await expectClean();
  });

  test.each(SCHEMES)('underlines what the server refuses at its place, in %s', async (scheme) => {
    const { page, open, expectClean, expectAccessible } = await browser.open({ scheme });
    await open(at('sum by (job) (up) bananas'));
    const alert = page.getByRole('alert');
    expect(await alert.textContent()).toMatch(/1:19: parse error/);
    await page.locator('.cm-lintRange-error', { hasText: 'bananas' }).waitFor();
    expect(await page.locator('.cm-lintRange-error').textContent()).toBe('bananas');
    await expectAccessible();
    // The next change of the text takes the complaint away.
    await editor(page).click();
    await page.keyboard.press('Control+A');
    await page.keyboard.type('up');
    expect(await page.locator('.cm-lintRange-error').count()).toBe(0);
    await expectClean(EXPECTED_FAILURE);
  });

  test('underlines a mistake before it is sent', async () => {
    const { page, open, expectClean } = await browser.open();
    await open('/explore');
    await editor(page).click();
    await page.keyboard.type('rate(up)');
    await page.locator('.cm-lintRange-error').waitFor();
    await expectClean();
  });

  test('dragging over the chart zooms in; the browser goes back and forward', async () => {
    const { page, open, expectClean } = await browser.open();
    await open(at('up'));
    const before = page.url();
    const box = await page.locator('.u-over').boundingBox();
    if (box === null) throw new Error('no chart');
    await page.mouse.move(box.x + box.width * 0.5, box.y + 40);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.75, box.y + 60, { steps: 5 });
    await page.mouse.up();
    await page.waitForURL(/from=\d{13}&to=\d{13}/);
    const zoomed = new URL(page.url()).searchParams;
    const minutes = (Number(zoomed.get('to')) - Number(zoomed.get('from'))) / 60_000;
    expect(minutes).toBeGreaterThan(14);
    expect(minutes).toBeLessThan(16);
    await page.goBack();
    expect(page.url()).toBe(before);
    await page.goForward();
    await page.waitForURL(/from=\d{13}/);
    await settle(page);
    await expectClean();
  });

  test('going back brings the earlier query back into the editor', async () => {
    const { page, open, expectClean } = await browser.open();
    await open(at('up'));
    await editor(page).click();
    await page.keyboard.press('Control+A');
    await page.keyboard.type('scrape_duration_seconds');
    await page.keyboard.press('Control+Enter');
    await page.waitForURL(/scrape_duration/);
    await page.goBack();
    await page.waitForFunction(() => document.querySelector('.cm-content')?.textContent === 'up');
    await expectClean();
  });

  test('hovering and arrow keys tell exact values', async () => {
    const { page, open, expectClean } = await browser.open();
    await open(at('vector(0.1) + vector(0.2)'));
    const chart = page.getByRole('slider', { name: /^Graph/ });
    await chart.focus();
    await page.keyboard.press('End');
    expect(await chart.getAttribute('aria-valuetext')).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d: /);
    expect(await page.locator('.u-over').textContent()).toContain('0.30000000000000004');
    const last = await chart.getAttribute('aria-valuenow');
    await page.keyboard.press('ArrowLeft');
    expect(Number(await chart.getAttribute('aria-valuenow'))).toBe(Number(last) - 1);
    await expectClean();
  });

  test('the legend shows, hides and isolates lines, in the address too', async () => {
    const { page, open, expectClean } = await browser.open();
    await open(at('label_replace(vector(1), "line", "a", "", "") or label_replace(vector(2), "line", "b", "", "")'));
    const legend = page.getByRole('region', { name: 'Legend' });
    await legend.getByRole('button', { name: 'Show only {line="a"}' }).click();
    await page.waitForURL(/show=only\./);
    expect(await legend.getByRole('button', { name: 'Show {line="b"}' }).getAttribute('aria-pressed')).toBe('false');
    await page.reload();
    await settle(page);
    expect(await legend.getByRole('button', { name: 'Show {line="b"}' }).getAttribute('aria-pressed')).toBe('false');
    await legend.getByRole('button', { name: 'Show {line="b"}' }).click();
    await legend.getByRole('button', { name: 'Hide {line="b"}' }).waitFor();
    await expectClean();
  });

  test('several queries share the axis and can be switched off', async () => {
    const { page, open, expectClean } = await browser.open();
    await open('/explore?q=vector(1)&q=vector(2)');
    const rows = page.getByRole('region', { name: 'Legend' }).getByRole('row');
    expect(await rows.count()).toBe(3);
    await page.getByRole('button', { name: 'Query B on' }).click();
    await page.waitForURL(/off=1/);
    await settle(page);
    expect(await rows.count()).toBe(2);
    await expectClean();
  });

  test('an unknown metric is met with the nearest names', async () => {
    const { page, open, expectClean, expectAccessible } = await browser.open();
    await open(at('scrape_duration_secnds'));
    await page.getByText('There is no metric scrape_duration_secnds').waitFor();
    await expectAccessible();
    await page.getByRole('button', { name: 'scrape_duration_seconds', exact: true }).click();
    await page.waitForURL(/q=scrape_duration_seconds/);
    await page.getByRole('slider', { name: /^Graph/ }).waitFor();
    await expectClean();
  });

  test('an empty range offers the last samples', async () => {
    const { page, open, expectClean } = await browser.open();
    await open('/explore?q=up&from=1000000000000&to=1000000600000');
    await page.getByText('Nothing in this time range').waitFor();
    await page.getByRole('button', { name: 'Go to the last samples' }).click();
    await page.getByRole('slider', { name: /^Graph/ }).waitFor({ timeout: 20_000 });
    await expectClean();
  });

  test('a failing server is reported in place, warnings and notes are shown', async () => {
    const { page, open, expectClean } = await browser.open();
    await answer(page, 'query_range', BROKEN, 500);
    await open(at('up'));
    expect(await page.getByRole('alert').textContent()).toContain('the disk is full');
    await page.unrouteAll();
    await page.route(
      (url) => url.pathname.endsWith('/api/v1/query_range'),
      (route) =>
        route.fulfill({
          json: {
            status: 'success',
            data: { resultType: 'matrix', result: [] },
            warnings: ['one shard did not answer'],
            infos: ['metric might not be a counter'],
          },
        }),
    );
    await page.getByRole('alert').getByRole('button', { name: 'Try again' }).click();
    await page.getByText('Warning: one shard did not answer').waitFor();
    await page.getByText('Note: metric might not be a counter').waitFor();
    await expectClean(EXPECTED_FAILURE);
  });

  test('a slow query shows its time and can be cancelled', async () => {
    const { page, open, expectClean } = await browser.open();
    await open('/explore');
    const pending = page.waitForRequest((request) => request.url().endsWith('/query_range'));
    await page.route(
      (url) => url.pathname.endsWith('/api/v1/query_range'),
      () => undefined,
    );
    await editor(page).click();
    await page.keyboard.type('up');
    await page.keyboard.press('Control+Enter');
    const request = await pending;
    await page.getByText(/Running for 1\.\d s/).waitFor();
    const gone = page.waitForEvent('requestfailed', (failed) => failed === request);
    await page.getByRole('button', { name: 'Cancel' }).click();
    await gone;
    await page.getByText(/^Cancelled/).waitFor();
    await expectClean();
  });

  test('label values are never markup', async () => {
    const { page, open, expectClean } = await browser.open();
    const hostile = '<img src=x onerror=alert(1)>';
    const metric = { __name__: 'up', label: hostile };
    await answer(page, 'query_range', {
      resultType: 'matrix',
      result: [{ metric, values: [[Math.floor(Date.now() / 10_000) * 10 - 600, '1']] }],
    });
    await answer(page, 'query', { resultType: 'vector', result: [{ metric, value: [1, '1'] }] });
    await open(at('up'));
    await page.getByRole('slider', { name: /^Graph/ }).focus();
    await page.keyboard.press('Home');
    expect(await page.locator('main img').count()).toBe(0);
    await page.getByRole('tab', { name: 'Table' }).click();
    await page.getByText(hostile).first().waitFor();
    expect(await page.locator('main img').count()).toBe(0);
    await expectClean();
  });
});
