import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { ask, SCHEMES, SERVER, settle, startBrowser } from './browser';
import { compact, manyLines, pastOrders, seed, tracedAnswers, waitingTimes } from './seed';
import { EXPLAINED, lendWords } from './words';

const FOLDER = resolve(process.env.SCREENSHOT_DIR ?? '../docs/images');

/** Pictures belong to the repository, so none may be large. */
const MOST_BYTES = 300_000;

const DAY = 86_400_000;

const browser = startBrowser();

interface Picture {
  name: string;
  path: string | (() => Promise<string>);
  height?: number;
  /** Done before the page is opened. */
  before?: (page: Page) => Promise<void>;
  prepare?: (page: Page) => Promise<void>;
}

const explore = (query: string, more = '') => `/explore?q=${encodeURIComponent(query)}${more}`;

/** Puts the pointer on the chart, so that the picture shows values. */
async function hover(page: Page): Promise<void> {
  const box = await page.locator('.u-over').boundingBox();
  // Near the top, where no line is near enough to be picked out and the others dimmed.
  if (box !== null) await page.mouse.move(box.x + box.width * 0.55, box.y + 4);
}

/** The range in which a job that was added for this run has samples: whole minutes, one at least. */
async function lifeOf(job: string): Promise<string> {
  const query = `time() - min(min_over_time(timestamp(up{job="${job}"})[30m:2s]))`;
  const { result } = await ask<{ result: { value: [number, string] }[] }>(`query?query=${encodeURIComponent(query)}`);
  const minutes = Math.max(1, Math.floor(Number(result[0]?.value[1] ?? 0) / 60));
  return `&from=now-${minutes}m`;
}

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

const SLOW_NODES =
  'histogram_quantile(0.95, sum by (le, node_type) (rate(dag_node_execution_duration_seconds_bucket[5m])))';

