import { beforeAll, describe, expect, test } from 'vitest';
import { SCHEMES, startBrowser } from './browser';
import { manyLines, seed } from './seed';

const browser = startBrowser();
const NAME = `e2e_many_${process.pid}`;
const SERIES = 1000;
const POINTS = 700;

beforeAll(async () => {
  const all = manyLines(NAME, Date.now(), SERIES, POINTS);
  for (let at = 0; at < SERIES; at += 100) await seed(all.slice(at, at + 100));
});

/** A resolution at which each series has a thousand points. */
const path = `/explore?q=${NAME}&step=3.5`;

describe('A thousand series of a thousand points', () => {
  test.each(SCHEMES)('the top is drawn, all are counted, in %s', async (scheme) => {
    const { page, open, expectClean, expectAccessible } = await browser.open({ scheme });
    await open(path);
    await page.getByText('Showing 100 of 1,000 series').waitFor();
    await page.getByText(/^1,000 series · /).waitFor();
    await page.getByRole('button', { name: 'Show more' }).click();
    await page.waitForURL(/top=200/);
    await page.getByText('Showing 200 of 1,000 series').waitFor();
    await page.getByRole('combobox', { name: 'Which series are shown' }).selectOption('last');
    await page.waitForURL(/rank=last/);
    await expectAccessible();
    await page.getByRole('button', { name: 'Show all' }).click();
    await page.getByText('Showing all 1,000 series').waitFor();
    // The legend is virtual: it never holds all rows.
    await expect.poll(() => page.getByRole('region', { name: 'Legend' }).getByRole('row').count()).toBeLessThan(100);
    await page.getByRole('button', { name: 'Show 100' }).click();
    await page.getByText('Showing 100 of 1,000 series').waitFor();
    await expectClean();
  });

  test('the answer is read beside the page, which keeps reacting', async () => {
    const { page, open, expectClean } = await browser.open();
    await page.addInitScript(() => {
      const log = window as unknown as { longest: number };
      log.longest = 0;
      new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries()) log.longest = Math.max(log.longest, duration);
      }).observe({ type: 'longtask' });
    });
    await open('/explore?step=3.5');
    const profiler = await page.context().newCDPSession(page);
    await profiler.send('Profiler.enable');
    await profiler.send('Profiler.start');
    await page.evaluate(() => {
      (window as unknown as { longest: number }).longest = 0;
    });
    const worker = page.waitForEvent('worker');
    await page.getByRole('textbox', { name: 'Query A' }).click();
    await page.keyboard.insertText(NAME);
    await page.keyboard.press('Control+Enter');
    await page.getByText('Showing 100 of 1,000 series').waitFor();
    await worker;
    const { profile } = await profiler.send('Profiler.stop');
    const length = await page.evaluate(() =>
      Math.max(
        ...performance.getEntriesByType('resource').map((one) => (one as PerformanceResourceTiming).decodedBodySize),
      ),
    );
    expect(length).toBeGreaterThan(20_000_000);
    const longest = await page.evaluate(() => (window as unknown as { longest: number }).longest);
    const reading = timeIn(profile, /^parse$/);
    // biome-ignore lint/suspicious/noConsole: the figures belong into the log of the run
    console.log(
      `${(length / 1e6).toFixed(1)} MB; parsing in the page ${reading.toFixed(0)} ms; longest task ${longest.toFixed(0)} ms`,
    );
    expect(reading).toBeLessThan(50);
    // What is left is drawing a hundred lines, on a machine that is busy with other things.
    expect(longest).toBeLessThan(600);
    await expectClean();
  });
});

interface Profile {
  nodes: { id: number; callFrame: { functionName: string } }[];
  samples?: number[];
  timeDeltas?: number[];
}

/** Milliseconds that the page spent in functions of these names. */
function timeIn({ nodes, samples = [], timeDeltas = [] }: Profile, names: RegExp): number {
  const wanted = new Set(nodes.filter(({ callFrame }) => names.test(callFrame.functionName)).map(({ id }) => id));
  return samples.reduce((sum, id, i) => sum + (wanted.has(id) ? (timeDeltas[i] ?? 0) / 1000 : 0), 0);
}
