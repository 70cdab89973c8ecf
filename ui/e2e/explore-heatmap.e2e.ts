import { beforeAll, describe, expect, test } from 'vitest';
import { SCHEMES, settle, startBrowser } from './browser';
import { seed, waitingTimes } from './seed';

const browser = startBrowser();
const NATIVE = `e2e_waiting_${process.pid}_seconds`;
const CLASSIC = 'dag_node_execution_duration_seconds_bucket';
const at = (query: string, more = '') => `/explore?q=${encodeURIComponent(query)}&tab=heatmap${more}`;

beforeAll(() => seed([waitingTimes(NATIVE, Date.now(), 50)]));

describe('Heatmap', () => {
  test.each(SCHEMES)('of a classic histogram, read by keyboard, in %s', async (scheme) => {
    const { page, open, expectClean, expectAccessible } = await browser.open({ scheme });
    await open(at(`sum by (le) (rate(${CLASSIC}[5m]))`));
    const map = page.getByRole('slider', { name: 'Heatmap: cell' });
    await map.focus();
    await page.keyboard.press('Home');
    expect(await map.getAttribute('aria-valuenow')).toBe('0');
    const lowest = await map.getAttribute('aria-valuetext');
    expect(lowest).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d, 0 s? ?to /);
    await page.keyboard.press('ArrowUp');
    expect(await map.getAttribute('aria-valuetext')).not.toBe(lowest);
    await page.keyboard.press('End');
    expect(Number(await map.getAttribute('aria-valuenow'))).toBeGreaterThan(100);
    await expectAccessible();
    await expectClean();
  });

  test('of bare buckets shows their growth, and says so', async () => {
    const { page, open, expectClean } = await browser.open();
    await open(at(CLASSIC));
    await page.getByText(`sum by (le) (rate(${CLASSIC}[1m]))`).waitFor();
    const map = page.getByRole('slider', { name: 'Heatmap: cell' });
    expect(await map.getAttribute('aria-valuetext')).toContain('observations per second');
    await expectClean();
  });

  test('of a native histogram, raw and calculated', async () => {
    const { page, open, expectClean, expectAccessible } = await browser.open();
    await open(at(NATIVE));
    await page.getByText(`sum(rate(${NATIVE}[1m]))`).waitFor();
    const figure = page.getByRole('figure', { name: 'Heatmap' });
    expect(await figure.locator('figcaption').textContent()).toMatch(/^2\d buckets of .* Most: /);
    await expectAccessible();
    await open(at(`sum(rate(${NATIVE}[5m]))`));
    expect(await figure.locator('figcaption').textContent()).toMatch(/Most: /);
    const box = await page.locator('.u-over').boundingBox();
    if (box === null) throw new Error('no heatmap');
    await page.mouse.move(box.x + box.width * 0.6, box.y + box.height * 0.5);
    await page.getByText('in the bucket').first().waitFor();
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.8, box.y + box.height * 0.5, { steps: 4 });
    await page.mouse.up();
    await page.waitForURL(/from=\d{13}&to=\d{13}/);
    await settle(page);
    await expectClean();
  });

  test('of something else says what it takes', async () => {
    const { page, open, expectClean, expectAccessible } = await browser.open();
    await open(at('up'));
    await page.getByText('These are no histograms').waitFor();
    await expectAccessible();
    await page.getByRole('button', { name: 'Show the graph' }).click();
    await page.getByRole('slider', { name: /^Graph/ }).waitFor();
    await expectClean();
  });

  test('of one of several queries is chosen in the address', async () => {
    const { page, open, expectClean } = await browser.open();
    await open(`/explore?q=up&q=${CLASSIC}&tab=heatmap&of=1`);
    const choice = page.getByRole('combobox', { name: 'Which query' });
    expect(await choice.inputValue()).toBe('B');
    await page.getByRole('slider', { name: 'Heatmap: cell' }).waitFor();
    await choice.selectOption('A');
    await page.getByText('These are no histograms').waitFor();
    expect(page.url()).not.toContain('of=');
    await expectClean();
  });
});
