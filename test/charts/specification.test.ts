import { describe, expect, it } from 'vitest';
import type { PlotData } from '../../src/charts/plot-data.js';
import { anomalyChart } from '../../src/charts/specification.js';
import { examplePanels, examplePlot, valuesOf } from './example-plot.js';

const SIZE = { width: 1200, height: 600 };

function titleOf(uniqueId: string, name = 'power', width = 1200): string {
  const { options } = anomalyChart(examplePlot(20, 3, { uniqueId, name }), { ...SIZE, width });
  return String(options?.plugins?.title?.text);
}

describe('anomalyChart', () => {
  it('is titled by column and machine', () => {
    expect(titleOf('bosch-gmbh-m1')).toBe('Anomalies - Power - bosch-gmbh-m1');
    expect(titleOf('größe-机器', 'ölDruck')).toBe('Anomalies - ÖlDruck - größe-机器');
  });

  it('keeps both ends of a machine too long for the title, and no control characters', () => {
    expect(titleOf(`first${'x'.repeat(10_000)}last`)).toMatch(/^Anomalies - Power - firstx+…x+last$/);
    expect(titleOf(`first${'x'.repeat(10_000)}last`).length).toBeLessThan(110);
    expect(titleOf(`first${'x'.repeat(10_000)}last`, 'power', 300).length).toBeLessThan(45);
    expect(titleOf('a\n\u202eb\u0007')).toBe('Anomalies - Power - a b ');
  });

  it('has a twin y axis for score and value, the threshold dashed, and time on a linear x axis', () => {
    const { options, data } = anomalyChart(examplePlot(20, 3), SIZE);
    expect(options?.scales?.x).toMatchObject({ type: 'linear', title: { text: 'time (UTC)' } });
    expect(options?.scales?.score).toMatchObject({ type: 'linear', position: 'left', title: { text: 'score' } });
    expect(options?.scales?.value).toMatchObject({ type: 'linear', position: 'right', title: { text: 'power' } });
    expect(data.datasets.map(({ label, yAxisID }) => [label, yAxisID])).toEqual([
      ['power', 'value'],
      ['score', 'score'],
      ['threshold 0.8', 'score'],
      ['anomalous', 'value'],
      ['anomalous score', 'score'],
    ]);
    expect(data.datasets[2]).toMatchObject({ borderDash: [7, 5] });
    expect(data.datasets[2]?.data.map(({ y }) => y)).toEqual([0.8, 0.8]);
    expect(data.datasets[3]?.data).toHaveLength(3);
    expect(data.datasets[4]?.data).toHaveLength(3);
  });

  it('gives score and value a band of their own, the score from 0 to 1', () => {
    const { options } = anomalyChart(examplePlot(20, 3), SIZE);
    const share = (axis: string, y: number): number => {
      const { min, max } = Object(options?.scales?.[axis]);
      return (y - min) / (max - min);
    };
    expect(share('score', 0)).toBeGreaterThan(0);
    expect(share('score', 1)).toBeLessThan(share('value', 200));
    expect(share('value', 500)).toBeLessThan(1);
  });

  it('draws what was expected with its bounds, which keep to the band of the values, and says why', () => {
    const bounds = {
      expected: new Float64Array(20).fill(210),
      lower: Float64Array.from({ length: 20 }, (_, row) => (row < 5 ? Number.NaN : -1e9)),
      upper: new Float64Array(20).fill(220),
    };
    const reasons = [
      {
        timeMs: Date.UTC(2026, 10, 23, 6, 0, 16, 700),
        text: 'score 0.900 above 0.8: power 450, expected 210 (200 to 220)',
      },
      { timeMs: null, text: 'x'.repeat(500) },
    ];
    const { options, data } = anomalyChart(examplePlot(20, 3, { bounds, reasons }), SIZE);
    const [expected, lower, upper] = data.datasets.slice(5);
    expect(expected).toMatchObject({ label: 'expected', yAxisID: 'value' });
    expect(new Set(expected?.data.map(({ y }) => y))).toEqual(new Set([210]));
    expect(lower?.data).toHaveLength(15);
    const low = Math.min(...(data.datasets[0]?.data ?? []).map(({ y }) => y));
    expect(Math.max(...(lower?.data ?? []).map(({ y }) => y))).toBeGreaterThan(low - 100);
    expect(new Set(upper?.data.map(({ y }) => y))).toEqual(new Set([220]));
    const [, first, second] = Object(options?.plugins?.subtitle?.text);
    expect(first).toBe(`2026-11-23 06:00:16 UTC: ${reasons[0]?.text}`);
    expect(second).toHaveLength(120);
  });

  it('gives each column a panel with its own axis and bounds, the first on top, the score below them', () => {
    const { options, data } = anomalyChart(examplePanels(20, 3, { temperature: 0.3, power: 1, flow: 0.01 }), {
      width: 1200,
      height: 960,
    });
    const axes = Object(options?.scales);
    expect(Object.keys(axes)).toEqual(['x', 'score', 'value', 'value2', 'value3']);
    const panels = [axes.value, axes.value2, axes.value3];
    expect(panels.map(({ title, stack, weight }) => [title.text, stack, weight])).toEqual([
      ['temperature', 'values', 0],
      ['power', 'values', 1],
      ['flow', 'values', 2],
    ]);
    expect(panels.reduce((sum, { stackWeight }) => sum + stackWeight, 0)).toBeCloseTo(1, 12);
    // Where an axis has its number, as a share of the plot's height, from the top down.
    const above = (at: number) => panels.slice(0, at).reduce((sum, { stackWeight }) => sum + stackWeight, 0);
    const placeOf = (at: number, y: number) => {
      const { min, max, stackWeight } = panels[at];
      return above(at) + stackWeight * (1 - (y - min) / (max - min));
    };
    const { min, max } = axes.score;
    const places = [
      ...[60, 150].map((y) => placeOf(0, y)).reverse(),
      ...[200, 500].map((y) => placeOf(1, y)).reverse(),
      ...[2, 5].map((y) => placeOf(2, y)).reverse(),
      1 - (1 - min) / (max - min),
      1 - (0 - min) / (max - min),
    ];
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(places[0]).toBeGreaterThan(0);
    expect(places.at(-1)).toBeLessThan(1);
    const drawn = data.datasets.map(({ label, yAxisID }) => `${label} ${yAxisID}`);
    expect(drawn.filter((text) => text.endsWith(' value2'))).toEqual([
      'power value2',
      'anomalous value2',
      'expected value2',
      'lower bound value2',
      'upper bound value2',
    ]);
    expect(options?.plugins?.title?.text).toBe('Anomalies - Temperature, power, flow - bosch-gmbh-m1');
  });

  it('counts in the subtitle and dots the rows of a short series only', () => {
    const short = anomalyChart(examplePlot(20, 3), SIZE);
    expect(short.options?.plugins?.subtitle?.text).toEqual([
      '20 rows, 3 anomalous, 2026-11-23 06:00:00 to 2026-11-23 06:00:19 UTC',
    ]);
    const long = anomalyChart(examplePlot(200_000, 0), SIZE);
    expect(String(long.options?.plugins?.subtitle?.text)).toMatch(/^200,000 rows, none anomalous, /);
    expect(new Set(Object(short.data.datasets[0]).pointRadius)).toEqual(new Set([2.5]));
    expect(new Set(Object(long.data.datasets[0]).pointRadius)).toEqual(new Set([0]));
  });

  it('names the lines and the marks in the legend, marks only where there are any', () => {
    const legendOf = (data: PlotData): string[] => {
      const { options } = anomalyChart(data, SIZE);
      const labels: { text: string }[] = Object(options?.plugins?.legend?.labels).generateLabels();
      return labels.map(({ text }) => text);
    };
    expect(legendOf(examplePlot(10_000, 1234))).toEqual(['power', 'score', 'threshold 0.8', 'anomalous (1,234)']);
    expect(legendOf(examplePlot(20, 0))).toEqual(['power', 'score', 'threshold 0.8']);
    const expected = new Float64Array(20).fill(210);
    expect(legendOf(examplePlot(20, 0, { bounds: { expected, lower: expected, upper: expected } }))).toEqual([
      ...['power', 'score', 'threshold 0.8', 'expected', 'its bounds'],
    ]);
    const without = examplePlot(20, 0, { values: new Float64Array(20).fill(Number.NaN), threshold: 0.1 + 0.2 });
    expect(legendOf(without)).toEqual(['power: no values', 'score', 'threshold 0.3']);
  });

  it('shows a row between two gaps as a dot', () => {
    const data = examplePlot(1000, 0);
    valuesOf(data)[500] = Number.NaN;
    valuesOf(data)[502] = Number.NaN;
    const { datasets } = anomalyChart(data, { width: 4000, height: 600 }).data;
    const radii: number[] = Object(datasets[0]).pointRadius;
    expect(radii.filter((radius) => radius > 0)).toHaveLength(1);
  });
});
