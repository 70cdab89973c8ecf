import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { answer, BROKEN, EXPECTED_FAILURE, SCHEMES, settle, startBrowser } from './browser';
import { type SeedSeries, seed } from './seed';
import { ownServers } from './server';

const browser = startBrowser();
const servers = ownServers();

const now = Date.now();

/** A metric whose users are counted one by one, and one that is in order. */
function offenders(users: number): SeedSeries[] {
  const samples = [{ time: now, value: 1 }];
  const one = (labels: Record<string, string>): SeedSeries => ({ labels: { job: 'shop', ...labels }, samples });
  return [
    ...Array.from({ length: users }, (_, i) =>
      one({ __name__: 'shop_visits_total', user: `u${i}`, region: `r${i % 3}` }),
    ),
    ...Array.from({ length: 5 }, (_, i) => one({ __name__: 'shop_stock', shelf: `s${i}` })),
  ];
}

describe('Cardinality', () => {
  let url = '';
  beforeAll(async () => {
    const server = await servers.start();
    url = server.url;
    await seed(offenders(60), url);
  });

  test('leads from the largest metric to the label to blame and the rule that drops it', async () => {
    const { page, open, expectClean } = await browser.open({ server: url });
    await open('/');
    await page.keyboard.press('g');
    await page.keyboard.press('c');
    await page.getByRole('heading', { level: 1, name: 'Cardinality' }).waitFor();
    const largest = page.getByRole('region', { name: 'Series by metric', exact: true });
    await largest.getByRole('button', { name: 'shop_visits_total' }).click();
    await page.waitForURL(/of=__name__/);
    const details = page.getByRole('complementary', { name: 'Details of shop_visits_total' });
    await details.getByText('Saves 60 series').waitFor();
    const rule = details.getByText("regex: 'shop_visits_total'");
    expect(await rule.textContent()).toContain('action: drop');
    await details.getByText('scrape configuration of shop').waitFor();
    await details.getByRole('button', { name: 'Copy the rule', exact: true }).click();
    await details.getByRole('button', { name: 'Copied' }).waitFor();
    // The users tell the series apart, the regions follow from them.
    await details.getByRole('button', { name: /^user 60 values/ }).click();
    await details.getByText('only 3 of 60 series differ in other labels').waitFor();
    await details.getByRole('button', { name: /^region 3 values/ }).click();
    await details.getByText('The series differ without it').waitFor();
    await details.getByRole('button', { name: /^r0/ }).click();
    const pair = page.getByRole('complementary', { name: 'Details of region=r0' });
    await pair.getByText('Saves 20 series').waitFor();
    expect(await pair.getByText("regex: 'r0'").textContent()).toContain('source_labels: [region]');
    await page.goBack();
    await details.getByText('Saves 60 series').waitFor();
    await page.keyboard.press('Escape');
    await details.waitFor({ state: 'detached' });
    await expectClean();
  });

  test('the rule does what it says', async () => {
    const name = 'bellwether_tsdb_head_chunks';
    await seed([{ labels: { __name__: name, job: 'shop' }, samples: [{ time: now, value: 1 }] }], url);
    const { page, open, expectClean } = await browser.open({ server: url });
    await open(`/system/cardinality?of=__name__=${name}`);
    const rule = (await page.getByText(`regex: '${name}'`).textContent()) ?? '';
    const scraping = await servers.start();
    await scraping.kill();
    const job = [
      'scrape_configs:',
      '- job_name: self',
      '  scrape_interval: 1s',
      `  static_configs: [{targets: ['${new URL(scraping.url).host}']}]`,
      ...rule.split('\n').map((line) => `  ${line}`),
    ];
    writeFileSync(scraping.config, job.join('\n'));
    await scraping.start();
    const names = async () => {
      const response = await fetch(`${scraping.url}/api/v1/label/__name__/values`);
      return ((await response.json()) as { data: string[] }).data;
    };
    while (!(await names()).includes('bellwether_tsdb_head_series')) await sleep(100);
    expect(await names()).not.toContain(name);
    await expectClean();
  });

  test('what a label costs, and what happens without it', async () => {
    const { page, open, expectClean } = await browser.open({ server: url });
    await open('/system/cardinality?of=user');
    const details = page.getByRole('complementary', { name: 'Details of user' });
    expect(await details.getByText("regex: 'user'").textContent()).toContain('action: labeldrop');
    await details.getByText('only 3 of 60 series differ in other labels').waitFor();
    await details.getByRole('button', { name: /^shop_visits_total/ }).click();
    await page.getByRole('complementary', { name: 'Details of shop_visits_total' }).waitFor();
    await open('/system/cardinality?of=no_such_label');
    await page.getByText('No series in memory has this').waitFor();
    await expectClean();
  });

  test('works by keyboard, and the filter and the length of the lists are in the address', async () => {
    const { page, open, expectClean } = await browser.open({ server: url });
    await open('/system/cardinality?top=50');
    await page.keyboard.press('/');
    await page.keyboard.type('stock');
    await page.waitForURL(/f=stock/);
    await page
      .getByRole('button', { name: /^shop_visits_total/ })
      .first()
      .waitFor({ state: 'detached' });
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    await page.waitForURL((address) => !address.searchParams.has('f'));
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await page.getByRole('complementary', { name: 'Details of shop_visits_total' }).waitFor();
    await open('/system/cardinality?f=surely-not-there');
    await page.getByText('Nothing in these lists passes the filter').waitFor();
    await expectClean();
  });

  test.each(SCHEMES)('is accessible in %s', async (scheme) => {
    const { page, open, expectAccessible, expectClean } = await browser.open({ scheme, server: url });
    await open('/system/cardinality?of=__name__=shop_visits_total&label=user');
    await page.getByText('only 3 of 60').waitFor();
    await expectAccessible();
    await expectClean();
  });

  test('a large store is listed as far as asked', async () => {
    const large = await servers.start();
    const samples = [{ time: now, value: 1 }];
    for (let first = 0; first < 20_000; first += 2000) {
      const some = Array.from({ length: 2000 }, (_, i) => ({
        labels: { __name__: `metric_${(first + i) % 500}`, id: String(first + i) },
        samples,
      }));
      await seed(some, large.url);
    }
    const { page, open, expectClean } = await browser.open({ server: large.url });
    await open('/system/cardinality?top=200');
    const list = page.getByRole('region', { name: 'Series by metric', exact: true });
    expect(await list.getByRole('listitem').count()).toBe(200);
    await page.getByText('of 500 metrics').waitFor();
    await page.getByRole('region', { name: 'Values by label' }).getByText('20,000').waitFor();
    await expectClean();
  });

  test('what limits refused is listed with the limit and leads to the metric', async () => {
    const limited = await servers.start();
    writeFileSync(limited.config, 'limits: {max_series_per_metric: 20}\n');
    expect((await fetch(`${limited.url}/-/reload`, { method: 'POST' })).ok).toBe(true);
    await expect(seed(offenders(60), limited.url)).rejects.toThrow('max_series_per_metric');
    const { page, open, expectClean, expectAccessible } = await browser.open({ server: limited.url });
    await open('/system/cardinality');
    const refused = page.getByRole('region', { name: 'Refused by limits', exact: true });
    const row = refused.getByRole('button', { name: /^shop_visits_total/ });
    expect(await row.textContent()).toContain('40 · max_series_per_metric');
    await row.click();
    await page
      .getByRole('complementary', { name: 'Details of shop_visits_total' })
      .getByText('Saves 20 series')
      .waitFor();
    await expectAccessible();
    await expectClean();
  });

  test('an empty store and a failure say so', async () => {
    const empty = await servers.start();
    const { page, open, expectClean, expectAccessible } = await browser.open({ server: empty.url });
    await open('/system/cardinality');
    await page.getByText('Nothing is stored yet').waitFor();
    await expectAccessible();
    await answer(page, 'status/cardinality', BROKEN, 500);
    await page.reload();
    await settle(page);
    expect(await page.getByRole('alert').textContent()).toContain('the disk is full');
    await expectClean(EXPECTED_FAILURE);
  });
});
