import { createRequire } from 'node:module';
import { GlobalFonts } from 'canvas';
import type { ChartConfiguration } from 'chart.js';
import { ChartJSNodeCanvas } from 'chartjs-node-canvas';
import { HalfspaceError } from '../contract/failures.js';
import type { PlotData } from './plot-data.js';
import { anomalyChart, type ChartSize } from './specification.js';

const DEFAULT_SIZE: ChartSize = { width: 1200, height: 600 };
const PANEL_PX = 180; // what each panel after the first adds to the default height
const LEAST_PX = 200; // below, axes and title leave no room for the plot
const MOST_PX = 4096; // 64 MB of pixels
/** Files by the first family of CHART_FONT and CHART_BOLD_FONT: names of our own, so that an installed font never takes their place. */
const FONT_FILES = {
  'halfspace sans': 'dejavu-fonts-ttf/ttf/DejaVuSans.ttf',
  'halfspace sans bold': 'dejavu-fonts-ttf/ttf/DejaVuSans-Bold.ttf',
};

/** Renderers by size: each holds its own copy of Chart.js, and a worker draws in as many sizes as a plot may have panels. */
const renderers = new Map<string, ChartJSNodeCanvas>();

/**
 * A PNG of the chart, the same bytes for the same input; it needs no installed fonts. Synchronous.
 * @throws HalfspaceError `BadSettings` when a side is not an integer from 200 to 4096 pixels.
 */
export function renderPlot(data: PlotData, size: Partial<ChartSize> = {}): Uint8Array {
  const usual = { ...DEFAULT_SIZE, height: DEFAULT_SIZE.height + PANEL_PX * Math.max(0, data.columns.length - 1) };
  const { width, height } = { ...usual, ...size };
  checkSide('width', width);
  checkSide('height', height);
  const chart: ChartConfiguration = anomalyChart(data, { width, height });
  return rendererOf(width, height).renderToBufferSync(chart, 'image/png');
}

function rendererOf(width: number, height: number): ChartJSNodeCanvas {
  const key = `${width}x${height}`;
  const known = renderers.get(key);
  if (known !== undefined) return known;
  if (renderers.size === 0) registerFont();
  const renderer = new ChartJSNodeCanvas({ width, height });
  renderers.set(key, renderer);
  return renderer;
}

function registerFont(): void {
  const { resolve } = createRequire(import.meta.url);
  for (const [family, file] of Object.entries(FONT_FILES)) {
    if (GlobalFonts.registerFromPath(resolve(file), family) === null) {
      throw new Error(`Could not read the font ${file}: install the dependencies again (npm ci)`);
    }
  }
}

function checkSide(name: string, px: number): void {
  if (Number.isInteger(px) && px >= LEAST_PX && px <= MOST_PX) return;
  throw new HalfspaceError(
    'BadSettings',
    `Expected the plot's ${name} to be an integer from ${LEAST_PX} to ${MOST_PX} pixels, got \`${px}\``,
  );
}
