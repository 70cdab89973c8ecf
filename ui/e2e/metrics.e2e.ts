import { describe, expect, test } from 'vitest';
import { answer, ask, BROKEN, EXPECTED_FAILURE, SCHEMES, settle, startBrowser } from './browser';

const browser = startBrowser();

describe('Metrics', () => {
  test('lists every metric with type, help and series', async () => {
    const { page, open, expectClean } = await browser.open();
    await open('/metrics/?f=node_cpu_seconds_total');
    const names = await ask<string[]>('label/__name__/values');
    await page.getByText(` of ${names.length.toLocaleString('en-GB')} metrics`).waitFor();
    const row = page.getByRole('row', { name: /node_cpu_seconds_total/ }).first();
    expect(await row.textContent()).toMatch(/counter.*CPU.*\d/);
    await expectClean();
  });

  test.each(SCHEMES)('is accessible in %s', async (scheme) => {
    const { open, expectAccessible } = await browser.open({ scheme });
    await open('/metrics/');
    await expectAccessible();
  });

  test('filter, rows and details work by keyboard', async () => {
    const { page, open, expectClean } = await browser.open();
    await open('/metrics/');
    await page.keyboard.press('/');
    await page.keyboard.type('node_cpu_sec');
    await page.waitForURL(/f=node_cpu_sec/);
    await page.keyboard.press('Tab');
    await page.getByRole('region', { name: 'Metrics' }).focus();
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/metrics\/node_cpu_seconds_total/);
    await page.goBack();
    await page.waitForURL(/f=node_cpu_sec/);
    await expectClean();
  });

  test('an empty server, a filter that hides all, and a failure each say so', async () => {
    const { page, open, expectClean, expectAccessible } = await browser.open();
    await open('/metrics/?f=surely-not-a-metric');
    await page.getByText('No metric passes the filter').waitFor();
    await page.getByRole('button', { name: 'Clear the filter' }).click();
    await page.getByRole('region', { name: 'Metrics' }).waitFor();
    await answer(page, 'label/__name__/values', []);
    await open('/metrics/');
    await page.getByText('Nothing is stored yet').waitFor();
    await expectAccessible();
    await page.unrouteAll();
    await answer(page, 'label/__name__/values', BROKEN, 500);
    await open('/metrics/');
    expect(await page.getByRole('alert').textContent()).toContain('the disk is full');
    await expectClean(EXPECTED_FAILURE);
  });

  test('fifty thousand metrics stay a short page', async () => {
    const { page, open, expectClean } = await browser.open();
    const names = Array.from({ length: 50_000 }, (_, i) => `metric_${i}_total`);
    await answer(page, 'label/__name__/values', names);
    await open('/metrics/');
    await page.getByText('50,000 metrics').waitFor();
    expect(await page.getByRole('row').count()).toBeLessThan(100);
    await page.getByRole('textbox').fill('49999');
    await page.getByText('1 of 50,000 metrics').waitFor();
    await expectClean();
  });
});

describe('One metric', () => {
  test('tells type, help, series and labels, and leads to Explore', async () => {
    const { page, open, expectClean } = await browser.open();
    await open('/metrics/node_cpu_seconds_total');
    await page.getByRole('button', { name: /^mode/ }).click();
    await page.waitForURL(/label=mode/);
    await page.getByRole('link', { name: 'idle', exact: true }).waitFor();
    expect(await page.getByText('counter', { exact: true }).count()).toBeGreaterThan(0);
    await page.getByRole('button', { name: 'Explore' }).click();
    await page.waitForURL(/\/explore\?.*node_cpu_seconds_total/);
    await settle(page);
    await expectClean();
  });

  test.each(SCHEMES)('is accessible in %s', async (scheme) => {
    const { open, expectAccessible } = await browser.open({ scheme });
    await open('/metrics/node_cpu_seconds_total?label=mode');
    await expectAccessible();
  });

  test('an unknown name is met with the nearest ones', async () => {
    const { page, open, expectClean, expectAccessible } = await browser.open();
    await open('/metrics/node_cpu_second_total');
    await page.getByText('There is no metric of this name').waitFor();
    await expectAccessible();
    await page.getByRole('button', { name: 'node_cpu_seconds_total' }).click();
    await page.waitForURL(/node_cpu_seconds_total/);
    await expectClean();
  });

  test('a failure is shown where it happened', async () => {
    const { page, open, expectClean } = await browser.open();
    await answer(page, 'labels', BROKEN, 500);
    await open('/metrics/up');
    expect(await page.getByRole('alert').first().textContent()).toContain('the disk is full');
    await expectClean(EXPECTED_FAILURE);
  });
});
