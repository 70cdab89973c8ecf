import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { PACK_TABS } from '../src/url/pages';
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
  annotations: {summary: The configuration is an old one}
expressions:
- {name: reload_age, expr: time() - bellwether_config_last_reload_successful, unit: seconds, help: Age of what is in use}
panels:
- {title: Reloads, show: bellwether_config_last_reload_successful}
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
    const own = page.getByRole('row', { name: /Own metrics/ });
    await own.getByText('Errors').waitFor();
    await own.getByRole('button', { name: 'Own metrics' }).click();
    await page.waitForURL(/pack=own/);
    const details = page.getByRole('complementary', { name: 'Details of Own metrics' });
    const targets = details.getByRole('region', { name: 'Targets', exact: true });
    await targets.getByText(/exposes 1 of 2 metrics, checked/).waitFor();
    const findings = details.getByRole('region', { name: 'Findings' });
    const row = (name: RegExp) => findings.getByRole('row', { name });
    await row(/bellwether_config_nothing_seconds gauge nothing/).waitFor();
    await row(/bellwether_config_last_reload_successful label reason no such label/).waitFor();
    expect(await row(/label reason/).getAttribute('title')).toMatch(/own\.yaml:7:9/);
    await findings.getByText('set the label, or take it out of the pack').waitFor();
    await details.getByRole('tab', { name: 'Metrics 2' }).click();
    await page.waitForURL(/tab=metrics/);
    await details.getByRole('button', { name: 'bellwether_config_nothing_seconds' }).click();
    await page.waitForURL(/metric=bellwether_config_nothing_seconds/);
    await details.getByText('no target that was checked').waitFor();
    await details.getByRole('button', { name: 'bellwether_config_last_reload_successful' }).click();
    await details.getByText('asked, signal').waitFor();
    await details.getByRole('link', { name: 'Look at what is stored' }).click();
    await page.getByRole('heading', { level: 1, name: 'bellwether_config_last_reload_successful' }).waitFor();
    await expectClean();
  });

  test('a pack is walked through by keyboard, and the address keeps the place', async () => {
    const { page, open, expectClean } = await browser.open({ server: url });
    await open('/system/packs?f=own+metrics');
    await page.getByRole('row', { name: /Own metrics/ }).waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    const details = page.getByRole('complementary', { name: 'Details of Own metrics' });
    await details.getByRole('tab', { name: 'Check 1' }).focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    await page.waitForURL(/tab=alerts/);
    await details.getByText('The configuration is an old one').waitFor();
    await page.reload();
    await details.getByText('warning, after 5m').waitFor();
    await details.getByRole('link', { name: 'Explore ReloadFailed' }).click();
    await page.waitForURL(/\/explore\?.*bellwether_config_last_reload_successful/);
    await page.goBack();
    await details.getByRole('tab', { name: 'Lint' }).click();
    await details.getByText('alert-tests').waitFor();
    await details.getByRole('tab', { name: 'Dashboards 1' }).click();
    await details.getByText('Reloads').waitFor();
    await details.getByRole('tab', { name: 'Expressions 1' }).click();
    await details.getByText('Age of what is in use').waitFor();
    await page.keyboard.press('Escape');
    await details.waitFor({ state: 'detached' });
    await expectClean();
  });

  test('what is made of a pack can be taken away', async () => {
    const { page, open, expectClean } = await browser.open({ server: url });
    await open('/system/packs?pack=own&tab=files');
    await page.getByText(/^bellwether pack gen .*own\.yaml --out made$/).waitFor();
    const coming = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download own.rules.yml' }).click();
    const file = await coming;
    expect(file.suggestedFilename()).toBe('own.rules.yml');
    expect(readFileSync(await file.path(), 'utf8')).toContain('alert: ReloadFailed');
    await answer(page, 'packs/own/files', BROKEN, 500);
    await open('/system/packs?pack=own&tab=files');
    expect(await page.getByRole('alert').textContent()).toContain('the disk is full');
    await expectClean(EXPECTED_FAILURE);
  });

  test('a metric tells its pack, who emits it, who uses it and what is wrong with it', async () => {
    const { page, open, expectClean, expectAccessible } = await browser.open({ server: url });
    await open('/metrics/bellwether_config_last_reload_successful');
    const about = page.getByRole('region', { name: 'About this metric' });
    await about.getByRole('link', { name: 'Own metrics 1.2.0' }).waitFor();
    await about.getByText('stable').waitFor();
    const emitters = page.getByRole('region', { name: 'Emitted by' });
    await emitters.getByRole('row', { name: /self .* Up 1/ }).waitFor();
    const uses = page.getByRole('region', { name: 'Used by' });
    await uses.getByText('warning, after 5m').waitFor();
    await uses.getByRole('link', { name: 'Reloads', exact: true }).waitFor();
    await page.getByRole('region', { name: 'Questions to ask' }).getByText('Age of what is in use').waitFor();
    await page.getByText('The pack has also reason, which no series has.').waitFor();
    const promise = page.getByRole('region', { name: 'Promised by' });
    await promise.getByText('The pack says label reason, exposed is no such label').waitFor();
    await promise.getByRole('link', { name: /^self / }).waitFor();
    await expectAccessible();
    await uses.getByRole('link', { name: 'ReloadFailed', exact: true }).click();
    await page.waitForURL(/pack=own&tab=alerts/);
    await expectClean();
  });

  test('a metric that is only promised says by whom, and an old name its new one', async () => {
    const { page, open, expectClean } = await browser.open({ server: url });
    await open('/metrics/bellwether_config_nothing_seconds');
    await page.getByText('Nothing of this metric is stored').waitFor();
    await page.getByText('The pack Own metrics promises it.').waitFor();
    await page.getByText('The pack says gauge, exposed is nothing').waitFor();
    await open('/metrics/nothing');
    await page.getByRole('link', { name: 'bellwether_config_nothing_seconds', exact: true }).click();
    await page.getByRole('heading', { level: 1, name: 'bellwether_config_nothing_seconds' }).waitFor();
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
      for (const tab of PACK_TABS) {
        await open(`/system/packs?pack=own&tab=${tab}&metric=bellwether_config_last_reload_successful`);
        await page.getByRole('tab', { selected: true }).waitFor();
        await settle(page);
        await expectAccessible();
      }
      await expectClean();
    });
  }

  test('fits on a telephone', async () => {
    const { page, open } = await browser.open({ server: url, width: 360, height: 780 });
    await open('/system/packs');
    await page.getByRole('row', { name: /Own metrics/ }).waitFor();
    const tooWide = () => page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
    expect(await tooWide()).toBe(false);
    await page.getByRole('button', { name: 'Own metrics' }).click();
    await page.getByRole('row', { name: /label reason/ }).waitFor();
    expect(await tooWide()).toBe(false);
    // The bar at the top must not lie over the details.
    await page.getByRole('button', { name: 'Close the details' }).click();
    await page.getByRole('complementary').waitFor({ state: 'detached' });
    await open('/metrics/bellwether_config_last_reload_successful');
    expect(await tooWide()).toBe(false);
  });
});