const PICTURES: readonly Picture[] = [
  { name: 'home', path: '/' },
  // The three kinds of sources: the demo fleet, the node exporter and the FastAPI application.
  { name: 'explore-graph', path: explore(SLOW_NODES, '&from=now-3h'), prepare: hover },
  {
    name: 'explore-node-exporter',
    path: async () => explore('sum by (mode) (rate(node_cpu_seconds_total{mode!="idle"}[30s]))', await lifeOf('node')),
    prepare: hover,
  },
  {
    name: 'explore-fastapi',
    path: async () => explore('sum by (route, status) (rate(shop_requests_total[30s]))', await lifeOf('shop')),
    prepare: hover,
  },
  { name: 'explore-table', path: explore('sort_desc(devskyy_agent_tasks_total)', '&tab=table') },
  {
    name: 'explore-completion',
    path: '/explore',
    prepare: async (page) => {
      await page.getByRole('textbox', { name: 'Query A' }).click();
      await page.keyboard.type('sum by (agent) (rate(devskyy_agent', { delay: 20 });
      await page.locator('.cm-completionInfo').waitFor();
    },
  },
  {
    name: 'explore-error',
    path: explore('sum by (agent) (rate(devskyy_agent_tasks_total[5m]) bananas)'),
    prepare: async (page) => page.locator('.cm-lintRange-error').waitFor(),
  },
  {
    name: 'explore-heatmap',
    path: explore('checkout_wait_seconds', '&tab=heatmap&from=now-50m'),
    prepare: async (page) => {
      const box = await page.locator('.u-over').boundingBox();
      if (box !== null) await page.mouse.move(box.x + box.width * 0.35, box.y + box.height * 0.72);
    },
  },
  {
    name: 'explore-tree',
    path: explore(
      'sum by (agent) (rate(devskyy_agent_tasks_total{status="error"}[5m])) / sum by (agent) (rate(devskyy_agent_tasks_total[5m])) > 0.05',
      '&tab=tree',
    ),
    prepare: async (page) => page.getByLabel('Counting').first().waitFor({ state: 'detached' }),
  },
  {
    name: 'explore-explain',
    path: explore(EXPLAINED, '&tab=explain'),
    before: lendWords,
    prepare: async (page) => page.getByRole('button', { name: /resets are accounted for/ }).hover(),
  },
  {
    name: 'explore-exemplars',
    path: explore(
      'histogram_quantile(0.9, sum by (le) (rate(checkout_duration_seconds_bucket[1m])))',
      '&exemplars=on&from=now-45m',
    ),
    prepare: async (page) => {
      const dots = page.getByRole('group', { name: 'Exemplars' }).getByRole('button');
      await dots.first().waitFor();
      await dots.nth(Math.floor((await dots.count()) * 0.6)).click();
    },
  },
  { name: 'explore-big', path: explore('checkout_queue_depth', '&from=now-50m'), height: 900 },
  {
    name: 'explore-browser',
    path: explore(
      'sum by (node_type) (rate(dag_node_executions_total[5m]))',
      '&browse=on&find=dag+node&metric=dag_node_executions_total',
    ),
    height: 900,
    prepare: async (page) => {
      await page.getByRole('button', { name: /^node_type / }).click();
      const values = page.getByRole('list', { name: 'Values of node_type' }).getByRole('button');
      await values.first().click();
      await page.mouse.move(0, 0);
    },
  },
  { name: 'metrics', path: '/metrics/?sort=series' },
  { name: 'metric', path: '/metrics/dag_node_executions_total?label=status&from=now-3h', height: 1280 },
  { name: 'targets', path: '/system/targets', height: 1130 },
  { name: 'target-details', path: async () => `/system/targets?open=${await firstTarget()}` },
  { name: 'status', path: '/system/status' },
  {
    name: 'storage',
    path: '/system/storage',
    height: 1130,
    // A rate needs a second look at the count.
    prepare: async (page) =>
      page.getByRole('region', { name: 'The store in figures' }).getByText('–').waitFor({ state: 'detached' }),
  },
  {
    name: 'cardinality',
    path: '/system/cardinality?of=__name__=dag_node_execution_duration_seconds_bucket&label=node_type',
    height: 900,
  },
  {
    name: 'packs',
    // The exporter and the application lack some of it, so there is something to see.
    path: '/system/packs?pack=process',
    height: 900,
    prepare: async (page) =>
      page.getByRole('region', { name: 'Targets', exact: true }).getByRole('link').first().waitFor(),
  },
  {
    name: 'packs-metrics',
    path: '/system/packs?pack=dag&tab=metrics&metric=dag_node_executions_total',
    height: 900,
    prepare: async (page) => page.getByRole('link', { name: 'Look at what is stored' }).waitFor(),
  },
  {
    name: 'alerts',
    path: '/alerts?from=now-3h',
    prepare: async (page) => {
      await page
        .getByRole('row', { name: /Firing missing does not answer/ })
        .getByRole('button')
        .first()
        .click();
      await page.getByRole('complementary').getByRole('link', { name: 'TargetDown', exact: true }).waitFor();
      await page.mouse.move(0, 0);
    },
  },
  {
    name: 'alerts-matrix',
    path: '/alerts?view=matrix',
    prepare: async (page) => page.getByRole('region', { name: 'Matrix of alerts' }).waitFor(),
  },
  {
    name: 'rule',
    // Past data of the demo, in which phases failed now and then.
    path: '/rules/PhaseRunsFail?from=now-3h',
    height: 1130,
    prepare: async (page) =>
      page
        .getByRole('region', { name: 'Back-test' })
        .getByText(/^It would /)
        .waitFor(),
  },
  {
    name: 'routing',
    path: `/routing?labels=${encodeURIComponent('{alertname="TargetDown", platform="dag", severity="critical"}')}`,
    height: 1000,
    prepare: async (page) => page.getByRole('list', { name: 'Routes' }).getByRole('link').first().waitFor(),
  },
  {
    name: 'silences',
    path: '/silences',
    prepare: async (page) => {
      await page
        .getByRole('row', { name: /nightly backup/ })
        .getByRole('button')
        .click();
      await page.getByRole('complementary').getByText('Only at').waitFor();
      await page.mouse.move(0, 0);
    },
  },
  {
    name: 'notifications',
    path: '/notifications?from=now-3h&status=sent',
    prepare: async (page) => {
      await page.getByRole('region', { name: 'Notifications' }).getByRole('button').first().click();
      await page.getByRole('complementary').getByRole('heading', { name: 'What was sent' }).waitFor();
      await page.mouse.move(0, 0);
    },
  },
  {
    name: 'receivers',
    path: '/receivers',
    prepare: async (page) => page.getByText('Works').first().waitFor(),
  },
  { name: 'slos', path: '/slos' },
  {
    name: 'slo',
    path: '/slos/dag-dag_workflows?from=now-3h',
    prepare: async (page) =>
      page.getByRole('region', { name: 'Burn rate', exact: true }).getByText('over 1h', { exact: true }).waitFor(),
  },
  {
    name: 'palette',
    path: explore('up'),
    prepare: async (page) => {
      await page.keyboard.press('Control+K');
      await page.getByRole('dialog').getByRole('textbox', { name: 'Search' }).fill('agent');
      await page.getByRole('dialog').getByText('Job genesis-agents').waitFor();
    },
  },
];

