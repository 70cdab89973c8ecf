import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { ask, SCHEMES, settle, startBrowser } from './browser';

const FOLDER = resolve(process.env.SCREENSHOT_DIR ?? '../docs/images');

const browser = startBrowser();

interface Picture {
  name: string;
  path: string;
  prepare?: (page: Page) => Promise<void>;
}

/** The query that fills the picture of Explore best on this server: the demo fleet's if it is there. */
const CPU = 'sum by (mode) (rate(node_cpu_seconds_total{mode!="idle"}[5m]))';

async function firstTarget(): Promise<string> {
  interface Target {
    scrapePool: string;
    scrapeUrl: string;
    labels: Record<string, string>;
  }
  const { activeTargets } = await ask<{ activeTargets: Target[] }>('targets?state=active');
  // The one with the most labels has the most to show.
  const [target] = activeTargets.sort((a, b) => Object.keys(b.labels).length - Object.keys(a.labels).length);
  return target === undefined ? '' : encodeURIComponent(`${target.scrapePool}|${target.scrapeUrl}`);
}

const PICTURES: readonly Picture[] = [
  { name: 'home', path: '/' },
  {
    name: 'explore',
    path: `/explore?q=${encodeURIComponent(CPU)}&from=now-30m`,
    prepare: async (page) => {
      const box = await page.locator('.u-over').boundingBox();
      if (box !== null) await page.mouse.move(box.x + box.width * 0.62, box.y + box.height * 0.4);
    },
  },
  { name: 'explore-table', path: '/explore?q=node_filesystem_avail_bytes&tab=table' },
  {
    name: 'explore-completion',
    path: '/explore',
    prepare: async (page) => {
      await page.getByRole('textbox', { name: 'Query A' }).click();
      await page.keyboard.type('sum by (mode) (rate(node_cpu', { delay: 20 });
      await page.locator('.cm-completionInfo').waitFor();
    },
  },
  {
    name: 'explore-error',
    path: `/explore?q=${encodeURIComponent('sum by (mode) (rate(node_cpu_seconds_total[5m]) bananas)')}`,
    prepare: async (page) => page.locator('.cm-lintRange-error').waitFor(),
  },
  { name: 'metrics', path: '/metrics/?f=node&sort=series' },
  { name: 'metric', path: '/metrics/node_cpu_seconds_total?label=mode&from=now-30m' },
  { name: 'targets', path: '/system/targets' },
  { name: 'target-details', path: '/system/targets?open=' },
  { name: 'status', path: '/system/status' },
  { name: 'cardinality', path: '/system/status?tab=cardinality' },
  {
    name: 'palette',
    path: '/explore?q=up',
    prepare: async (page) => {
      await page.keyboard.press('Control+K');
      await page.getByRole('dialog').getByRole('textbox', { name: 'Search' }).fill('node cpu');
      await page.getByRole('dialog').getByText('node_cpu_seconds_total').waitFor();
    },
  },
];

describe('Pictures for the documentation', () => {
  mkdirSync(FOLDER, { recursive: true });
  for (const scheme of SCHEMES) {
    test.each(PICTURES)(`$name in ${scheme}`, async ({ name, path, prepare }) => {
      const { page, open } = await browser.open({ scheme, width: 1280, height: 800 });
      await open(path.endsWith('open=') ? `${path}${await firstTarget()}` : path);
      await prepare?.(page);
      await page.evaluate(() => document.fonts.ready);
      const picture = await page.screenshot({ path: `${FOLDER}/${name}-${scheme}.png` });
      expect(picture.length).toBeGreaterThan(10_000);
    });

    test(`home on a telephone in ${scheme}`, async () => {
      const { page, open } = await browser.open({ scheme, width: 360, height: 780 });
      await open('/');
      await settle(page);
      await page.screenshot({ path: `${FOLDER}/home-phone-${scheme}.png` });
    });
  }
});
