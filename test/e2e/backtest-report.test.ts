import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBrowser } from './browser.js';
import { runCommand } from './command.js';

const HOSTILE = '<img src=x onerror="document.title=`taken`">';
const START = 1_767_571_200;

let folder: string;
let browser: Browser;
let page: Page;
const asked: string[] = [];
const complaints: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'halfspace-report-'));
  const rows = Array.from({ length: 2000 }, (_, i) => {
    const isOdd = i >= 1500 && i < 1520;
    return `${START + i},acme,m1,${isOdd ? 490 : 200 + (i % 3)}\n${START + i},acme,"${HOSTILE.replaceAll('"', '""')}",${200 + (i % 5)}\n`;
  });
  await writeFile(join(folder, 'data.csv'), `time,provider,machineID,power\n${rows.join('')}`);
  await writeFile(join(folder, 'labels.csv'), `unique_id,from,to\nacme-m1,${START + 1500},${START + 1519}\n`);
  const { code, stderr } = await runCommand(
    ['backtest', 'data.csv', '--set', 'verdict.threshold=0.9999', '--labels', 'labels.csv', '--out', 'report.html'],
    { cwd: folder },
  );
  expect(code, stderr).toBe(0);
  browser = await openBrowser();
  page = await browser.newPage({ viewport: { width: 1200, height: 900 }, colorScheme: 'light' });
  page.on('request', (request) => asked.push(request.url()));
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.goto(pathToFileURL(join(folder, 'report.html')).href);
});
/** The settings of the file and seven beside them: as many as a report may have. */
const EIGHT = [
  'resample=null,detector={kind: drift_gate},normalise=,verdict.threshold=0.5',
  'detector={kind: robust_zscore, window: 500, limit: 5},normalise=,verdict.threshold=0.5,verdict.hold_rows=3',
  'detector={kind: level_shift, window: 60, memory: 500},normalise=,verdict.threshold=0.5',
  'verdict.threshold=0.95,verdict.hold_rows=3,verdict.stuck_after=30m',
  'resample={every: 5m},detector.window_size=100',
  'model=per_column',
  'detector={kind: seasonal, period: 24h},normalise=,verdict.threshold=0.5',
].flatMap((changes, i) => ['--variant', `a variant of many words ${i}:${changes}`]);

/** Opens a report of eight variants in a window of that width. */
async function openWide(width: number): Promise<Page> {
  const { code, stderr } = await runCommand(['backtest', 'data.csv', ...EIGHT, '--out', 'wide.html'], { cwd: folder });
  expect(code, stderr).toBe(0);
  const wide = await browser.newPage({ viewport: { width, height: 900 } });
  await wide.goto(pathToFileURL(join(folder, 'wide.html')).href);
  return wide;
}

afterAll(async () => {
  await browser?.close();
  await rm(folder, { recursive: true, force: true });
});

describe('the report of a backtest, opened from disk', () => {
  it('loads nothing else and has nothing to complain about', () => {
    expect(asked).toEqual([page.url()]);
    expect(complaints).toEqual([]);
  });

  it('shows ids as texts', async () => {
    expect(await page.title()).toBe('Backtest of machines');
    expect(await page.getByRole('heading', { name: HOSTILE }).count()).toBe(1);
    expect(await page.locator('main img').count()).toBe(0);
  });

  it('has the settings side by side, the figures against labels and the event with its reason', async () => {
    const settings = page.getByRole('table', { name: 'Settings side by side' });
    expect(await settings.getByRole('columnheader').allTextContents()).toEqual([
      '',
      'as set',
      'verdict.threshold=0.9999',
    ]);
    expect(await settings.getByRole('row', { name: /^events \d/ }).allTextContents()).toEqual(['events10']);
    expect(await settings.getByRole('row', { name: /^recall by event/ }).allTextContents()).toEqual([
      'recall by event1.0000.000',
    ]);
    const events = page.getByRole('table', { name: 'Events', exact: true });
    expect(await events.getByRole('row').nth(1).textContent()).toMatch(/score 0\.\d+ above 0\.8/);
    await page.getByText('What would have been sent').click();
    expect(await page.getByRole('listitem').first().isVisible()).toBe(true);
    expect(await page.getByRole('listitem').first().textContent()).toMatch(/^Anomaly on acme-m1 \(machines\)/);
  });

  it('draws each machine, with marks that are seen where its anomalies are', async () => {
    const plots = page.getByRole('img', { name: /^Values and scores of/ });
    expect(await plots.count()).toBe(2);
    for (const path of await page.locator('svg path.value, svg path.score').all()) {
      const box = await path.boundingBox();
      expect(box?.width).toBeGreaterThan(500);
    }
    const plot = await page.locator('svg').last().boundingBox();
    const mark = await page.locator('svg path.anomalous').boundingBox();
    if (plot === null || mark === null) throw new Error('Expected a plot and a mark in it');
    expect(mark.width).toBeGreaterThanOrEqual(2);
    // Row 1500 of 2000, between the margins of the plot.
    expect((mark.x - plot.x) / plot.width).toBeCloseTo((62 + 0.75 * 720) / 796, 2);
  });

  it('is dark where the reader wants it so', async () => {
    const back = () => page.evaluate('getComputedStyle(document.body).backgroundColor');
    const light = await back();
    await page.emulateMedia({ colorScheme: 'dark' });
    expect([light, await back()]).toEqual(['rgb(255, 255, 255)', 'rgb(20, 23, 28)']);
  });
});

describe.each([1200, 800])('a report of eight variants in a window %i px wide', (width) => {
  it('keeps every heading legible, and scrolls wide tables in their own boxes beside headings that stay', async () => {
    const wide = await openWide(width);
    const em = 15;
    const headings = await wide.locator('th').all();
    expect(headings.length).toBeGreaterThan(30);
    for (const heading of headings) {
      expect((await heading.boundingBox())?.width, await heading.innerText()).toBeGreaterThanOrEqual(8 * em);
    }
    const sideways = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
    expect(await wide.evaluate(sideways)).toBe(0);

    const table = wide.getByRole('table', { name: 'Settings side by side' });
    await wide.evaluate("document.querySelector('.wide').scrollLeft = 1e6");
    const box = await wide.locator('.wide').first().boundingBox();
    const heading = await table.getByRole('rowheader', { name: 'events', exact: true }).boundingBox();
    const last = await table.getByRole('columnheader').last().boundingBox();
    if (box === null || heading === null || last === null) throw new Error('Expected a table in a box');
    expect(heading.x).toBeCloseTo(box.x, 0);
    expect(last.x + last.width).toBeLessThanOrEqual(box.x + box.width + 1);
    expect(last.x).toBeGreaterThanOrEqual(heading.x + heading.width);
    await wide.close();
  });
});
