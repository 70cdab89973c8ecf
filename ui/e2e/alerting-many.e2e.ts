import { beforeAll, describe, expect, test } from 'vitest';
import { setUpAlerting } from './alertingServer';
import { answer, EXPECTED_FAILURE, SCHEMES, startBrowser } from './browser';
import { ownServers } from './server';
import { startWebhook } from './webhook';

const browser = startBrowser();
const servers = ownServers();

interface KeptSilence {
  id: string;
  comment: string;
  endsAt: string;
}

/** An objective with alerts at two speeds, as the API tells it. */
const OBJECTIVE = {
  id: 'shop',
  name: 'shop',
  service: 'web',
  description: 'How many orders are taken.',
  objective: 0.999,
  window: '30d',
  labels: {},
  good: 900,
  bad: 100,
  total: 1000,
  budget: { remaining: 0.5, remainingMinutes: 20, exhaustedAt: null },
  burn: { '1h': 4, '3d': 0.5 },
  alerts: [
    { name: 'ShopFast', tier: 'page', burn: 'fast', factor: 14.4, windows: ['1h', '5m'], state: 'inactive' },
    { name: 'ShopSlowly', tier: 'ticket', burn: 'slow', factor: 3, windows: ['1d', '2h'], state: 'inactive' },
    { name: 'ShopSlowly', tier: 'ticket', burn: 'long', factor: 1, windows: ['3d', '6h'], state: 'firing' },
    { name: 'ShopNoData', tier: 'ticket', burn: '', factor: null, windows: [], state: 'inactive' },
  ],
  source: 'slo.yml:1',
  rules: 'groups: []\n',
};

