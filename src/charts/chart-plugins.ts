import type { Chart, Plugin } from 'chart.js';
import { CHART_FONT, COLOURS } from './chart-style.js';

const DENSE_MARK_PX = 4;

/** Paints the whole canvas white, below everything else. */
export const background: Plugin<'line'> = {
  id: 'halfspace-background',
  beforeDraw: ({ ctx, width, height }) => {
    ctx.save();
    ctx.fillStyle = COLOURS.background;
    ctx.fillRect(0, 0, width, height);
    ctx.restore();
  },
};

/** Writes one line of text in the middle of the canvas. */
export function notice(text: string): Plugin<'line'> {
  return {
    id: 'halfspace-notice',
    afterDraw: ({ ctx, width, height }) => {
      ctx.save();
      ctx.fillStyle = COLOURS.faintText;
      ctx.font = `20px ${CHART_FONT}`;
      ctx.textAlign = 'center';
      ctx.textBaseline = 'middle';
      ctx.fillText(text, width / 2, height / 2);
      ctx.restore();
    },
  };
}

/** Draws the points of the datasets without a line as red squares over the lines: several times as fast as a shape each. */
export const denseMarks: Plugin<'line'> = {
  id: 'halfspace-dense-marks',
  afterDatasetsDraw: (chart) => {
    const { ctx } = chart;
    ctx.save();
    ctx.fillStyle = COLOURS.anomalous;
    chart.data.datasets.forEach(({ showLine }, at) => {
      if (showLine === false && chart.isDatasetVisible(at)) drawSquares(chart, at);
    });
    ctx.restore();
  },
};

function drawSquares(chart: Chart<'line'>, at: number): void {
  const { xScale, yScale } = chart.getDatasetMeta(at);
  if (xScale === undefined || yScale === undefined) return;
  for (const point of chart.data.datasets[at]?.data ?? []) {
    if (point === null || typeof point === 'number' || point.x === null || point.y === null) continue;
    const left = xScale.getPixelForValue(point.x) - DENSE_MARK_PX / 2;
    const top = yScale.getPixelForValue(point.y) - DENSE_MARK_PX / 2;
    chart.ctx.fillRect(left, top, DENSE_MARK_PX, DENSE_MARK_PX);
  }
}
