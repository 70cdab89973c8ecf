import { describe, expect, test } from 'vitest';
import { answer, EXPECTED_FAILURE, SCHEMES, settle, startBrowser } from './browser';
import { EXPLAINED, lendWords } from './words';

const browser = startBrowser();
const at = (query: string, tab: string, more = '') => `/explore?q=${encodeURIComponent(query)}&tab=${tab}${more}`;

describe('Tree', () => {
  test.each(SCHEMES)('counts what each part gives, in %s', async (scheme) => {
    const { page, open, expectClean, expectAccessible } = await browser.open({ scheme });
    await open(at('sum by (job) (rate(scrape_duration_seconds{job!="none"}[5m])) > 1e9', 'tree'));
    const parts = page.getByRole('list', { name: 'Parts of the query' });
    await parts.getByText('no series').waitFor();
    const row = (text: string) => parts.locator('li > div', { hasText: text }).last();
    await expect
      .poll(() => row('scrape_duration_seconds{job!="none"}[5m]').textContent())
      .toMatch(/samples.*\d+ series/);
    expect(await parts.getByRole('listitem').count()).toBe(5);
    await expectAccessible();
    await parts.getByRole('button', { name: 'Parts of sum by (job)' }).click();
    expect(await parts.getByRole('listitem').count()).toBe(3);
    await parts.getByRole('button', { name: /^Add sum by \(job\) .* as a query$/ }).click();
    await expect.poll(() => new URL(page.url()).searchParams.getAll('q').length).toBe(2);
    await expectClean();
  });

  test('counting can be stopped and taken up again', async () => {
    const { page, open, expectClean } = await browser.open();
    await page.route(
      (url) => url.pathname.endsWith('/api/v1/query'),
      () => undefined,
    );
    await page.goto(`${(await import('./browser')).SERVER}${at('count(up)', 'tree')}`);
    const gone = page.waitForEvent('requestfailed');
    await page.getByRole('button', { name: 'Stop counting' }).click();
    await gone;
    await page.getByText('not counted').first().waitFor();
    await page.unrouteAll();
    await page.getByRole('button', { name: 'Count up' }).click();
    await page.getByText(/^\d+ series$/).waitFor();
    await open(at('count(up)', 'tree'));
    await expectClean();
  });

  test('of what cannot be read shows where, and counting that fails says why', async () => {
    const { page, open, expectClean } = await browser.open();
    await open(at('sum(', 'tree'));
    expect(await page.getByRole('alert').textContent()).toContain('parse error');
    await page.route(
      (url) => url.pathname.endsWith('/api/v1/query'),
      (route) =>
        route.fulfill({ status: 422, json: { status: 'error', errorType: 'execution', error: 'too many samples' } }),
    );
    await open(at('up', 'tree'));
    await page.getByText('too many samples').waitFor();
    await expectClean(EXPECTED_FAILURE);
  });
});

describe('Explain', () => {
  test.each(SCHEMES)('says in words what a query does, in %s', async (scheme) => {
    const { page, open, expectClean, expectAccessible } = await browser.open({ scheme });
    await lendWords(page);
    await open(at(EXPLAINED, 'explain'));
    const words = page.getByRole('list', { name: 'The query in words' });
    await words.getByText('Divides the left by the right side').waitFor();
    await words.getByRole('button', { name: /The samples of the last 5 minutes/ }).focus();
    expect(await page.locator('main mark').textContent()).toBe('http_requests_total{code="500"}[5m]');
    await expectAccessible();
    await expectClean();
  });

  test('a server without explanations is not blamed for more than that', async () => {
    const { page, open, expectClean, expectAccessible } = await browser.open();
    await page.route(
      (url) => url.pathname.endsWith('/api/v1/explain'),
      (route) => route.fulfill({ status: 404, body: 'no such endpoint: /api/v1/explain\n' }),
    );
    await open(at('up', 'explain'));
    await page.getByText('This server does not explain queries').waitFor();
    await expectAccessible();
    await page.getByRole('button', { name: 'Show the tree instead' }).click();
    await page.waitForURL(/tab=tree/);
    await settle(page);
    await expectClean(EXPECTED_FAILURE);
  });

  test('sentences are text, whatever is in them', async () => {
    const { page, open, expectClean } = await browser.open();
    await answer(page, 'explain', {
      span: [0, 99],
      kind: 'vectorSelector',
      role: 'query',
      sentence: '<img src=x onerror=alert(1)>',
      children: [],
    });
    await open(at('up', 'explain'));
    await page.getByText('<img src=x onerror=alert(1)>').waitFor();
    expect(await page.locator('main img').count()).toBe(0);
    await expectClean();
  });
});
