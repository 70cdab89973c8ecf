import { writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { setUpAlerting } from './alertingServer';
import { answer, BROKEN, EXPECTED_FAILURE, SCHEMES, settle, startBrowser } from './browser';
import { ownServers } from './server';
import { startWebhook, type Webhook } from './webhook';

const browser = startBrowser();
const servers = ownServers();

describe('Alerts and whom they reach', () => {
  let url = '';
  let webhook: Webhook;
  beforeAll(async () => {
    webhook = await startWebhook();
    const server = await servers.start();
    await setUpAlerting(server, webhook.url);
    url = server.url;
  });

  test('a rule that fires leads from the alert over its rule to Explore', async () => {
    const { page, open, expectClean } = await browser.open({ server: url });
    await open('/?from=now-10m');
    await page.keyboard.press('g');
    await page.keyboard.press('a');
    await page.getByRole('heading', { level: 1, name: 'Alerts' }).waitFor();
    const row = page.getByRole('row', { name: /Firing self answers/ });
    await row.getByRole('img', { name: /fired once/ }).waitFor();
    await row.getByRole('img', { name: 'Value between 1 and 1, > 0.5 fires' }).waitFor();
    await row.getByRole('button').click();
    const details = page.getByRole('complementary', { name: 'Details of SelfAnswers' });
    await details.getByText('It has to, or nobody could tell.').waitFor();
    expect(await details.getByRole('link', { name: 'Runbook of SelfAnswers' }).getAttribute('href')).toMatch(
      /\/runbooks\/process\?from=now-10m&of=processoutoffiledescriptors$/,
    );
    await details.getByText('team').first().waitFor();
    await details.getByRole('link', { name: 'SelfAnswers', exact: true }).click();
    await page.getByRole('heading', { level: 1, name: 'SelfAnswers' }).waitFor();
    await page.waitForURL(/group=own/);
    await page.getByRole('region', { name: 'Alerts now' }).getByText('Firing').waitFor();
    await page.getByRole('region', { name: 'State in this time range' }).getByText('1 alert').waitFor();
    await page.getByRole('button', { name: 'Explore', exact: true }).click();
    await page.waitForURL(/\/explore\?.*up/);
    // The time range went along all the way.
    expect(new URL(page.url()).searchParams.get('from')).toBe('now-10m');
    await expectClean();
  });

  test('alerts are filtered by matchers and by state, and grouped by any label', async () => {
    const { page, open, expectClean } = await browser.open({ server: url });
    await open('/alerts');
    await page.getByRole('row', { name: /Firing self answers/ }).waitFor();
    const rows = (name: RegExp) => page.getByRole('row', { name });
    await page
      .getByRole('searchbox')
      .or(page.getByLabel(/^Filter by words/))
      .first()
      .fill('severity=~"p.*", team!="own"');
    await rows(/self answers/).waitFor({ state: 'detached' });
    await rows(/^Pending /).waitFor();
    await page.getByLabel(/^Filter by words/).fill('severity=~"("');
    await page
      .getByRole('alert')
      .getByText(/cannot be used/)
      .waitFor();
    await page.getByRole('button', { name: 'Clear the filter' }).click();
    await page.getByText('Pending', { exact: true }).first().click();
    await rows(/self answers/).waitFor({ state: 'detached' });
    await page.getByText('All', { exact: true }).click();
    await page.getByRole('button', { name: 'Grouped by alertname' }).click();
    await page.getByRole('menuitemcheckbox', { name: 'alertname' }).click();
    await page.getByRole('menuitemcheckbox', { name: 'severity', exact: true }).click();
    await page.keyboard.press('Escape');
    await page.waitForURL(/by=severity/);
    await page.getByRole('button', { name: /severity=page/ }).waitFor();
    await page.reload();
    await page.getByRole('button', { name: /severity=warn 1 suppressed/ }).waitFor();
    await expectClean();
  });

  test('an inhibited alert says by what', async () => {
    const { page, open, expectClean } = await browser.open({ server: url });
    await open('/alerts?state=suppressed');
    await page
      .getByRole('row', { name: /Suppressed Kept quiet/ })
      .getByRole('button')
      .click();
    const why = page.getByRole('region', { name: 'Why nobody is told' });
    await why.getByRole('link', { name: /SelfAnswers/ }).click();
    await page.getByRole('complementary', { name: 'Details of SelfAnswers' }).waitFor();
    await expectClean();
  });

  test('a silence is made from an alert with a preview, lengthened, ended and made again, by keyboard at first', async () => {
    const { page, open, expectClean, expectAccessible } = await browser.open({ server: url });
    await open('/alerts?f=self+answers');
    await page.getByRole('row', { name: /self answers/ }).waitFor();
    await page.keyboard.press('j');
    await page.locator('tr[data-chosen]').waitFor();
    await page.keyboard.press('s');
    const dialog = page.getByRole('dialog', { name: 'New silence' });
    await dialog.getByText('Matches 1 alert now').waitFor();
    await expectAccessible();
    await dialog.getByLabel('Value 1').fill('Nothing');
    await dialog.getByText('Matches no alert now').waitFor();
    await dialog.getByLabel('Value 1').fill('SelfAnswers');
    await dialog.getByText('Matches 1 alert now').waitFor();
    await dialog.getByRole('button', { name: 'Silence', exact: true }).click();
    await dialog.getByText('Say who you are.').waitFor();
    await dialog.getByLabel('Who are you').fill('ada');
    await dialog.getByLabel('Why').fill('upgrade of the store');
    await dialog.getByRole('button', { name: 'Silence', exact: true }).click();
    await dialog.waitFor({ state: 'detached' });
    await page.getByRole('row', { name: /Suppressed self answers/ }).waitFor();
    // The row may have been drawn anew, which takes the choice away.
    await page.keyboard.press('j');
    await page.locator('tr[data-chosen]').waitFor();
    await page.keyboard.press('Enter');
    const why = page.getByRole('region', { name: 'Why nobody is told' });
    await why.getByRole('link', { name: 'upgrade of the store' }).click();
    await page.getByRole('heading', { level: 1, name: 'Silences' }).waitFor();
    const details = page.getByRole('complementary');
    await details.getByText('It silences 1 alert now').waitFor();
    await page.getByRole('row', { name: /in 2 h|in 119 min|in 120 min/ }).waitFor();
    await details.getByRole('button', { name: '8 h' }).click();
    await page.getByRole('row', { name: /in 10 h/ }).waitFor();
    await details.getByRole('button', { name: 'Expire now' }).click();
    await page.getByText('The silence is over.').waitFor();
    await page.getByText('Nothing is silenced').waitFor();
    await open('/silences?state=expired');
    await page.keyboard.press('j');
    await page.locator('tr[data-chosen]').waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Make it again' }).click();
    expect(await dialog.getByLabel('Why').inputValue()).toBe('upgrade of the store');
    expect(await dialog.getByLabel('Who are you').inputValue()).toBe('ada');
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    await open('/alerts');
    await page.getByRole('row', { name: /Firing self answers/ }).waitFor();
    await expectClean();
  });

  test('a silence that holds at certain times keeps them when it is lengthened or made again', async () => {
    const { page, open, expectClean, expectAccessible } = await browser.open({ server: url });
    await open(`/silences?new=${encodeURIComponent('{team="nightly"}')}`);
    const dialog = page.getByRole('dialog', { name: 'New silence' });
    await dialog.getByText('Not always, or not for everything').click();
    const times = dialog.getByLabel('Only at these times');
    await times.fill('[{weekdays: [someday]}]');
    await dialog.getByLabel('Tell that an alert is over').check();
    await dialog.getByLabel('Who are you').fill('ada');
    await dialog.getByLabel('Why').fill('the backup is slow');
    await expectAccessible();
    await dialog.getByRole('button', { name: 'Silence', exact: true }).click();
    await dialog.getByText(/someday is not a valid weekday/).waitFor();
    const night = "[{times: [{start_time: '01:00', end_time: '02:00'}]}]";
    await times.fill(night);
    await dialog.getByRole('button', { name: 'Silence', exact: true }).click();
    await dialog.waitFor({ state: 'detached' });
    const row = page.getByRole('row', { name: /recurs the backup is slow/ });
    await row.getByRole('button').click();
    const details = page.getByRole('complementary');
    await details.getByText(night).waitFor();
    await details.getByText('that they fire; that they are over is told').waitFor();
    const kept = async () => {
      const all = (await (await fetch(`${url}/api/v2/silences`)).json()) as Record<string, string>[];
      return all.find(({ comment }) => comment === 'the backup is slow') ?? {};
    };
    const before = await kept();
    await details.getByRole('button', { name: '8 h' }).click();
    await row.getByText('in 10 h').waitFor();
    expect(await kept()).toMatchObject({ id: before.id, recurs: night, mute: 'firing' });
    await details.getByRole('button', { name: 'Make one like it' }).click();
    expect(await times.inputValue()).toBe(night);
    expect(await dialog.getByLabel('Tell that an alert is over').isChecked()).toBe(true);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    await details.getByRole('button', { name: 'Expire now' }).click();
    await page.getByText('Nothing is silenced').waitFor();
    await expectClean(EXPECTED_FAILURE);
  });

  test('an alert is acknowledged, and many silences are ended at once', async () => {
    const { page, open, expectClean } = await browser.open({ server: url });
    await open('/alerts?f=self+answers');
    await page
      .getByRole('row', { name: /self answers/ })
      .getByRole('button')
      .click();
    await page.getByRole('complementary').getByRole('button', { name: 'Acknowledge' }).click();
    const dialog = page.getByRole('dialog', { name: 'Acknowledge' });
    await dialog.getByLabel('Who are you').fill('grace');
    await dialog.getByText('“acknowledged by grace”').waitFor();
    await dialog.getByLabel('Note, if any').fill('on it');
    await dialog.getByRole('button', { name: 'Acknowledge' }).click();
    await dialog.waitFor({ state: 'detached' });
    await page.getByRole('row', { name: /acknowledged by grace: on it/ }).waitFor();
    await open(`/silences?new=${encodeURIComponent('{team="nobody"}')}`);
    const silence = page.getByRole('dialog', { name: 'New silence' });
    expect(await silence.getByLabel('Value 1').inputValue()).toBe('nobody');
    await silence.getByLabel('Why').fill('another one');
    await silence.getByRole('button', { name: 'Silence', exact: true }).click();
    await silence.waitFor({ state: 'detached' });
    await page.getByRole('row', { name: /another one/ }).waitFor();
    await page.keyboard.press('j');
    await page.locator('tr[data-chosen]').waitFor();
    await page.keyboard.press('x');
    await page.getByRole('button', { name: 'Expire 1 silence' }).waitFor();
    await page.getByLabel('Select all').check();
    await page.getByRole('button', { name: 'Expire 2 silences' }).click();
    const asked = page.getByRole('dialog');
    await asked.getByText('another one').waitFor();
    await asked.getByRole('button', { name: 'Expire 2 silences' }).click();
    await page.getByText('Nothing is silenced').waitFor();
    await expectClean();
  });

  test('a rule is tried on past data with its bound and its wait changed', async () => {
    const { page, open, expectClean } = await browser.open({ server: url });
    await open('/rules?f=selfanswers');
    await page.getByRole('link', { name: 'SelfAnswers' }).click();
    const tried = page.getByRole('region', { name: 'Back-test' });
    await tried.getByText(/It would have fired once, 1 alert/).waitFor();
    await page.getByRole('region', { name: 'What it compares' }).getByText('> 0.5', { exact: true }).waitFor();
    await tried.getByLabel('Bound (>)').fill('5');
    await tried.getByText('It would have been inactive.').waitFor();
    await tried.getByLabel('Bound (>)').fill('0.5');
    await tried.getByLabel('For', { exact: true }).fill('1d');
    await tried.getByText('It would not have fired.').waitFor();
    await page.waitForURL(/for=1d/);
    await tried.getByRole('button', { name: 'As the rule has it' }).click();
    await tried.getByText(/It would have fired once/).waitFor();
    await expectClean();
  });

  test('rules tell what they are and which of them fails', async () => {
    const { page, open, expectClean } = await browser.open({ server: url });
    await open('/rules');
    await page.getByRole('row', { name: /Recording job:up:sum/ }).waitFor();
    await page.getByRole('row', { name: /Pending StaysPending .* 1h/ }).waitFor();
    await page.getByRole('row', { name: /Inactive NeverFires/ }).waitFor();
    await page.getByText('Failing', { exact: true }).first().click();
    await page.waitForURL(/state=failing/);
    await page.getByRole('row', { name: /CannotBeEvaluated/ }).waitFor();
    expect(await page.getByRole('row', { name: /NeverFires/ }).count()).toBe(0);
    await page.getByRole('link', { name: 'CannotBeEvaluated' }).click();
    await page.getByText(/The last evaluation failed: /).waitFor();
    await open('/rules/SelfAnswers');
    await page.getByText('Show the YAML').click();
    await page.getByText('- alert: SelfAnswers').waitFor();
    await open('/rules/SelfAnswer');
    await page.getByRole('button', { name: 'SelfAnswers' }).click();
    await page.getByRole('heading', { level: 1, name: 'SelfAnswers' }).waitFor();
    await expectClean(EXPECTED_FAILURE);
  });

  test('what lint finds in a rule is marked in the list and told on its page', async () => {
    const { page, open, expectClean } = await browser.open({ server: url });
    await open('/rules');
    const row = page.getByRole('row', { name: /Firing SelfAnswers Lint \d/ });
    await row.getByRole('link', { name: 'SelfAnswers' }).click();
    const finding = page.getByRole('region', { name: 'Lint' }).getByRole('listitem').filter({ hasText: 'for-missing' });
    await finding.getByText('warning', { exact: true }).waitFor();
    await finding.getByText(/how long its condition must hold/).waitFor();
    await finding.getByText(/^give `for`/).waitFor();
    await expectClean();
  });

  test('the tree shows the way that labels take', async () => {
    const { page, open, expectClean } = await browser.open({ server: url });
    await open('/routing');
    await page.getByText('severity="page"', { exact: true }).waitFor();
    await page.getByLabel('Labels of an alert').fill('{alertname="X", severity="page"}');
    const routes = page.getByRole('list', { name: 'Routes' });
    await routes.getByRole('link', { name: 'team' }).waitFor();
    expect(await page.getByLabel('the alert ends here').count()).toBe(1);
    await page.getByLabel('Labels of an alert').fill('alertname=X, team=own, severity=warn');
    await routes.getByRole('link', { name: 'chat' }).waitFor();
    await page.getByLabel('Labels of an alert').fill('alertname=~X');
    await page.getByText(/Labels are written as/).waitFor();
    await page.getByRole('region', { name: 'Time intervals' }).getByText('nights').waitFor();
    const inhibition = page.getByRole('region', { name: 'Inhibition' });
    await inhibition.getByText(/severity="page".*with the same job$/).waitFor();
    // Those of objectives, which no configuration names.
    expect(await inhibition.getByText(/\(built in\)/).count()).toBe(3);
    await page.getByRole('region', { name: 'Routing tree' }).getByRole('link', { name: 'team' }).click();
    await page.waitForURL(/receivers\?f=team/);
    await expectClean();
  });

  test('what was sent is kept with its text, and a test message reaches the webhook after asking', async () => {
    const { page, open, expectClean } = await browser.open({ server: url });
    await webhook.waitFor('SelfAnswers');
    await open('/notifications?f=SelfAnswers&status=sent');
    const row = page.getByRole('row', { name: /Sent alertname=SelfAnswers/ }).last();
    await row.getByRole('button').click();
    const details = page.getByRole('complementary');
    await details.getByRole('heading', { name: 'What was sent' }).waitFor();
    await details.getByText('"receiver": "team"').waitFor();
    await page.reload();
    await details.getByText('"receiver": "team"').waitFor();
    await details.getByRole('link', { name: 'team', exact: true }).click();
    await page.getByRole('heading', { level: 1, name: 'Receivers' }).waitFor();
    await page.getByText('Works').waitFor();
    const before = webhook.bodies.length;
    await page.getByRole('button', { name: 'Test team' }).click();
    const dialog = page.getByRole('dialog', { name: 'Test team' });
    await dialog.getByText(/marked as a test by webhook\[0\]/).waitFor();
    expect(webhook.bodies.slice(before).some((body) => /test/i.test(body))).toBe(false);
    await dialog.getByRole('button', { name: 'Send the test' }).click();
    await dialog.getByText('Delivered').waitFor();
    expect(webhook.bodies.slice(before).some((body) => /test/i.test(body))).toBe(true);
    await expectClean();
  });

  test('an objective has its budget, its alerts and its rules', async () => {
    const { page, open, expectClean } = await browser.open({ server: url });
    await open('/slos');
    await page.keyboard.press('j');
    await page.locator('tr[data-chosen]').waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'answers' }).waitFor();
    await page.getByText('How many requests to the server are answered.', { exact: true }).waitFor();
    await page.getByRole('region', { name: 'About this objective' }).getByText('99.9 % good').waitFor();
    await page.getByText('Show the file').click();
    await page.getByText('slo:sli_error:ratio_rate5m').first().waitFor();
    expect(await page.getByRole('region', { name: 'Alerts' }).getByRole('link').count()).toBeGreaterThan(3);
    await open('/slos/nowhere');
    await page.getByText('There is no such objective').waitFor();
    await expectClean(EXPECTED_FAILURE);
  });

  test('home names the objectives whose budget goes too fast', async () => {
    const { page, open, expectClean, expectAccessible } = await browser.open({ server: url });
    const held = {
      id: 'self-answers',
      name: 'answers',
      service: 'self',
      description: 'How many requests are answered.',
      objective: 0.999,
      window: '30d',
      labels: {},
      good: 90,
      bad: 10,
      total: 100,
      budget: { remaining: 0.5, remainingMinutes: 20, exhaustedAt: null },
      burn: { '1h': 0.5 },
      alerts: [],
      source: 'slo.yml:1',
    };
    const spent = { ...held, id: 'x', name: 'waits', budget: { ...held.budget, remaining: -0.25 } };
    await answer(page, 'slos', { slos: [held, spent] });
    await open('/');
    const burning = page.getByRole('region', { name: 'Budgets that go too fast' });
    await burning.getByText('overspent by 25 %').waitFor();
    expect(await burning.getByRole('link').allTextContents()).toEqual(['waits']);
    await expectAccessible();
    await expectClean();
  });

  test('a runbook leads to Explore, and says whether its rule is evaluated', async () => {
    const { page, open, expectClean } = await browser.open({ server: url });
    await open('/system/packs?pack=process&tab=alerts');
    const link = page.getByRole('link', { name: /^Runbook of / }).first();
    const name = (await link.textContent())?.replace(/^.*Runbook of /, '') ?? '';
    await link.click();
    await page.getByRole('heading', { level: 1, name }).waitFor();
    await page.getByText('Users notice').waitFor();
    // The rules of the pack are not among those of this server.
    await page.getByText('not evaluated here').waitFor();
    await page.getByRole('link', { name: `Explore check 1 of ${name}` }).click();
    await page.waitForURL(/\/explore\?q=/);
    await open('/runbooks/nowhere');
    await page.getByText('There are no such runbooks').waitFor();
    await expectClean(EXPECTED_FAILURE);
  });

  test('a metric lists the rules that ask for it, and the palette finds rules', async () => {
    const { page, open, expectClean } = await browser.open({ server: url });
    await open('/metrics/up');
    await page.getByRole('region', { name: 'Used by' }).getByRole('link', { name: 'SelfAnswers', exact: true }).click();
    await page.getByRole('heading', { level: 1, name: 'SelfAnswers' }).waitFor();
    await page.keyboard.press('Control+K');
    await page.getByRole('dialog').getByRole('textbox', { name: 'Search' }).fill('staysp');
    await page.getByRole('dialog').getByText('StaysPending').click();
    await page.getByRole('heading', { level: 1, name: 'StaysPending' }).waitFor();
    await expectClean();
  });

  test('links that were made for Prometheus and Alertmanager lead to our pages', async () => {
    const { page, open, expectClean } = await browser.open({ server: url });
    await page.goto(`${url}/graph?g0.expr=up%7Bjob%3D%22self%22%7D&g0.tab=1`);
    await page.waitForURL(/\/explore\?q=up/);
    await open('/alerts');
    await page.goto(`${url}/#/silences/new?filter=%7Balertname%3D%22SelfAnswers%22%7D`);
    await page.getByRole('dialog', { name: 'New silence' }).getByText('Matches 1 alert now').waitFor();
    await expectClean();
  });

  test('failures are told where they happen', async () => {
    const { page, open, expectClean } = await browser.open({ server: url });
    const pages = [
      ['/alerts', 'alerts'],
      ['/rules', 'rules'],
      ['/notifications', 'notifications'],
      ['/receivers', 'receivers'],
      ['/routing', 'route/tree'],
      ['/slos', 'slos'],
    ] as const;
    for (const [path, api] of pages) {
      await answer(page, api, BROKEN, 500);
      await open(path);
      await page.getByRole('alert').getByText('the disk is full').first().waitFor();
    }
    await page.unrouteAll();
    await expectClean(EXPECTED_FAILURE);
  });

  const PATHS = [
    '/alerts',
    '/alerts?state=suppressed&open=none',
    '/alerts?view=matrix',
    '/rules',
    '/rules/SelfAnswers?from=now-5m',
    '/rules/CannotBeEvaluated',
    '/silences',
    '/silences?state=expired',
    '/routing?labels=severity%3Dpage',
    '/notifications',
    '/receivers',
    '/slos',
    '/slos/self-answers',
    '/runbooks/process',
  ];

  for (const scheme of SCHEMES) {
    test(`all pages are accessible in ${scheme}`, async () => {
      const { open, page, expectClean, expectAccessible } = await browser.open({ server: url, scheme });
      for (const path of PATHS) {
        await open(path);
        await settle(page);
        await expectAccessible();
      }
      await expectClean(EXPECTED_FAILURE);
    });
  }

  test('all pages fit on a telephone', async () => {
    const { page, open } = await browser.open({ server: url, width: 360, height: 780 });
    for (const path of PATHS) {
      await open(path);
      const wider = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(wider, path).toBeLessThanOrEqual(0);
    }
    await open('/alerts');
    await page
      .getByRole('row', { name: /self answers/ })
      .getByRole('button')
      .click();
    await page.getByRole('complementary').getByRole('button', { name: 'Acknowledge' }).waitFor();
    await page.getByRole('button', { name: 'Close the details' }).click();
    await page.getByRole('complementary').waitFor({ state: 'detached' });
  });
});

test('a server without rules, routes and objectives says so on each page', async () => {
  const server = await servers.start();
  await server.kill();
  // Else the server has rules of its own.
  writeFileSync(server.config, 'scrape_configs: []\nrules: {builtin_alerts: false}\n');
  await server.start();
  const { page, open, expectClean } = await browser.open({ server: server.url });
  await open('/alerts');
  await page.getByText('Nothing fires, and nothing is about to').waitFor();
  await open('/rules');
  await page.getByText('There are no rules').waitFor();
  await open('/slos');
  await page.getByText('There are no objectives').waitFor();
  await open('/notifications');
  await page.getByText(/Nobody was told anything/).waitFor();
  for (const path of ['/silences', '/routing', '/receivers']) await open(path);
  await expectClean(EXPECTED_FAILURE);
});
