import { beforeAll, describe, expect, test } from 'vitest';
import { answer, BROKEN, EXPECTED_FAILURE, SCHEMES, settle, startBrowser } from './browser';
import { seed, tracedAnswers } from './seed';

const browser = startBrowser();
const NAME = `e2e_answer_${process.pid}_seconds`;
const QUERY = `histogram_quantile(0.9, sum by (le) (rate(${NAME}_bucket[1m])))`;
const path = `/explore?q=${encodeURIComponent(QUERY)}`;

beforeAll(() => seed(tracedAnswers(NAME, Date.now(), 50)));

describe('Exemplars', () => {
  test.each(SCHEMES)('are dots whose labels can be read, in %s', async (scheme) => {
    const { page, open, expectClean, expectAccessible } = await browser.open({ scheme });
    await open(path);
    const toggle = page.getByRole('button', { name: 'Exemplars', exact: true });
    expect(await toggle.getAttribute('aria-pressed')).toBe('false');
    await toggle.click();
    await page.waitForURL(/exemplars=on/);
    const dots = page.getByRole('group', { name: 'Exemplars' }).getByRole('button');
    await dots.first().waitFor();
    expect(await dots.count()).toBeGreaterThan(5);
    const details = page.getByRole('region', { name: 'Exemplar', exact: true });
    await dots.nth(3).hover();
    expect(await details.textContent()).toContain('trace_id');
    await page.mouse.move(0, 0);
    await details.waitFor({ state: 'detached' });
    // One tab stop; arrow keys go on from there.
    await dots.first().focus();
    await page.keyboard.press('ArrowRight');
    expect(await dots.nth(1).evaluate((dot) => dot === document.activeElement)).toBe(true);
    expect(await dots.nth(0).getAttribute('tabindex')).toBe('-1');
    await page.keyboard.press('Enter');
    await details.getByRole('button', { name: 'Copy trace_id' }).waitFor();
    await expectAccessible();
    await details.getByRole('button', { name: 'Close the exemplar' }).click();
    await page.reload();
    await settle(page);
    await dots.first().waitFor();
    await toggle.click();
    await expect.poll(() => dots.count()).toBe(0);
    await expectClean();
  });

  test('that do not exist, or cannot be had, leave the graph alone', async () => {
    const { page, open, expectClean } = await browser.open();
    await open('/explore?q=up&exemplars=on');
    await page.getByText('No exemplars here').waitFor();
    await answer(page, 'query_exemplars', BROKEN, 500);
    await open('/explore?q=count(up)&exemplars=on');
    await page.getByText('Exemplars are missing: the disk is full').waitFor({ timeout: 30_000 });
    await page.getByRole('slider', { name: /^Graph/ }).waitFor();
    await expectClean(EXPECTED_FAILURE);
  });
});