describe('Many alerts, silences and limits at once', () => {
  let url = '';
  beforeAll(async () => {
    const server = await servers.start();
    await setUpAlerting(server, (await startWebhook()).url);
    url = server.url;
  });

  test('alerts are counted by two labels, and a number leads to its alerts, by keyboard', async () => {
    const { page, open, expectClean, expectAccessible } = await browser.open({ server: url });
    await open('/alerts');
    await page.getByText('Matrix', { exact: true }).click();
    const matrix = page.getByRole('region', { name: 'Matrix of alerts' });
    await matrix.getByRole('button', { name: 'severity page: 1 firing, 1 pending' }).waitFor();
    await expectAccessible();
    await matrix.getByRole('button', { name: /^alertname SelfAnswers: / }).focus();
    await page.keyboard.press('ArrowRight');
    const focused = () => page.evaluate(() => document.activeElement?.getAttribute('aria-label'));
    expect(await focused()).toBe('alertname SelfAnswers, severity page: 1 firing');
    await page.keyboard.press('Enter');
    await page.getByRole('row', { name: /Firing self answers/ }).waitFor();
    const field = page.getByLabel(/^Filter by words/);
    expect(await field.inputValue()).toBe('alertname="SelfAnswers", severity="page"');
    await field.fill('self');
    await page.getByText('Matrix', { exact: true }).click();
    await page.getByLabel('Columns', { exact: true }).selectOption('team');
    await page.waitForURL(/f=self&.*cols=team/);
    await page.reload();
    // What waits has no team.
    await matrix.getByRole('button', { name: 'alertname StaysPending, team (none): 1 pending' }).click();
    await page.getByRole('row', { name: /^Pending / }).waitFor();
    expect(await field.inputValue()).toBe('self {alertname="StaysPending", team=""}');
    // The words count, so that the matchers alone would silence too much.
    expect(await page.getByRole('button', { name: 'Silence what the filter matches' }).count()).toBe(0);
    await expectClean();
  });

  test('silences are lengthened together, and one that cannot be says why and is tried again', async () => {
    const { page, open, expectClean, expectAccessible } = await browser.open({ server: url });
    const endsAt = new Date(Date.now() + 3_600_000).toISOString();
    for (const comment of ['first', 'second']) {
      const matchers = [{ name: 'team', value: comment, isRegex: false, isEqual: true }];
      const silence = { matchers, startsAt: new Date().toISOString(), endsAt, createdBy: 'ada', comment };
      const headers = { 'content-type': 'application/json' };
      await fetch(`${url}/api/v2/silences`, { method: 'POST', headers, body: JSON.stringify(silence) });
    }
    const laterBy = async (comment: string) => {
      const kept = (await (await fetch(`${url}/api/v2/silences`)).json()) as KeptSilence[];
      const ends = kept.find((silence) => silence.comment === comment)?.endsAt ?? '';
      return (Date.parse(ends) - Date.parse(endsAt)) / 3_600_000;
    };
    await open('/silences');
    await page.getByRole('row', { name: /second/ }).waitFor();
    for (const key of ['j', 'x', 'j', 'x']) {
      await page.keyboard.press(key);
      await page.locator('tr[data-chosen]').waitFor();
    }
    await page.getByRole('button', { name: 'Lengthen 2 silences' }).focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Lengthen 2 silences?' });
    const length = dialog.getByLabel('Each ends later by');
    await length.fill('soon');
    await dialog.getByText('A length is written as 30m, 2h or 1d.').waitFor();
    await length.fill('8h');
    await expectAccessible();
    await page.route(
      (asked) => asked.pathname.endsWith('/api/v2/silences'),
      (route) =>
        route.request().postData()?.includes('"second"')
          ? route.fulfill({ status: 500, contentType: 'application/json', body: '"the disk is full"' })
          : route.continue(),
    );
    await page.keyboard.press('Enter');
    const again = page.getByRole('dialog', { name: 'Lengthen 1 silence?' });
    await again
      .getByRole('alert')
      .getByText(/^Lengthened 1 silence\. 1 silence could not be changed/)
      .waitFor();
    await again.getByRole('listitem').filter({ hasText: 'second' }).getByText('the disk is full').waitFor();
    expect(await again.getByRole('listitem').count()).toBe(1);
    await expectAccessible();
    await page.unrouteAll();
    await again.getByRole('button', { name: 'Lengthen 1 silence' }).click();
    await page.getByText('Lengthened 1 silence.').waitFor();
    await again.waitFor({ state: 'detached' });
    // The one for which it went well was not lengthened a second time.
    expect([await laterBy('first'), await laterBy('second')]).toEqual([8, 8]);
    await expectClean(EXPECTED_FAILURE);
  });

  test('an alert that somebody has taken over is told from one that is silenced', async () => {
    const { page, open, expectClean } = await browser.open({ server: url });
    await open('/alerts?f=self+answers');
    await page.getByRole('row', { name: /Firing self answers/ }).waitFor();
    await page.keyboard.press('j');
    await page.locator('tr[data-chosen]').waitFor();
    await page.keyboard.press('a');
    const dialog = page.getByRole('dialog', { name: 'Acknowledge' });
    await dialog.getByLabel('Who are you').fill('grace');
    await page.keyboard.press('Enter');
    await dialog.waitFor({ state: 'detached' });
    await page.getByRole('row', { name: /Acknowledged self answers acknowledged by grace, (now|\d+ s ago)/ }).waitFor();
    // What silences something stands below what silences nothing.
    await open('/silences');
    await page.getByRole('row', { name: /acknowledged by grace grace 1 in/ }).waitFor();
    await page.getByRole('row').last().getByText('acknowledged by grace').waitFor();
    await expectClean();
  });

  test('home says on a quiet day since when all is clear', async () => {
    const { page, open, expectClean, expectAccessible } = await browser.open({ server: url });
    await answer(page, 'alerts', { alerts: [] });
    await page.route(
      (asked) => asked.pathname.endsWith('/api/v2/alerts'),
      (route) => route.fulfill({ contentType: 'application/json', body: '[]' }),
    );
    await answer(page, 'slos', { slos: [] });
    const event = (time: string, from: string, to: string) => ({ time, from, to, labels: {}, annotations: {} });
    const events = [
      event('2026-11-26T04:00:00Z', 'pending', 'inactive'),
      event('2026-11-26T03:12:07Z', 'firing', 'inactive'),
      event('2026-11-26T03:00:00Z', 'pending', 'firing'),
    ];
    await answer(page, 'alerts/history', { events, truncated: false });
    // A server that scrapes nothing but itself shows how to begin.
    const { data } = (await (await fetch(`${url}/api/v1/targets`)).json()) as { data: { activeTargets: object[] } };
    const elsewhere = { scrapeUrl: 'http://node:9100/metrics', globalUrl: 'http://node:9100/metrics' };
    const activeTargets = data.activeTargets.map((target) => ({ ...target, ...elsewhere }));
    await answer(page, 'targets', { ...data, activeTargets });
    await open('/');
    await page.getByRole('status').getByText('All clear since 2026-11-26 03:12:07').waitFor();
    await expectAccessible();
    await expectClean();
  });

  for (const scheme of SCHEMES) {
    test(`the burn rates of an objective stand beside the limits of its alerts in ${scheme}`, async () => {
      const { page, open, expectClean, expectAccessible } = await browser.open({ server: url, scheme });
      const now = Math.floor(Date.now() / 60_000) * 60;
      const line = (value: number) =>
        Array.from({ length: 30 }, (_, i) => [now - 60 * (29 - i), String(value * (1 + i / 30))]);
      await answer(page, 'slos/shop', OBJECTIVE);
      await answer(page, 'slos/shop/budget', {
        points: line(0.4),
        burn: { '1h': line(1), '1d': line(0.6), '3d': line(0.4) },
      });
      await open('/slos/shop?from=now-30m');
      const lines = page.getByRole('region', { name: 'Burn rate', exact: true }).getByRole('list', { name: 'Lines' });
      await lines.getByText('over 1h', { exact: true }).waitFor();
      // What fires next is in the picture; the limit beyond it would only press the lines together.
      expect(await lines.getByRole('listitem').allTextContents()).toEqual([
        'over 1h',
        'over 1d',
        'over 3d',
        '1 × over 3d: ticket',
        '3 × over 1d: ticket',
      ]);
      const alerts = page.getByRole('region', { name: 'Alerts' });
      await alerts.getByText('page, fast burn: 14.4 × over 1h and 5m').waitFor();
      await expectAccessible();
      await expectClean();
    });
  }
});
