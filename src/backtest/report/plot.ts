import { numberTicks } from '../../charts/number-axis.js';
import { drawableRange } from '../../charts/reduce.js';
import { timeTicks } from '../../charts/time-axis.js';
import type { PipelineSettings } from '../../contract/pipeline.js';
import { rulesOf } from '../../verdict/machine-rules.js';
import type { BacktestResult, MachineResult } from '../backtest.js';
import type { TimeGrid } from '../time-grid.js';
import { escaped } from './html.js';
import { learningText } from './learning-text.js';

const LEFT = 62;
const RIGHT = 14;
/** Room for a panel's name above it. */
const NAME = 18;
const VALUE_HEIGHT = 110;
const SCORE_HEIGHT = 56;
const TIMES_HEIGHT = 34;
const TIME_LABEL_PX = 100;
/** A stretch without rows longer than this many median distances is a gap, and one of that many pixels can be seen. */
const GAP_MEDIANS = 5;
const VISIBLE_GAP = 2;

/** Value of a panel → its y. */
type Scale = (value: number) => number;

/** One machine: a panel a value column, below them one a variant with its score. SVG, drawn from pixels: its size is bounded. */
export function machinePlot(result: BacktestResult, machine: MachineResult): string {
  const { grid, variants } = result;
  const names = variants[0]?.settings.source.values ?? [];
  const parts: string[] = [];
  let top = 0;
  machine.values.lows.forEach((lows, i) => {
    const highs = machine.values.highs[i] ?? lows;
    parts.push(valuePanel(result, machine, names[i] ?? '', lows, highs, top + NAME));
    top += NAME + VALUE_HEIGHT;
  });
  variants.forEach(({ name, settings }, i) => {
    parts.push(scorePanel(machine, i, variants.length > 1 ? `score, ${name}` : 'score', settings, grid, top + NAME));
    top += NAME + SCORE_HEIGHT;
  });
  parts.push(timeAxis(grid, top));
  const height = top + TIMES_HEIGHT;
  const anomalies = machine.outcomes.map((outcome) => outcome.anomalies).join(', ');
  return (
    `<svg role="img" viewBox="0 0 ${LEFT + grid.columns + RIGHT} ${height}" xmlns="http://www.w3.org/2000/svg">` +
    `<title>Values and scores of ${escaped(machine.uniqueId)} over time; anomalous rows: ${anomalies}</title>` +
    `${parts.join('')}</svg>\n`
  );
}

function valuePanel(
  { grid, variants }: BacktestResult,
  machine: MachineResult,
  name: string,
  lows: Float64Array,
  highs: Float64Array,
  top: number,
): string {
  const [low, high] = [drawableRange(lows)?.low, drawableRange(highs)?.high];
  const label = `<text class="name" x="${LEFT}" y="${top - 5}">${escaped(name)}</text>`;
  if (low === undefined || high === undefined) {
    return `${label}<text x="${LEFT + 8}" y="${top + 20}">no values</text>`;
  }
  const ticks = numberTicks(low, high, 3);
  const [from, to] = [ticks.values[0] ?? low, ticks.values.at(-1) ?? high];
  const y: Scale = (value) => top + VALUE_HEIGHT - ((value - from) / (to - from || 1)) * VALUE_HEIGHT;
  const lines = ticks.values.map((value, i) => gridLine(grid, y(value), ticks.labels[i] ?? ''));
  const [only, ...others] = machine.outcomes;
  const marks = only === undefined || others.length > 0 ? '' : stretches(only.anomalous, top, VALUE_HEIGHT);
  const drawn = variants.length === 0 ? '' : `<path class="value" d="${valuePath(lows, highs, y)}"/>`;
  return label + lines.join('') + labelMarks(machine, grid, top, VALUE_HEIGHT) + marks + drawn;
}

function scorePanel(
  machine: MachineResult,
  index: number,
  name: string,
  settings: PipelineSettings,
  grid: TimeGrid,
  top: number,
): string {
  const outcome = machine.outcomes[index];
  if (outcome === undefined) return '';
  const y: Scale = (score) => top + SCORE_HEIGHT - score * SCORE_HEIGHT;
  const threshold = y(rulesOf(settings.verdict, machine.uniqueId).threshold);
  const learning = learningText(outcome);
  const label = learning === '' ? name : `${name} (${learning})`;
  return (
    `<text class="name" x="${LEFT}" y="${top - 5}">${escaped(label)}</text>` +
    gridLine(grid, y(0), '0') +
    gridLine(grid, y(1), '1') +
    labelMarks(machine, grid, top, SCORE_HEIGHT) +
    stretches(outcome.anomalous, top, SCORE_HEIGHT) +
    `<path class="threshold" d="M${LEFT} ${short(threshold)}h${grid.columns}"/>` +
    `<path class="score" d="${valuePath(outcome.scores, outcome.scores, y)}"/>`
  );
}

