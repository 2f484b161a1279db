import type { ChartConfiguration, LegendItem, Scale } from 'chart.js';
import { bandsOf, type Panel } from './bands.js';
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
import { chartSubtitle, chartTitle, grouped, reasonLine, shortText } from './chart-text.js';
import { type NumberTicks, numberTicks } from './number-axis.js';
import type { PlotColumn, PlotData } from './plot-data.js';
import { drawableRange, type PlotPoint, type Range, type ReducedColumn, reducePlot } from './reduce.js';
import { timeTicks } from './time-axis.js';

/** Pixels of a chart. */
export interface ChartSize {
  readonly width: number;
  readonly height: number;
}

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
const EXPECTED = 5;
const EXPECTED_DASH = [4, 3];
/** Longest name of a column, where it has the plot's height or only a panel's. */
const NAME_LENGTH = 40;
const PANEL_NAME_LENGTH = 20;

/** A value column as it is drawn. */
interface DrawnColumn {
  readonly name: string;
  readonly axis: string;
  readonly isEmpty: boolean;
  readonly ticks: NumberTicks;
  readonly panel: Panel;
  readonly points: ReducedColumn;
}

/**
 * A Chart.js 4 configuration (linear x axis in milliseconds, no date adapter) that shows score and values of one machine
 * over time, each column in a panel of its own, with the anomalous rows marked on all. Holds a few thousand points a line
 * whatever the number of rows.
 */
