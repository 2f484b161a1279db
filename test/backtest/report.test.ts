import { describe, expect, it } from 'vitest';
import { reportHtml } from '../../src/backtest/report/report.js';
import { backtestOf, exampleSettings, sliceOf } from './example.js';

const HOSTILE = `"><script>alert(1)</script><img src=x onerror=alert(1)>&amp;'\u202e\u0000`;

function variantsOf(settings: ReturnType<typeof exampleSettings>, names: readonly string[]) {
  return names.map((name) => ({ name, changes: name === 'as set' ? [] : [`x=${name}`], settings }));
}

describe('a report', () => {
  it('is one document with nothing to load and no scripts, whatever ids, columns and variants are called', () => {
    const settings = exampleSettings([HOSTILE], { alerts: [HOSTILE] });
    const slice = sliceOf(HOSTILE, 600, 1, (second) => second > 500);
    const html = [...reportHtml(backtestOf([slice], variantsOf(settings, ['as set', HOSTILE]), new Map()))].join('');
    expect(html).toMatch(/^<!doctype html>/);
    expect(html).toMatch(/<\/html>\n$/);
    expect(html).not.toMatch(/<script|<img|<link|<iframe|\son\w+="|url\(|@import/);
    expect(html).not.toMatch(/\s(?:src|href)="(?!#)/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that none is left is what is tested
    expect(html).not.toMatch(/[\u202e\u0000]/);
    expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(html).toContain("default-src 'none'");
  });

  it('shows events with their reasons, counts, what would have been sent and each variant beside the others', () => {
    const settings = exampleSettings(['power']);
    const slice = sliceOf('m1', 600, 1, (second) => second > 500 && second < 520);
    const html = [...reportHtml(backtestOf([slice], variantsOf(settings, ['as set', 'other'])))].join('');
    expect(html.match(/<td>score 0\.\d+ above 0\.8/g)).toHaveLength(2);
    expect(html.match(/<li>Anomaly on m1 \(machines\): \d+ anomalous rows/g)).toHaveLength(2);
    expect(html).toContain('as set: 1 message to ops');
    expect(html.match(/<path class="score"/g)).toHaveLength(2);
    expect(html).not.toContain('labelled');
  });

  it('draws a machine without any value, one of a single row and values at the ends of what a double holds', () => {
    const settings = exampleSettings(['a'], { normalise: 'running' });
    const empty = { ...sliceOf('empty', 5, 1, () => false), values: new Float64Array(5).fill(Number.NaN) };
    const huge = { ...sliceOf('huge', 4, 1, () => false), values: Float64Array.of(-1.7e308, 1.7e308, 5e-324, 0) };
    const html = [
      ...reportHtml(backtestOf([empty, huge, sliceOf('one', 1, 1, () => false)], variantsOf(settings, ['as set']))),
    ].join('');
    expect(html).toContain('no values');
    expect(html).not.toMatch(/NaN|Infinity|undefined/);
  });

  it('stays under 5 MB for 50 machines with several columns and settings, however many events they have', () => {
    const settings = exampleSettings(['a', 'b', 'c', 'd'], { verdict: { threshold: 0.6, clear_after: 2000 } });
    const slices = Array.from({ length: 50 }, (_, i) => {
      const slice = sliceOf(`machine ${i} of a long name`, 1500, 4, (second) => (second * (i + 1)) % 30 === 0);
      // Up and down without end: no two points of a line are alike.
      const noisy = slice.values.map((value, at) => (value > 90 ? value : 20 + 50 * Math.abs(Math.sin(at * at))));
      return { ...slice, values: noisy };
    });
    const result = backtestOf(slices, variantsOf(settings, ['as set', 'one', 'two', 'three']));
    expect(result.totals[0]?.events).toBeGreaterThan(500);
    const bytes = Buffer.byteLength([...reportHtml(result)].join(''));
    expect(bytes).toBeLessThan(5_000_000);
    expect(bytes).toBeGreaterThan(500_000);
  });

  it('draws the 50 machines with most events and lists the others', () => {
    const settings = exampleSettings(['a']);
    const slices = Array.from({ length: 60 }, (_, i) => sliceOf(`m${i}`, 200, 1, (second) => i === 59 && second > 150));
    const html = [...reportHtml(backtestOf(slices, variantsOf(settings, ['as set'])))].join('');
    expect(html.match(/<svg/g)).toHaveLength(50);
    expect(html.match(/<th scope="row">(?:<a href="#m\d+">)?m\d+/g)).toHaveLength(60);
    expect(html).toContain('<h2 id="m50">m59</h2>');
  });
});
