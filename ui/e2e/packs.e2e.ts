import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { answer, BROKEN, EXPECTED_FAILURE, SCHEMES, settle, startBrowser } from './browser';
import { ownServers } from './server';

const browser = startBrowser();
const servers = ownServers();

/** A metric that the server has, with a label that it does not set, and one that it does not have. */
const PACK = `pack: own
version: 1.2.0
title: Own metrics
description: What the server says of itself.
namespace: bellwether_config_
metrics:
- name: bellwether_config_last_reload_successful
  type: gauge
  help: Whether the last reload went well
  labels: {reason: [asked, signal]}
- {name: bellwether_config_nothing_seconds, type: gauge, unit: seconds, help: What there is not, aliases: [{name: nothing}]}
alerts:
- name: ReloadFailed
  when: bellwether_config_last_reload_successful == 0
  for: 5m
  severity: warning
`;

describe('Packs', () => {
  let url = '';
  beforeAll(async () => {
    const server = await servers.start();
    await server.kill();
    writeFileSync(join(dirname(server.config), 'own.yaml'), PACK);
    const target = new URL(server.url).host;
    const job = `- {job_name: self, scrape_interval: 1s, static_configs: [{targets: ['${target}']}]}`;
    writeFileSync(server.config, `packs: [own.yaml]\nscrape_configs:\n${job}\n`);
    await server.start();
    url = server.url;
    for (;;) {
      const response = await fetch(`${url}/api/v1/packs`);
      const { data } = (await response.json()) as { data: { targets: unknown[] } };
      if (data.targets.length > 0) break;
      await sleep(100);
    }
  });

  test('leads from the catalogue to what a target lacks and to a metric', async () => {
    const { page, open, expectClean } = await browser.open({ server: url });
    await open('/');
    await page.keyboard.press('g');
    await page.keyboard.press('p');
    await page.getByRole('heading', { level: 1, name: 'Packs' }).waitFor();
    const row = page.getByRole('row', { name: /Own metrics/ });
    await row.getByText('Errors').waitFor();
    await row.getByRole('button', { name: 'Own metrics' }).click();
    await page.waitForURL(/pack=own/);
    const details = page.getByRole('complementary', { name: 'Details of Own metrics' });
    const targets = details.getByRole('region', { name: 'Targets', exact: true });
    await targets.getByText('bellwether_config_nothing_seconds is not exposed').waitFor();
    await targets.getByText('no series of bellwether_config_last_reload_successful has the label reason').waitFor();
    await targets.getByText(/own\.yaml:7:9 \[label\]/).waitFor();
    await details
      .getByRole('region', { name: 'Lint' })
      .getByText(/\[alert-tests\]/)
      .waitFor();
    await details.getByRole('region', { name: 'Alerts' }).getByText('ReloadFailed').waitFor();
    await details.getByRole('button', { name: 'bellwether_config_nothing_seconds' }).click();
    await page.waitForURL(/metric=bellwether_config_nothing_seconds/);
    await details.getByText('no target that was checked').waitFor();
    await details.getByRole('button', { name: 'bellwether_config_last_reload_successful' }).click();
    await details.getByText('asked, signal').waitFor();
    await details.getByRole('link', { name: 'Look at what is stored' }).click();
    await page.getByRole('heading', { level: 1, name: 'bellwether_config_last_reload_successful' }).waitFor();
    const promise = page.getByRole('region', { name: 'Promised by' });
    await promise.getByRole('link', { name: 'Own metrics 1.2.0' }).waitFor();
    await promise.getByRole('link', { name: /^self / }).waitFor();
    await expectClean();
  });

  test('the verdict stands beside the target', async () => {
    const { page, open, expectClean } = await browser.open({ server: url });
    await open('/system/targets');
    const row = page.getByRole('row', { name: /^Up / });
    await row.getByText(/\d errors?/).waitFor();
    await row.getByRole('button').click();
    const details = page.getByRole('complementary');
    await details.getByRole('link', { name: 'own', exact: true }).click();
    await page.getByRole('complementary', { name: 'Details of Own metrics' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('complementary').waitFor({ state: 'detached' });
    await expectClean();
  });

  test('says if the filter hides all, and if the server does not answer', async () => {
    const { page, open, expectClean } = await browser.open({ server: url });
    await open('/system/packs?f=surely-not-there');
    await page.getByText('No pack passes the filter').waitFor();
    await page.getByRole('button', { name: 'Clear the filter' }).click();
    await page.getByRole('row', { name: /Own metrics/ }).waitFor();
    await answer(page, 'packs', BROKEN, 500);
    await open('/system/packs');
    await page.getByRole('alert').waitFor();
    await expectClean(EXPECTED_FAILURE);
  });

  for (const scheme of SCHEMES) {
    test(`is accessible in ${scheme}`, async () => {
      const { page, open, expectClean, expectAccessible } = await browser.open({ server: url, scheme });
      await open('/system/packs?pack=own&metric=bellwether_config_last_reload_successful');
      await page.getByText('asked, signal').waitFor();
      await settle(page);
      await expectAccessible();
      const folder = process.env.SCREENSHOT_DIR;
      if (folder !== undefined) await page.screenshot({ path: `${folder}/packs-own-${scheme}.png` });
      await expectClean();
    });
  }

  test('fits on a telephone', async () => {
    const { page, open } = await browser.open({ server: url, width: 360, height: 780 });
    await open('/system/packs');
    await page.getByRole('row', { name: /Own metrics/ }).waitFor();
    const tooWide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
    expect(tooWide).toBe(false);
  });
});