export function anomalyChart(data: PlotData, size: ChartSize): ChartConfiguration<'line', PlotPoint[]> {
  const { width, height } = size;
  const rows = data.timesMs.length;
  const anomalies = data.anomalous.reduce((sum, flag) => sum + flag, 0);
  const [fromMs, toMs] = timeBounds(data.timesMs);
  const ticks = timeTicks(fromMs, toMs, Math.floor(width / TIME_TICK_PX));
  const bands = bandsOf(data.columns.length);
  const reduced = reducePlot(data, {
    columns: width,
    scoreRows: Math.ceil(height * (bands.score.to - bands.score.from)),
    valueRows: Math.ceil(height * (bands.panels[0]?.height ?? 1)),
  });
  const drawn = data.columns.flatMap((column, at) => {
    const [panel, points] = [bands.panels[at], reduced.columns[at]];
    return panel === undefined || points === undefined ? [] : [drawnColumn(column, at, panel, points, data)];
  });
  const [first, ...others] = drawn;
  const hasBounds = drawn.some(({ points }) => points.expected.length > 0);
  const dotted = rows * DOTTED_ROW_PX <= width;
  const marks = Math.max(reduced.anomalousScores.length, ...drawn.map(({ points }) => points.anomalous.length));
  const dense = marks > MARKS_DENSE;
  const markRadius = marks <= MARKS_LARGE ? 5 : dense ? 0 : 3.5;
  const thresholdText = `threshold ${Number(data.threshold.toPrecision(4))}`;
  const valueText = drawn.map(({ name, isEmpty }) => (isEmpty ? `${name}: no values` : name)).join(', ');
  const legend: LegendItem[] = [
    legendLine(VALUE, valueText, COLOURS.value),
    legendLine(SCORE, 'score', COLOURS.score),
    legendLine(THRESHOLD, thresholdText, COLOURS.threshold, [5, 3]),
    ...(hasBounds ? [legendLine(EXPECTED, 'expected', COLOURS.expected, EXPECTED_DASH)] : []),
    ...(hasBounds ? [legendLine(EXPECTED + 1, 'its bounds', COLOURS.bound)] : []),
    // One entry stands for the marks on all lines, and none where nothing is marked.
    ...(anomalies > 0 ? [legendMark(ANOMALOUS_VALUE, `anomalous (${grouped(anomalies)})`)] : []),
  ];
  const valueLine = ({ name, axis, points }: DrawnColumn) => ({
    ...lineStyle(points.values, COLOURS.value, dotted),
    label: name,
    yAxisID: axis,
    order: 3,
  });
  const valueMarks = ({ axis, points }: DrawnColumn) => ({
    ...markStyle(points.anomalous, 'circle', markRadius),
    label: 'anomalous',
    yAxisID: axis,
    order: 1,
  });

  return {
    type: 'line',
    data: {
      datasets: [
        ...(first === undefined ? [] : [valueLine(first)]),
        { ...lineStyle(reduced.scores, COLOURS.score, dotted), label: 'score', yAxisID: 'score', order: 4 },
        {
          ...lineStyle(rows === 0 ? [] : thresholdLine(fromMs, toMs, data.threshold), COLOURS.threshold, false),
          label: thresholdText,
          yAxisID: 'score',
          order: 5,
          borderDash: [7, 5],
        },
        ...(first === undefined ? [] : [valueMarks(first)]),
        {
          ...markStyle(reduced.anomalousScores, 'triangle', markRadius),
          label: 'anomalous score',
          yAxisID: 'score',
          order: 2,
        },
        ...(first === undefined ? [] : expectedLines(first)),
        ...others.flatMap((column) => [valueLine(column), valueMarks(column), ...expectedLines(column)]),
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
          ...bandAxis({ low: 0, high: 1 }, bands.score, height < LOW_PX ? FEW_SCORE_TICKS : SCORE_TICKS, COLOURS.score),
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
        ...Object.fromEntries(drawn.map((column, at) => [column.axis, valueAxis(column, at, drawn.length)])),
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
          text: [chartSubtitle(data.timesMs, anomalies), ...data.reasons.map(reasonLine)],
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
    plugins: [background, ...(dense ? [denseMarks] : []), ...(rows === 0 ? [notice('no rows')] : [])],
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

function drawnColumn(
  { name, values }: PlotColumn,
  at: number,
  panel: Panel,
  points: ReducedColumn,
  { columns }: PlotData,
): DrawnColumn {
  const range = drawableRange(values);
  return {
    name: shortText(name, columns.length === 1 ? NAME_LENGTH : PANEL_NAME_LENGTH),
    axis: at === 0 ? 'value' : `value${at + 1}`,
    isEmpty: range === null,
    ticks: numberTicks(range?.low ?? 0, range?.high ?? 1, VALUE_TICK_COUNT),
    panel,
    points,
  };
}

function valueAxis({ name, isEmpty, ticks, panel }: DrawnColumn, at: number, count: number) {
  return {
    ...bandAxis(tickRange(ticks), panel.band, ticks, COLOURS.value),
    position: 'right' as const,
    display: !isEmpty,
    // A stack of axes shares the plot's height, lighter ones above.
    ...(count === 1 ? {} : { stack: 'values', stackWeight: panel.share, weight: at }),
    title: {
      display: true,
      text: name,
      align: 'end' as const,
      color: COLOURS.value,
      font: { size: 13, family: CHART_BOLD_FONT, weight: 'normal' as const },
    },
  };
}

function expectedLines({ axis, ticks, points }: DrawnColumn) {
  if (points.expected.length === 0) return [];
  const line = (label: string, ys: readonly PlotPoint[], colour: string) => ({
    ...lineStyle(clamped(ys, tickRange(ticks)), colour, false),
    label,
    yAxisID: axis,
    order: 6,
  });
  return [
    // Over the values, whose noise would hide it.
    { ...line('expected', points.expected, COLOURS.expected), borderDash: EXPECTED_DASH, order: 2 },
    line('lower bound', points.lower, COLOURS.bound),
    line('upper bound', points.upper, COLOURS.bound),
  ];
}

/** Bounds far away from the values run along the edge of their band. */
function clamped(points: readonly PlotPoint[], { low, high }: Range): PlotPoint[] {
  return points.map(({ x, y }) => ({ x, y: Math.min(high, Math.max(low, y)) }));
}

function tickRange(ticks: NumberTicks): Range {
  return { low: ticks.values[0] ?? 0, high: ticks.values[ticks.values.length - 1] ?? 1 };
}
