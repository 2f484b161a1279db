import { useOfNormalised } from '../config/detector-schema.js';
import type { PipelineSettings } from '../contract/pipeline.js';
import { roundLimits } from './limits.js';
import type { ColumnFacts, MachineFacts } from './machine-facts.js';
import type { Suggestion } from './suggestions.js';
import { isAlert, isQuiet, ordinaryText, percent, problemText, type Trial, type TrialOutcome } from './trial.js';

/**
 * Room on each side of what is typical, in widths of it, the narrowest first: narrow limits see small changes, wide ones
 * take fewer healthy rows for odd. On 17,280 rows of Gaussian noise 0.2 % were anomalous with a room of 12, 6 % with 5, 27 %
 * with 2. No side is cut off at 0: values at the edge of the limits look rare.
 */
const ROOMS = [1, 2, 3, 5, 8, 12, 25];
/** Where nothing could be tried. */
const USUAL_ROOM = 12;

interface Seen {
  readonly name: string;
  /** Lowest and highest value of all machines. */
  readonly range: readonly [number, number];
  /** The same without one value in a hundred on each side. */
  readonly typical: readonly [number, number];
}

/**
 * Declared limits for Half-Space Trees that have none, are exceeded, take ordinary rows for odd or do not notice plain faults; only
 * where the rows seen are no odder with them.
 */
export function treeLimits(machines: readonly MachineFacts[], settings: PipelineSettings, trial: Trial): Suggestion[] {
  const { detector, normalise, features, mode } = settings;
  if (useOfNormalised(detector) !== 'needed' || mode === 'replay') return [];
  if (features.some(({ kind }) => kind !== 'value')) return [];
  const names = features.flatMap((feature) => ('column' in feature ? feature.column : []));
  const seen = names.flatMap((name) => seenOf(name, machines));
  // Limits are for all columns or for none.
  if (seen.length < names.length || seen.length === 0) return [];

  const before = trial(settings);
  const declared = typeof normalise === 'string' ? null : normalise;
  const exceeded = declared === null ? [] : exceededBy(seen, declared);
  const why = declared === null ? whyNone(seen, before) : whyWrong(seen, declared, exceeded, before);
  if (why === null) return [];
  const best = bestLimits(seen, settings, trial);
  // Near the ends of what a double holds there is no room to leave.
  if (best === null) return [];
  const { outcome } = best;
  const isMust = declared === null || exceeded.length > 0;
  if (outcome !== null && before !== null && !isBetter(outcome, before, isMust)) return [];
  const result = outcome === null ? '' : `; ${resultText(outcome, before)} with these`;
  return [{ path: ['normalise'], value: best.limits, reason: `${why}${result}` }];
}

/** @param isMust whether what is there cannot stay, so that it is enough not to be worse. */
function isBetter(outcome: TrialOutcome, before: TrialOutcome, isMust: boolean): boolean {
  if (!isQuiet(outcome) && outcome.ordinary > before.ordinary) return false;
  return isMust || !isQuiet(before) || (outcome.noticed ?? 1) > (before.noticed ?? 1);
}

function resultText(outcome: TrialOutcome, before: TrialOutcome | null): string {
  const ordinary = `${percent(outcome.ordinary)} would be`;
  return before === null || isAlert(before) || outcome.noticed === null
    ? ordinary
    : `${ordinary} and ${percent(outcome.noticed)} be noticed`;
}

function seenOf(name: string, machines: readonly MachineFacts[]): Seen[] {
  const facts = machines.flatMap(({ columns }) => columns.filter((column) => column.name === name));
  const ranges = facts.flatMap(({ range }) => (range === null ? [] : [range]));
  const typical = facts.flatMap((column: ColumnFacts) => (column.typical === null ? [] : [column.typical]));
  return ranges.length === 0 ? [] : [{ name, range: around(ranges), typical: around(typical) }];
}

function around(ranges: readonly (readonly [number, number])[]): [number, number] {
  return [Math.min(...ranges.map(([low]) => low)), Math.max(...ranges.map(([, high]) => high))];
}

function whyNone(seen: readonly Seen[], outcome: TrialOutcome | null): string {
  const found = outcome === null ? '' : ` (${ordinaryText(outcome)})`;
  return `${seen.map(seenText).join(', ')}: limits that follow the data leave the trees no room${found}`;
}

type Limits = Readonly<Record<string, readonly [number, number]>>;

function exceededBy(seen: readonly Seen[], declared: Limits): string[] {
  return seen.flatMap(({ name, range: [low, high] }) => {
    const limits = declared[name];
    if (limits === undefined || (low >= limits[0] && high <= limits[1])) return [];
    return [`${name} was seen from ${rangeText([low, high])}, beyond its limits ${rangeText(limits)}`];
  });
}

/** Null where nothing is wrong. */
function whyWrong(
  seen: readonly Seen[],
  declared: Limits,
  exceeded: readonly string[],
  outcome: TrialOutcome | null,
): string | null {
  const problem = outcome === null ? '' : problemText(outcome);
  if (exceeded.length > 0) return [...exceeded, ...(problem === '' ? [] : [problem])].join('; ');
  if (outcome === null || problem === '') return null;
  const all = seen.flatMap(({ name }) =>
    declared[name] === undefined ? [] : [`${name} ${rangeText(declared[name])}`],
  );
  return `${problem} within the limits ${all.join(', ')}, which leave ${isQuiet(outcome) ? 'much' : 'little'} room`;
}

interface Candidate {
  readonly limits: Limits;
  /** Null: nothing could be scored. */
  readonly outcome: TrialOutcome | null;
}

/** The narrowest with which ordinary rows are ordinary, else those with the fewest anomalous ones. */
function bestLimits(seen: readonly Seen[], settings: PipelineSettings, trial: Trial): Candidate | null {
  let best: Candidate | null = null;
  for (const room of ROOMS) {
    const limits = Object.fromEntries(seen.map((column) => [column.name, limitsWith(room, column)]));
    if (Object.values(limits).some(([low, high]) => !Number.isFinite(high - low) || !(low < high))) continue;
    const outcome = trial({ ...settings, normalise: limits });
    if (outcome === null && room !== USUAL_ROOM) continue;
    const isFewer = outcome !== null && best?.outcome != null && outcome.ordinary < best.outcome.ordinary;
    if (best === null || isFewer) best = { limits, outcome };
    if (outcome !== null && isQuiet(outcome)) break;
  }
  return best;
}

function limitsWith(room: number, { range, typical: [low, high] }: Seen): readonly [number, number] {
  const width = high > low ? high - low : Math.max(Math.abs(low), 1);
  return roundLimits([Math.min(low - room * width, range[0]), Math.max(high + room * width, range[1])]);
}

function seenText({ name, typical }: Seen): string {
  return `${name} mostly keeps to ${rangeText(typical)}`;
}

function rangeText([low, high]: readonly [number, number]): string {
  return `${short(low)} to ${short(high)}`;
}

function short(value: number): number {
  return Number(value.toPrecision(3));
}
