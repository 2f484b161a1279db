import type { ChartConfiguration, LegendItem, Scale } from 'chart.js';
import { background, denseMarks, notice } from './chart-plugins.js';
import {
  bandAxis,
  CHART_BOLD_FONT,
  CHART_FONT,
  COLOURS,
  legendLine,
  legendMark,
  lineStyle,
  markStyle,
} from './chart-style.js';
import { chartSubtitle, chartTitle, grouped, shortText } from './chart-text.js';
import { type NumberTicks, numberTicks } from './number-axis.js';
import type { PlotData } from './plot-data.js';
import { drawableRange, type PlotPoint, type Range, reducePlot } from './reduce.js';
import { timeTicks } from './time-axis.js';

/** Pixels of a chart. */
export interface ChartSize {
  readonly width: number;
  readonly height: number;
}

/** Shares of the plot's height, bottom up: the score below, the value above it, so that neither hides the other. */
const SCORE_BAND = { from: 0.02, to: 0.34 } as const;
const VALUE_BAND = { from: 0.43, to: 0.97 } as const;
const SCORE_TICKS: NumberTicks = { values: [0, 0.25, 0.5, 0.75, 1], labels: ['0', '0.25', '0.5', '0.75', '1'] };
const FEW_SCORE_TICKS: NumberTicks = { values: [0, 0.5, 1], labels: ['0', '0.5', '1'] };
const LOW_PX = 420; // below this height quarters of the score stand too close
const VALUE_TICK_COUNT = 5;
const TIME_TICK_PX = 110; // widest label (a date) and the room to its neighbour
const TITLE_MARGIN_PX = 40;
/** With more rows than one in this many pixels single rows are no longer dotted. */
const DOTTED_ROW_PX = 8;
/** Up to this many marks are large. */
const MARKS_LARGE = 50;
/** More marks than this are drawn as plain squares: a shape each takes several times as long. */
const MARKS_DENSE = 2000;
const LEGEND_SYMBOL_PX = 14;
/** Places in the list of datasets. */
const VALUE = 0;
const SCORE = 1;
const THRESHOLD = 2;
const ANOMALOUS_VALUE = 3;
const ANOMALOUS_SCORE = 4;
const EXPECTED = 5;
/** Longest line of a reason. */
const REASON_LENGTH = 120;

/**
 * A Chart.js 4 configuration (linear x axis in milliseconds, no date adapter) that shows value and score of one machine
 * over time with the anomalous rows marked on both. Holds a few thousand points whatever the number of rows.
 */
