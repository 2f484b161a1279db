import type { LegendItem, Scale } from 'chart.js';
import type { NumberTicks } from './number-axis.js';
import type { PlotPoint, Range } from './reduce.js';

/** Family of the text in a chart; the PNG renderer registers its own font under the first name. */
export const CHART_FONT = '"halfspace sans", "DejaVu Sans", sans-serif';
/** The bold text's family. A name of its own, asked for at normal weight: by weight, an installed font would be taken instead. */
export const CHART_BOLD_FONT = '"halfspace sans bold", "DejaVu Sans", sans-serif';

/** Blue, green and red of Paul Tol's and Okabe and Ito's kind: they differ in lightness too, and the marks in shape. */
export const COLOURS = {
  score: '#1f6fb4',
  value: '#12936a',
  anomalous: '#d7191c',
  expected: '#b45f06',
  bound: '#dfa878',
  threshold: '#5b6b85',
  text: '#1f2937',
  faintText: '#6b7280',
  grid: '#e5e7eb',
  background: '#ffffff',
} as const;

/** A line through points, broken at each NaN; `dotted` shows each point. */
export function lineStyle(points: readonly PlotPoint[], colour: string, dotted: boolean) {
  return {
    data: [...points],
    borderColor: colour,
    backgroundColor: colour,
    borderWidth: dotted ? 2 : 1.25,
    borderJoinStyle: 'round' as const,
    // A point without neighbours has no line to be seen by.
    pointRadius: points.map((_, at) => (dotted ? 2.5 : isAlone(points, at) ? 1.25 : 0)),
    pointHoverRadius: 3,
    tension: 0,
    spanGaps: false,
  };
}

function isAlone(points: readonly PlotPoint[], at: number): boolean {
  return Number.isNaN(points[at - 1]?.y ?? Number.NaN) && Number.isNaN(points[at + 1]?.y ?? Number.NaN);
}

/** Red marks without a line; a radius of 0 leaves them to another hand. */
export function markStyle(points: readonly PlotPoint[], pointStyle: 'circle' | 'triangle', radius: number) {
  return {
    data: [...points],
    showLine: false,
    borderColor: COLOURS.anomalous,
    backgroundColor: COLOURS.anomalous,
    pointBorderColor: COLOURS.background,
    pointBorderWidth: radius > 4 ? 1 : 0,
    pointStyle,
    pointRadius: pointStyle === 'triangle' && radius > 0 ? radius + 1 : radius,
    pointHoverRadius: radius + 2,
  };
}

/** A y axis whose `range` fills only a band of the plot; its ticks and grid lines stay within. */
export function bandAxis(range: Range, band: { from: number; to: number }, shown: NumberTicks, colour: string) {
  const span = (range.high - range.low) / (band.to - band.from);
  const min = range.low - band.from * span;
  return {
    type: 'linear' as const,
    min,
    max: min + span,
    grid: { color: COLOURS.grid },
    afterBuildTicks: (axis: Scale) => {
      axis.ticks = shown.values.map((value, at) => ({ value, label: shown.labels[at] ?? '' }));
    },
    ticks: {
      color: colour,
      font: { size: 12 },
      autoSkip: false,
      callback: (_value: string | number, at: number) => shown.labels[at] ?? '',
    },
  };
}

/** A legend entry with a stretch of line. */
export function legendLine(datasetIndex: number, text: string, colour: string, lineDash: number[] = []): LegendItem {
  return {
    datasetIndex,
    text,
    fontColor: COLOURS.text,
    strokeStyle: colour,
    lineWidth: 2,
    lineDash,
    pointStyle: 'line',
  };
}

/** A legend entry with a red dot. */
export function legendMark(datasetIndex: number, text: string): LegendItem {
  return {
    datasetIndex,
    text,
    fontColor: COLOURS.text,
    fillStyle: COLOURS.anomalous,
    lineWidth: 0,
    pointStyle: 'circle',
  };
}