function gridLine({ columns }: TimeGrid, y: number, label: string): string {
  return (
    `<path class="grid" d="M${LEFT} ${short(y)}h${columns}"/>` +
    `<text x="${LEFT - 5}" y="${short(y + 3)}" text-anchor="end">${escaped(label)}</text>`
  );
}

/** A line through what each pixel column has, broken at gaps; in steps from point to point, which are short to write. */
function valuePath(lows: Float64Array, highs: Float64Array, y: Scale): string {
  const at: number[] = [];
  lows.forEach((low, column) => {
    if (!Number.isNaN(low)) at.push(column);
  });
  const gap = gapOf(at);
  let path = '';
  let before = Number.NaN;
  let last = 0;
  for (const column of at) {
    const ends = [y(drawable(Number(lows[column]))), y(drawable(Number(highs[column])))].map(halved);
    // The end nearer to where the line is comes first.
    if (Math.abs(Number(ends[1]) - last) < Math.abs(Number(ends[0]) - last)) ends.reverse();
    const [first = 0, second = 0] = ends;
    const isBroken = !(column - before <= gap);
    if (isBroken) path += `M${LEFT + column} ${first}${first === second ? 'h1h-1' : ''}`;
    else path += first === last ? `h${column - before}` : `l${column - before} ${first - last}`;
    if (first !== second) path += `v${second - first}`;
    before = column;
    last = second;
  }
  return path;
}

/** Columns without anything from here on are a gap. */
function gapOf(columns: readonly number[]): number {
  const steps = columns.slice(1).map((column, i) => column - (columns[i] ?? 0));
  const median = steps.sort((a, b) => a - b)[steps.length >> 1] ?? 1;
  return Math.max(GAP_MEDIANS * median, VISIBLE_GAP);
}

/** To half a pixel. */
function halved(px: number): number {
  return Math.round(px * 2) / 2;
}

const DRAWABLE = 1e300;

function drawable(value: number): number {
  return Math.min(DRAWABLE, Math.max(-DRAWABLE, value));
}

function stretches(anomalous: Uint8Array, top: number, height: number): string {
  const marks: string[] = [];
  for (let from = 0; from < anomalous.length; from++) {
    if (anomalous[from] !== 1) continue;
    let to = from;
    while (anomalous[to + 1] === 1) to++;
    marks.push(rectangle(from, to, top, height));
    from = to;
  }
  return area('anomalous', marks);
}

function labelMarks({ labels }: MachineResult, grid: TimeGrid, top: number, height: number): string {
  const shown = labels ?? [];
  const marks = shown.map(({ first, last }) => rectangle(grid.columnOf(first), grid.columnOf(last), top, height));
  return area('label', [...new Set(marks)]);
}

function area(kind: 'anomalous' | 'label', rectangles: readonly string[]): string {
  return rectangles.length === 0 ? '' : `<path class="${kind}" d="${rectangles.join('')}"/>`;
}

function rectangle(from: number, to: number, top: number, height: number): string {
  const width = Math.max(to - from + 1, 2); // so that it is seen
  return `M${LEFT + from} ${top}h${width}v${height}h${-width}z`;
}

function timeAxis({ fromMs, toMs, columns }: TimeGrid, top: number): string {
  const ticks = timeTicks(fromMs, toMs, Math.floor(columns / TIME_LABEL_PX));
  return ticks
    .map(({ ms, label: [first = '', second = ''] }) => {
      const x = short(LEFT + ((ms - fromMs) / Math.max(toMs - fromMs, 1)) * columns);
      const below = second === '' ? '' : `<text x="${x}" y="${top + 27}" text-anchor="middle">${second}</text>`;
      return `<path class="grid" d="M${x} ${top}v4"/><text x="${x}" y="${top + 15}" text-anchor="middle">${first}</text>${below}`;
    })
    .join('');
}

/** One digit behind the point is a tenth of a pixel. */
function short(px: number): string {
  return String(Math.round(px * 10) / 10);
}
