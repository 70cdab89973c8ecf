import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { answer, BROKEN, EXPECTED_FAILURE, SCHEMES, settle, startBrowser } from './browser';
import { compact, manyLines, seed } from './seed';
import { type OwnServer, ownServers } from './server';

const browser = startBrowser();
const servers = ownServers();

const HOUR = 3_600_000;

/** A server whose samples are in parts: some of yesterday, some of today. */
async function withParts(): Promise<OwnServer> {
  const server = await servers.start(['--web.enable-admin-api']);
  const now = Date.now();
  for (const [name, hours] of [
    ['yesterday', 26],
    ['today', 1],
  ] as const) {
    await seed(manyLines(name, now - hours * HOUR, 20, 300), server.url);
    await compact(server.url);
  }
  return server;
}

describe('Storage', () => {
  test('shows parts on a time line and in a table, and one in detail', async () => {
    const server = await withParts();
    const { page, open, expectClean } = await browser.open({ server: server.url });
    await open('/');
    await page.keyboard.press('g');
    await page.keyboard.press('b');
    await page.getByRole('heading', { level: 1, name: 'Storage' }).waitFor();
    const { data } = (await (await fetch(`${server.url}/api/v1/status/storage`)).json()) as {
      data: { parts: { id: number; samples: number }[] };
    };
    const ids = data.parts.map(({ id }) => id);
    expect(ids.length).toBeGreaterThan(0);
    const line = page.getByRole('region', { name: 'Parts on a time line' });
    await line.getByRole('button').first().waitFor();
    expect(await line.getByRole('button').count()).toBe(ids.length);
    const table = page.getByRole('region', { name: 'Table of parts' });
    expect(await table.getByRole('row').count()).toBe(ids.length + 1);
    await line.getByRole('button', { name: `Part ${ids[0]},` }).click();
    await page.waitForURL(new RegExp(`part=${ids[0]}`));
    const details = page.getByRole('complementary', { name: `Details of Part ${ids[0]}` });
    await details.getByText('Bytes per sample').waitFor();
    await page.keyboard.press('Escape');
    await details.waitFor({ state: 'detached' });
    await table.getByRole('button', { name: 'Size' }).click();
    await page.waitForURL(/sort=bytes/);
    await page.getByText('a power cut may cost that much').waitFor();
    await open('/system/storage?part=999999');
    await page.getByText('This part is gone').waitFor();
    await expectClean();
  });

  test.each(SCHEMES)('is accessible in %s, alarms included', async (scheme) => {
    const server = await withParts();
    const { page, open, expectAccessible, expectClean } = await browser.open({ scheme, server: server.url });
    await open('/system/storage');
    await page.getByRole('region', { name: 'Table of parts' }).getByRole('button').nth(6).click();
    await expectAccessible();
    const { data } = (await (await fetch(`${server.url}/api/v1/status/storage`)).json()) as { data: object };
    const problem = {
      kind: 'torn tail',
      path: 'data/log/1',
      what: 'byte 64: cut off',
      quarantined: 'data/quarantine/1',
    };
    await answer(page, 'status/storage', {
      ...data,
      refusesWrites: 'the disk is full',
      corruptions: 3,
      upkeep: { rounds: 1, lastRun: Date.now(), lastTookSeconds: 1, lastError: 'part 7: no room' },
      recovery: {
        clean: false,
        samplesOrphaned: 2,
        framesMissing: 1,
        problems: [problem, { ...problem, kind: 'log' }],
      },
    });
    await open('/system/storage');
    await page.getByText('2 damaged places found while reading').waitFor();
    await page.getByText('The last round of upkeep failed').waitFor();
    await page.getByText('The server had not been stopped properly').waitFor();
    await expectAccessible();
    await expectClean();
  });

  test('a damaged part is told with path and place', async () => {
    const server = await withParts();
    await server.kill();
    const [part] = readdirSync(join(server.data, 'parts'));
    const file = join(server.data, 'parts', part ?? '', 'dir.bin');
    const bytes = readFileSync(file);
    bytes[40] = (bytes[40] ?? 0) ^ 1;
    writeFileSync(file, bytes);
    await server.start();
    const { page, open, expectClean } = await browser.open({ server: server.url });
    await open('/system/storage');
    const alarm = page.getByRole('alert', { name: 'Data was damaged when the server was started' });
    await alarm.waitFor();
    const text = await alarm.textContent();
    expect(text).toContain('dir.bin');
    expect(text).toContain(part);
    expect(text).toContain('quarantine');
    await expectClean();
  });

  test.each(SCHEMES)('damage is told on every page in %s, also after the next start', async (scheme) => {
    const server = await withParts();
    const { page, open, expectAccessible, expectClean } = await browser.open({ scheme, server: server.url });
    const banner = page.getByRole('alert').filter({ hasText: 'Stored data is damaged, and answers may miss samples.' });
    await open('/');
    await settle(page);
    expect(await banner.count()).toBe(0);
    await server.kill();
    const [part] = readdirSync(join(server.data, 'parts'));
    const file = join(server.data, 'parts', part ?? '', 'dir.bin');
    const bytes = readFileSync(file);
    bytes[40] = (bytes[40] ?? 0) ^ 1;
    writeFileSync(file, bytes);
    await server.start();
    for (const path of ['/', '/explore', '/system/targets', '/system/cardinality', '/system/status']) {
      await open(path);
      await banner.waitFor();
    }
    await expectAccessible();
    await banner.getByRole('link', { name: 'What happened' }).click();
    await page.getByRole('alert', { name: 'Data was damaged when the server was started' }).waitFor();
    await server.kill();
    await server.start();
    await open('/system/storage');
    await banner.waitFor();
    await page.getByRole('alert', { name: 'Data was damaged at an earlier start' }).waitFor();
    rmSync(join(server.data, 'quarantine'), { recursive: true });
    await open('/explore');
    await settle(page);
    expect(await banner.count()).toBe(0);
    await expectClean();
  });

  test('safe mode after several crashes is told', async () => {
    const server = await servers.start();
    for (let crash = 0; crash < 2; crash++) {
      await server.kill();
      await server.start();
    }
    const { page, open, expectAccessible, expectClean } = await browser.open({ server: server.url });
    await open('/explore');
    const banner = page.getByRole('alert').filter({ hasText: 'Safe mode after several crashes' });
    await banner.getByRole('link', { name: 'What happened' }).click();
    await page.getByText('The last 2 starts ended within a minute.').waitFor();
    await expectAccessible();
    await expectClean();
  });

  test('many parts are listed as far as they are in view', async () => {
    const server = await servers.start();
    const { data } = (await (await fetch(`${server.url}/api/v1/status/storage`)).json()) as { data: object };
    const parts = Array.from({ length: 1000 }, (_, i) => ({
      id: i + 1,
      level: i % 3,
      minTime: i * 2 * HOUR,
      maxTime: (i + 1) * 2 * HOUR - 1,
      bytes: 1_000_000 + i,
      samples: 1_000_000,
      series: 5000,
      chunks: 9000,
      bytesPerSample: 1 + i / 1e6,
      memoryBytes: 4096,
      deletedIntervals: 0,
      sources: [],
    }));
    const { page, open, expectClean } = await browser.open({ server: server.url });
    await answer(page, 'status/storage', { ...data, parts });
    await open('/system/storage');
    const table = page.getByRole('region', { name: 'Table of parts' });
    // The newest first.
    await table.getByRole('button', { name: '1000', exact: true }).waitFor();
    expect(await table.getByRole('row').count()).toBeLessThan(100);
    expect(await page.getByRole('region', { name: 'Parts on a time line' }).getByRole('button').count()).toBe(1000);
    await table.evaluate((element) => element.scrollTo(0, element.scrollHeight));
    await table.getByRole('button', { name: '1', exact: true }).waitFor();
    await expectClean();
  });

  test('a full disk is told, and that samples are refused', async () => {
    const server = await servers.start(['--storage.min-free=100TB']);
    const { page, open, expectClean } = await browser.open({ server: server.url });
    await open('/system/storage');
    const alarm = page.getByRole('alert', { name: 'New samples are refused' });
    await alarm.getByText('100 TiB must stay free').waitFor();
    await expect(seed(manyLines('refused', Date.now(), 1, 1), server.url)).rejects.toThrow(/503/);
    await expectClean();
  });

  test('an empty store and a failure say so', async () => {
    const empty = await servers.start();
    const { page, open, expectClean, expectAccessible } = await browser.open({ server: empty.url });
    await open('/system/storage');
    await page.getByText('Nothing is stored yet').waitFor();
    await expectAccessible();
    await answer(page, 'status/storage', BROKEN, 500);
    await page.reload();
    await settle(page);
    expect(await page.getByRole('alert').textContent()).toContain('the disk is full');
    await expectClean(EXPECTED_FAILURE);
  });
});
