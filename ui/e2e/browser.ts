import { AxeBuilder } from '@axe-core/playwright';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect } from 'vitest';

/** The server under test, with data in it. */
export const SERVER = trimmed(process.env.BELLWETHER_URL) ?? 'http://127.0.0.1:9090';

/** The same kind of server below a path prefix, if there is one. */
export const PREFIX_SERVER = trimmed(process.env.BELLWETHER_PREFIX_URL);

const CHROMIUM = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--font-render-hinting=none',
];

export type Scheme = 'dark' | 'light';
export const SCHEMES: readonly Scheme[] = ['dark', 'light'];

function trimmed(url: string | undefined): string | undefined {
  return url === undefined || url === '' ? undefined : url.replace(/\/+$/, '');
}

/** A browser window that keeps account of what must never happen. */
export interface Window {
  page: Page;
  /** Goes to an address below the server and waits until nothing is on its way any more. */
  open(path: string): Promise<void>;
  /** Fails if the page broke the policy, logged an error, or threw; `allowed` names errors that the test provoked. */
  expectClean(allowed?: RegExp): Promise<void>;
  /** Fails on any finding of the accessibility checker. */
  expectAccessible(): Promise<void>;
}

interface WindowOptions {
  scheme?: Scheme;
  width?: number;
  height?: number;
  server?: string;
}

/** Starts one browser for all tests of a file. */
export function startBrowser(): { open(options?: WindowOptions): Promise<Window> } {
  let browser: Browser;
  const contexts: BrowserContext[] = [];
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  });
  afterAll(async () => {
    for (const context of contexts) await context.close();
    await browser.close();
  });
  return {
    async open({ scheme = 'dark', width = 1440, height = 900, server = SERVER } = {}) {
      const context = await browser.newContext({
        viewport: { width, height },
        colorScheme: scheme,
        timezoneId: 'UTC',
        locale: 'en-GB',
        reducedMotion: 'reduce',
      });
      contexts.push(context);
      return watch(await context.newPage(), server);
    },
  };
}

async function watch(page: Page, server: string): Promise<Window> {
  const problems: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => problems.push(`thrown: ${error.message}`));
  await page.exposeFunction('reportViolation', (text: string) => problems.push(`policy: ${text}`));
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      const report = (window as unknown as { reportViolation(text: string): void }).reportViolation;
      report(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`);
    });
  });
  return {
    page,
    async open(path) {
      await page.goto(`${server}${path}`);
      await settle(page);
    },
    async expectClean(allowed) {
      const bad = problems.filter((problem) => allowed === undefined || !allowed.test(problem));
      expect(bad, page.url()).toEqual([]);
      problems.length = 0;
    },
    async expectAccessible() {
      const { violations } = await new AxeBuilder({ page }).analyze();
      const findings = violations.flatMap(({ id, help, nodes }) =>
        nodes.map(({ target, failureSummary }) => `${id}: ${help} at ${target.join(' ')} (${failureSummary})`),
      );
      expect(findings, page.url()).toEqual([]);
    },
  };
}

/** Waits until the page is there and everything that it asked for has arrived. */
export async function settle(page: Page): Promise<void> {
  await page.getByRole('heading', { level: 1 }).waitFor();
  await page.waitForFunction(() => document.querySelector('[aria-busy="true"]') === null);
  await page.waitForLoadState('networkidle');
}

/** Answers calls of the API in the server's place. The rest goes through. */
export async function answer(page: Page, path: string | RegExp, body: unknown, status = 200): Promise<void> {
  const matches = typeof path === 'string' ? (url: URL) => url.pathname.endsWith(`/api/v1/${path}`) : path;
  await page.route(matches, (route) =>
    route.fulfill({
      status,
      contentType: 'application/json',
      headers: { 'x-request-id': 'e2e-7' },
      body: JSON.stringify(status === 200 ? { status: 'success', data: body } : body),
    }),
  );
}

/** The failure that a server with a full disk might report. */
export const BROKEN = { status: 'error', errorType: 'internal', error: 'the disk is full' };

/** What the browser logs by itself about answers that are failures. */
export const EXPECTED_FAILURE = /console: Failed to load resource/;

/** Asks the API of the server under test. */
export async function ask<T>(path: string): Promise<T> {
  const response = await fetch(`${SERVER}/api/v1/${path}`);
  const { data } = (await response.json()) as { data: T };
  return data;
}