/** Silences of several kinds, of which one keeps alerts of the demo quiet. */
async function silence(): Promise<void> {
  const HOUR = 3_600_000;
  const made = [
    {
      matchers: { platform: 'devskyy', severity: 'warning' },
      comment: 'Moving the shop to the new cluster, OPS-1182',
      createdBy: 'ada',
      hours: [0, 2],
    },
    {
      matchers: { alertname: 'BackupIsLate' },
      comment: 'The nightly backup makes the disks slow',
      createdBy: 'grace',
      hours: [0, 30 * 24],
      recurs: "[{weekdays: ['monday:friday'], times: [{start_time: '01:00', end_time: '03:30'}]}]",
      mute: 'firing',
    },
    {
      matchers: { alertname: 'TargetDown', job: 'batch' },
      comment: 'Maintenance of the provider',
      createdBy: 'linus',
      hours: [20, 24],
    },
  ];
  for (const { matchers, hours, ...rest } of made) {
    const [startsAt, endsAt] = hours.map((after) => new Date(Date.now() + after * HOUR).toISOString());
    const list = Object.entries(matchers).map(([name, value]) => ({ name, value, isRegex: false }));
    const response = await fetch(`${SERVER}/api/v2/silences`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...rest, matchers: list, startsAt, endsAt }),
    });
    expect(response.status).toBe(200);
  }
}

describe('Pictures for the documentation', () => {
  mkdirSync(FOLDER, { recursive: true });
  beforeAll(async () => {
    const now = Date.now();
    await silence();
    await seed([
      waitingTimes('checkout_wait_seconds', now, 50),
      ...tracedAnswers('checkout_duration_seconds', now, 50),
    ]);
    // Days that are over are on disk, each in a part of its own.
    for (const day of [3, 2, 1]) {
      await seed(pastOrders('checkout_orders_total', now - (now % DAY) - (day - 1) * DAY, 1));
      await compact(SERVER);
    }
    const queues = manyLines('checkout_queue_depth', now, 1000, 650);
    for (let at = 0; at < queues.length; at += 100) await seed(queues.slice(at, at + 100));
  });
  for (const scheme of SCHEMES) {
    test.each(PICTURES)(`$name in ${scheme}`, async ({ name, path, height = 800, before, prepare }) => {
      const { page, open, expectClean } = await browser.open({ scheme, width: 1280, height });
      await before?.(page);
      await open(typeof path === 'string' ? path : await path());
      // The pictures show made-up numbers, and have to say so.
      await page.getByText('Demo data', { exact: true }).waitFor();
      await prepare?.(page);
      await page.evaluate(() => document.fonts.ready);
      const picture = await page.screenshot({ path: `${FOLDER}/${name}-${scheme}.png` });
      expect(picture.length).toBeGreaterThan(10_000);
      expect(picture.length).toBeLessThan(MOST_BYTES);
      if (name !== 'explore-error') await expectClean();
    });

    test(`home on a telephone in ${scheme}`, async () => {
      const { page, open } = await browser.open({ scheme, width: 360, height: 780 });
      await open('/');
      await settle(page);
      await page.getByText('Demo data', { exact: true }).waitFor();
      await page.screenshot({ path: `${FOLDER}/home-phone-${scheme}.png` });
    });
  }
});
