import { useOfNormalised } from '../config/detector-schema.js';
import type { PipelineSettings } from '../contract/pipeline.js';
import { roundLimits } from './limits.js';
import type { ColumnFacts, MachineFacts } from './machine-facts.js';
import type { Suggestion, Trial } from './suggestions.js';

/**
 * Room on each side of what is typical, in widths of it, the narrowest first: narrow limits see small changes, wide ones
 * take fewer healthy rows for odd. On 17,280 rows of Gaussian noise 0.2 % were anomalous with a room of 12, 6 % with 5, 27 %
 * with 2. No side is cut off at 0: values at the edge of the limits look rare.
 */
const ROOMS = [2, 5, 12, 25];
/** Where nothing could be tried. */
const USUAL_ROOM = 12;
/** Share of ordinary rows that may be anomalous under limits that are good enough. */
const GOOD_SHARE = 0.01;

interface Seen {
  readonly name: string;
  /** Lowest and highest value of all machines. */
  readonly range: readonly [number, number];
  /** The same without one value in a hundred on each side. */
  readonly typical: readonly [number, number];
}

/**
 * Declared limits for Half-Space Trees that have none, are exceeded, or take many ordinary rows for odd; only where the rows
 * seen are no odder with them.
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
  const why = declared === null ? whyNone(seen, before) : whyWrong(seen, declared, before);
  if (why === null) return [];
  const best = bestLimits(seen, settings, trial);
  // Near the ends of what a double holds there is no room to leave.
  if (best === null) return [];
  const isWorse = best.share !== null && before !== null && best.share > Math.max(before, GOOD_SHARE);
  if (isWorse) return [];
  const outcome = best.share === null ? '' : `; ${percent(best.share)} would be with these`;
  return [{ path: ['normalise'], value: best.limits, reason: `${why}${outcome}` }];
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

function whyNone(seen: readonly Seen[], share: number | null): string {
  const found = share === null ? '' : ` (${percent(share)} of ordinary rows are anomalous)`;
  return `${seen.map(seenText).join(', ')}: limits that follow the data leave the trees no room${found}`;
}

/** Null where nothing is wrong. */
function whyWrong(
  seen: readonly Seen[],
  declared: Readonly<Record<string, readonly [number, number]>>,
  share: number | null,
): string | null {
  const exceeded = seen.flatMap(({ name, range: [low, high] }) => {
    const limits = declared[name];
    if (limits === undefined || (low >= limits[0] && high <= limits[1])) return [];
    return [`${name} was seen from ${rangeText([low, high])}, beyond its limits ${rangeText(limits)}`];
  });
  const found = share === null || share <= GOOD_SHARE ? [] : [`${percent(share)} of ordinary rows are anomalous`];
  if (exceeded.length > 0) return [...exceeded, ...found].join('; ');
  const all = seen.flatMap(({ name }) =>
    declared[name] === undefined ? [] : [`${name} ${rangeText(declared[name])}`],
  );
  return found.length === 0 ? null : `${found[0]} within the limits ${all.join(', ')}, which leave little room`;
}

interface Candidate {
  readonly limits: { readonly [name: string]: readonly [number, number] };
  /** Of ordinary rows that are anomalous with them; null: none could be scored. */
  readonly share: number | null;
}

/** The narrowest that are good enough, else those with the fewest anomalous rows. */
function bestLimits(seen: readonly Seen[], settings: PipelineSettings, trial: Trial): Candidate | null {
  let best: Candidate | null = null;
  for (const room of ROOMS) {
    const limits = Object.fromEntries(seen.map((column) => [column.name, limitsWith(room, column)]));
    if (Object.values(limits).some(([low, high]) => !Number.isFinite(high - low) || !(low < high))) continue;
    const share = trial({ ...settings, normalise: limits });
    if (share === null && room !== USUAL_ROOM) continue;
    if (best === null || (share !== null && best.share !== null && share < best.share)) best = { limits, share };
    if (share !== null && share <= GOOD_SHARE) break;
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

/** At least one digit that says something: 0.02 %, 3.4 %, 97 %. */
export function percent(share: number): string {
  return `${Number((100 * share).toPrecision(2))} %`;
}