export function anomalyChart(data: PlotData, size: ChartSize): ChartConfiguration<'line', PlotPoint[]> {
  const { width, height } = size;
  const rows = data.timesMs.length;
  const anomalies = data.anomalous.reduce((sum, flag) => sum + flag, 0);
  const valueRange = drawableRange(data.values);
  const valueTicks = numberTicks(valueRange?.low ?? 0, valueRange?.high ?? 1, VALUE_TICK_COUNT);
  const [fromMs, toMs] = timeBounds(data.timesMs);
  const ticks = timeTicks(fromMs, toMs, Math.floor(width / TIME_TICK_PX));
  const reduced = reducePlot(data, {
    columns: width,
    scoreRows: Math.ceil(height * (SCORE_BAND.to - SCORE_BAND.from)),
    valueRows: Math.ceil(height * (VALUE_BAND.to - VALUE_BAND.from)),
  });
  const hasBounds = reduced.expected.length > 0;
  const within = (points: readonly PlotPoint[]) => clamped(points, tickRange(valueTicks));
  const dotted = rows * DOTTED_ROW_PX <= width;
  const marks = Math.max(reduced.anomalousScores.length, reduced.anomalousValues.length);
  const dense = marks > MARKS_DENSE;
  const markRadius = marks <= MARKS_LARGE ? 5 : dense ? 0 : 3.5;
  const thresholdText = `threshold ${Number(data.threshold.toPrecision(4))}`;
  const column = shortText(data.column, 40);
  const legend: LegendItem[] = [
    legendLine(VALUE, valueRange === null ? `${column}: no values` : column, COLOURS.value),
    legendLine(SCORE, 'score', COLOURS.score),
    legendLine(THRESHOLD, thresholdText, COLOURS.threshold, [5, 3]),
    ...(hasBounds ? [legendLine(EXPECTED, 'expected, and its bounds', COLOURS.expected, [2, 2])] : []),
    // One entry stands for the marks on both lines, and none where nothing is marked.
    ...(anomalies > 0 ? [legendMark(ANOMALOUS_VALUE, `anomalous (${grouped(anomalies)})`)] : []),
  ];

  return {
    type: 'line',
    data: {
      datasets: [
        {
          ...lineStyle(reduced.values, COLOURS.value, dotted),
          label: column,
          yAxisID: 'value',
          order: 3,
        },
        { ...lineStyle(reduced.scores, COLOURS.score, dotted), label: 'score', yAxisID: 'score', order: 4 },
        {
          ...lineStyle(rows === 0 ? [] : thresholdLine(fromMs, toMs, data.threshold), COLOURS.threshold, false),
          label: thresholdText,
          yAxisID: 'score',
          order: 5,
          borderDash: [7, 5],
        },
        {
          ...markStyle(reduced.anomalousValues, 'circle', markRadius),
          label: 'anomalous',
          yAxisID: 'value',
          order: 1,
        },
        {
          ...markStyle(reduced.anomalousScores, 'triangle', markRadius),
          label: 'anomalous score',
          yAxisID: 'score',
          order: 2,
        },
        ...(hasBounds
          ? [
              expectedLine('expected', within(reduced.expected), 1),
              expectedLine('lower bound', within(reduced.lower), 0.5),
              expectedLine('upper bound', within(reduced.upper), 0.5),
            ]
          : []),
      ],
    },
    options: {
      responsive: false,
      animation: false,
      parsing: false,
      normalized: true,
      devicePixelRatio: 1,
      color: COLOURS.text,
      font: { family: CHART_FONT, size: 13 },
      layout: { padding: { top: 8, right: 18, bottom: 8, left: 18 } },
      interaction: { mode: 'nearest', axis: 'x', intersect: false },
      scales: {
        x: {
          type: 'linear',
          min: fromMs,
          max: toMs,
          display: rows > 0,
          title: { display: true, text: 'time (UTC)', color: COLOURS.faintText, font: { size: 13 } },
          grid: { color: COLOURS.grid },
          afterBuildTicks: (axis: Scale) => {
            axis.ticks = ticks.map((tick) => ({ value: tick.ms, label: [...tick.label] }));
          },
          ticks: {
            color: COLOURS.text,
            font: { size: 12 },
            autoSkip: false,
            maxRotation: 0,
            callback: (_value, index) => [...(ticks[index]?.label ?? [])],
          },
        },
        score: {
          ...bandAxis({ low: 0, high: 1 }, SCORE_BAND, height < LOW_PX ? FEW_SCORE_TICKS : SCORE_TICKS, COLOURS.score),
          position: 'left',
          display: rows > 0,
          title: {
            display: true,
            text: 'score',
            align: 'start',
            color: COLOURS.score,
            font: { size: 13, family: CHART_BOLD_FONT, weight: 'normal' },
          },
        },
        value: {
          ...bandAxis(tickRange(valueTicks), VALUE_BAND, valueTicks, COLOURS.value),
          position: 'right',
          display: valueRange !== null,
          title: {
            display: true,
            text: column,
            align: 'end',
            color: COLOURS.value,
            font: { size: 13, family: CHART_BOLD_FONT, weight: 'normal' },
          },
        },
      },
      plugins: {
        title: {
          display: true,
          text: chartTitle(data, width - TITLE_MARGIN_PX),
          color: COLOURS.text,
          font: { size: 17, family: CHART_BOLD_FONT, weight: 'normal' },
          padding: { top: 4, bottom: 4 },
        },
        subtitle: {
          display: rows > 0,
          text: [chartSubtitle(data.timesMs, anomalies), ...data.reasons.map((text) => shortText(text, REASON_LENGTH))],
          color: COLOURS.faintText,
          font: { size: 13 },
          padding: { bottom: 4 },
        },
        legend: {
          display: rows > 0,
          position: 'top',
          labels: {
            usePointStyle: true,
            pointStyleWidth: LEGEND_SYMBOL_PX,
            boxHeight: LEGEND_SYMBOL_PX * Math.SQRT1_2, // Chart.js takes it for half a diagonal
            padding: 18,
            font: { size: 13 },
            generateLabels: () => legend,
          },
        },
      },
    },
    plugins: [
      background,
      ...(dense ? [denseMarks([ANOMALOUS_SCORE, ANOMALOUS_VALUE])] : []),
      ...(rows === 0 ? [notice('no rows')] : []),
    ],
  };
}

/** First and last time with a little room on each side, so that marks at the ends are whole. */
function timeBounds(timesMs: Float64Array): readonly [number, number] {
  const fromMs = timesMs[0] ?? 0;
  const toMs = timesMs[timesMs.length - 1] ?? 0;
  const room = toMs > fromMs ? (toMs - fromMs) * 0.01 : 1000;
  return [fromMs - room, toMs + room];
}

function thresholdLine(fromMs: number, toMs: number, threshold: number): PlotPoint[] {
  return [
    { x: fromMs, y: threshold },
    { x: toMs, y: threshold },
  ];
}

function expectedLine(label: string, points: readonly PlotPoint[], width: number) {
  return {
    ...lineStyle(points, COLOURS.expected, false),
    label,
    yAxisID: 'value',
    order: 6,
    borderWidth: width,
    borderDash: [2, 2],
  };
}

/** Bounds far away from the values run along the edge of their band. */
function clamped(points: readonly PlotPoint[], { low, high }: Range): PlotPoint[] {
  return points.map(({ x, y }) => ({ x, y: Math.min(high, Math.max(low, y)) }));
}

function tickRange(ticks: NumberTicks): Range {
  return { low: ticks.values[0] ?? 0, high: ticks.values[ticks.values.length - 1] ?? 1 };
}
