import { describe, expect, test } from 'vitest';
import { answer, BROKEN, EXPECTED_FAILURE, SCHEMES, settle, startBrowser } from './browser';

const browser = startBrowser();
const METRIC = 'dag_node_executions_total';

describe('Metric browser', () => {
  test.each(SCHEMES)('finds a metric, shows its labels and writes it into the query, in %s', async (scheme) => {
    const { page, open, expectClean, expectAccessible } = await browser.open({ scheme });
    await open('/explore?q=vector(1)');
    await page.getByRole('button', { name: 'Metric browser' }).click();
    const panel = page.getByRole('region', { name: 'Metric browser' });
    await panel.getByRole('textbox', { name: 'Search metrics' }).fill('dag node executions');
    await panel.getByRole('button', { name: METRIC }).click();
    await page.waitForURL(new RegExp(`browse=on.*metric=${METRIC}`));
    await panel.getByRole('heading', { name: METRIC }).waitFor();
    const labels = panel.getByRole('list', { name: `Labels of ${METRIC}` });
    await labels.getByRole('button', { name: /^node_type \d+ values/ }).click();
    const values = panel.getByRole('list', { name: 'Values of node_type' }).getByRole('button');
    await values.first().waitFor();
    await expectAccessible();
    const value = (await values.first().getAttribute('title')) ?? '';
    await values.first().click();
    expect(await values.first().getAttribute('aria-pressed')).toBe('true');
    await panel.getByText(`${METRIC}{node_type="${value}"}`).waitFor();
    const editor = page.getByRole('textbox', { name: 'Query A' });
    await editor.click();
    await page.keyboard.press('Control+A');
    await page.keyboard.press('Backspace');
    await panel.getByRole('button', { name: 'Insert' }).click();
    await expect.poll(() => editor.textContent()).toBe(`${METRIC}{node_type="${value}"}`);
    await panel.getByRole('button', { name: 'Add as query' }).click();
    await expect.poll(() => new URL(page.url()).searchParams.getAll('q').length).toBe(2);
    await page.reload();
    await settle(page);
    await panel.getByRole('heading', { name: METRIC }).waitFor();
    expect(await panel.getByRole('textbox', { name: 'Search metrics' }).inputValue()).toBe('dag node executions');
    await panel.getByRole('button', { name: 'Close the metric browser' }).click();
    await panel.waitFor({ state: 'detached' });
    await expectClean();
  });

  test('says when nothing matches and when names cannot be had', async () => {
    const { page, open, expectClean } = await browser.open();
    await open('/explore?browse=on&find=nothing-like-this');
    const panel = page.getByRole('region', { name: 'Metric browser' });
    await panel.getByText('No metric matches').waitFor();
    await panel.getByRole('button', { name: 'Clear the search' }).click();
    await panel.getByRole('region', { name: 'Metrics' }).waitFor();
    await answer(page, 'label/__name__/values', BROKEN, 500);
    await open('/explore?browse=on');
    await panel.getByText('the disk is full').waitFor({ timeout: 30_000 });
    await expectClean(EXPECTED_FAILURE);
  });
});
