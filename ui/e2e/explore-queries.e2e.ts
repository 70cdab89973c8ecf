import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { SCHEMES, SERVER, settle, startBrowser } from './browser';

const browser = startBrowser();
const editor = (page: Page, name = 'A') => page.getByRole('textbox', { name: `Query ${name}` });
const legend = (page: Page) => page.getByRole('region', { name: 'Legend' });
const queries = (page: Page) => new URL(page.url()).searchParams.getAll('q');

/** What was copied last, also where the browser forbids reading the clipboard. */
async function spyOnCopies(page: Page): Promise<() => Promise<string>> {
  await page.addInitScript(() => {
    const copies = window as unknown as { copied: string };
    Object.defineProperty(navigator, 'clipboard', {
      value: {
        writeText: async (text: string) => {
          copies.copied = text;
        },
      },
    });
  });
  return () => page.evaluate(() => (window as unknown as { copied: string }).copied);
}

describe('Several queries', () => {
  test('are added, duplicated, hidden and removed, in the address too', async () => {
    const { page, open, expectClean } = await browser.open();
    await open('/explore?q=vector(1)');
    await page.getByRole('button', { name: 'Add query' }).click();
    await editor(page, 'B').click();
    await page.keyboard.type('vector(2)');
    await page.keyboard.press('Control+Enter');
    await page.waitForURL(/q=vector\(1\)&q=vector\(2\)/);
    await page.getByRole('button', { name: 'Duplicate query A' }).click();
    await page.waitForURL(/q=vector\(1\)&q=vector\(1\)&q=vector\(2\)/);
    await settle(page);
    expect(await legend(page).getByRole('row').count()).toBe(4);
    await page.getByRole('button', { name: 'Query C on' }).click();
    await page.waitForURL(/off=2/);
    await page.reload();
    await settle(page);
    expect(await page.getByRole('button', { name: 'Query C off' }).getAttribute('aria-pressed')).toBe('false');
    expect(await legend(page).getByRole('row').count()).toBe(3);
    await page.getByRole('button', { name: 'Remove query A' }).click();
    await expect.poll(() => queries(page)).toEqual(['vector(1)', 'vector(2)']);
    await page.goBack();
    await expect.poll(() => queries(page).length).toBe(3);
    await expectClean();
  });

  test('keep their colour while others are switched off', async () => {
    const { page, open, expectClean } = await browser.open();
    await open('/explore?q=vector(1)&q=vector(2)&q=vector(3)');
    const colours = () =>
      legend(page)
        .locator('svg line')
        .evaluateAll((lines) => lines.map((line) => line.getAttribute('stroke')));
    const all = await colours();
    expect(new Set(all).size).toBe(3);
    await page.getByRole('button', { name: 'Query A on' }).click();
    await page.waitForURL(/off=0/);
    await settle(page);
    expect(await colours()).toEqual(all.slice(1));
    await expectClean();
  });

  test('are copied as commands that ask the same', async () => {
    const { page, open, expectClean } = await browser.open();
    const copied = await spyOnCopies(page);
    await open(`/explore?q=${encodeURIComponent('count(up{job!="it\'s"})')}&from=now-10m`);
    await page.getByRole('button', { name: 'Copy query A as curl' }).click();
    await page.getByText('Command copied').waitFor();
    const command = await copied();
    expect(command).toContain(`curl --get '${SERVER}/api/v1/query_range'`);
    expect(command).toContain(`'query=count(up{job!="it'\\''s"})'`);
    const { execFileSync } = await import('node:child_process');
    const answer = JSON.parse(execFileSync('sh', ['-c', `${command} --silent`], { encoding: 'utf8' }));
    expect(answer.data.result[0].values.length).toBeGreaterThan(1);
    await page.getByRole('tab', { name: 'Table' }).click();
    await settle(page);
    await page.getByRole('button', { name: 'Copy query A as curl' }).click();
    await expect.poll(copied).toContain("/api/v1/query'");
    await expectClean();
  });

  test('leaving cancels what is under way on the server', async () => {
    const { page, open, expectClean } = await browser.open();
    await open('/explore');
    const part = (i: number) => `max_over_time(count({__name__=~".+"} > -${i})[6h:1s])`;
    const heavy = Array.from({ length: 60 }, (_, i) => part(i + 1)).join(' + ');
    const sent = page.waitForRequest((request) => request.url().endsWith('/query_range'));
    await editor(page).click();
    await page.keyboard.insertText(heavy);
    await page.keyboard.press('Control+Enter');
    const request = await sent;
    const gone = page.waitForEvent('requestfailed', (failed) => failed === request);
    await page.getByRole('button', { name: 'Cancel' }).click();
    await gone;
    await page.getByText(/^Cancelled/).waitFor();
    await expectClean();
  });
});

describe('History', () => {
  test.each(SCHEMES)('is searched, inserted, run and forgotten, in %s', async (scheme) => {
    const { page, open, expectClean, expectAccessible } = await browser.open({ scheme });
    await open('/explore');
    for (const query of ['vector(11)', 'count(up)', 'vector(12)']) {
      await editor(page).click();
      await page.keyboard.press('Control+A');
      await page.keyboard.insertText(query);
      await page.keyboard.press('Control+Enter');
      await expect.poll(() => queries(page)).toEqual([query]);
    }
    await page.getByRole('button', { name: 'History' }).click();
    const dialog = page.getByRole('dialog', { name: 'History of this browser' });
    await dialog.getByText('3 queries, kept in this browser only.').waitFor();
    await expectAccessible();
    await dialog.getByRole('textbox', { name: 'Search the history' }).fill('vec 1');
    await dialog.getByText('2 queries match.').waitFor();
    await dialog.getByRole('button', { name: 'Forget vector(12)' }).click();
    await dialog.getByText('1 query matches.').waitFor();
    await page.keyboard.press('Shift+Tab');
    await dialog.getByRole('textbox', { name: 'Search the history' }).press('Enter');
    await expect.poll(() => queries(page)).toEqual(['vector(11)']);
    await dialog.waitFor({ state: 'detached' });

    await page.getByRole('button', { name: 'Add query' }).click();
    await editor(page, 'B').click();
    await page.getByRole('button', { name: 'History' }).click();
    await dialog.getByRole('button', { name: 'Insert count(up)' }).click();
    await expect.poll(() => editor(page, 'B').textContent()).toBe('count(up)');
    await page.getByRole('button', { name: 'History' }).click();
    await dialog.getByRole('button', { name: 'Forget all' }).click();
    await dialog.getByText('Queries that you run are listed here').waitFor();
    await expectClean();
  });
});

describe('Suggestions', () => {
  test('explain functions and metrics, and offer values of labels', async () => {
    const { page, open, expectClean } = await browser.open();
    await open('/explore');
    const option = (name: string) => page.locator('.cm-tooltip-autocomplete li', { hasText: new RegExp(`^${name}`) });
    const help = page.locator('.cm-completionInfo');
    await editor(page).click();
    await page.keyboard.type('histogram_quant', { delay: 15 });
    await option('histogram_quantile').first().waitFor();
    await expect.poll(() => help.textContent()).toMatch(/quantile/i);
    await page.keyboard.press('Control+A');
    await page.keyboard.type('scrape_duration_sec', { delay: 15 });
    await option('scrape_duration_seconds').first().waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+A');
    await page.keyboard.type('up{job="', { delay: 15 });
    await page.locator('.cm-tooltip-autocomplete li').first().waitFor();
    await expectClean();
  });
});
