import { formatDuration } from '../contract/duration.js';
import { columnOfFeature } from '../contract/features.js';
import type { PipelineSettings } from '../contract/pipeline.js';
import { generalModel } from './general-model.js';
import type { ColumnFacts, MachineFacts } from './machine-facts.js';
import { instead, ROBUST } from './other-detector.js';
import type { Season } from './season.js';
import type { Trial } from './trial.js';

/** One setting of a pipeline, and why. */
export interface Suggestion {
  /** Below the pipeline. */
  readonly path: readonly [string, ...string[]];
  /** As the settings file writes it; undefined: the setting is to be left out. */
  readonly value: unknown;
  /** What was seen, and what follows from it. */
  readonly reason: string;
}

/** Columns that go with each other this closely are one machine's. */
const LEAST_RELATION = 0.6;
const LEAST_SENSORS = 3;
/** A machine whose values take up less than this share of what all machines' take up is lost in their common limits. */
const LEAST_SHARE = 0.05;
/** Rows from which on flat stretches and noise say something. */
const LEAST_ROWS = 200;
/** Columns that hold their value more often than this may well hold it longer. */
const MOST_REPEATS = 0.5;
const NOISE_FACTOR = 3;
const FLAT_FACTOR = 10;
const GAP_FACTOR = 3;
const LEAST_STEPS = 20;
const CLEAR_STEPS = 3;

/**
 * What the histories of a pipeline's machines ask for; nothing where the settings fit already, or too little was seen.
 * @param isModelKept leaves detector and window as they are.
 */
export function suggest(
  machines: readonly MachineFacts[],
  settings: PipelineSettings,
  trial: Trial,
  isModelKept = false,
): Suggestion[] {
  const detector = isModelKept ? [] : detectorFor(machines, settings);
  const isGeneral = detector.length === 0;
  const window = isGeneral && !isModelKept ? windowFor(machines, settings) : [];
  const model = isGeneral ? generalModel(machines, windowed(settings, window), trial, isModelKept) : detector;
  const isChanged = model.some(({ path }) => path[0] === 'detector');
  return [
    ...model,
    ...(isChanged ? [] : window),
    ...historyFor(machines, settings),
    ...clearingFor(machines, settings),
    ...silenceFor(machines, settings),
    ...stuckFor(machines, settings),
    ...noiseFor(machines, settings),
  ];
}

/** Another detector only in place of the general one: who chose a special one had a reason. */
function detectorFor(
  machines: readonly MachineFacts[],
  { detector, source, features, model, verdict }: PipelineSettings,
): Suggestion[] {
  if (detector.kind !== 'half_space_trees') return [];
  // The special ones are refused beside features of the calendar.
  if (features.some((feature) => columnOfFeature(feature) === null)) return [];
  const relations = machines.flatMap(({ relation }) => relation ?? []);
  const relation = middle(relations);
  const sensors = source.values.length;
  if (sensors >= LEAST_SENSORS && model === 'joint' && relation !== null && relation >= LEAST_RELATION) {
    const why = `${sensors} columns that go with each other (correlation ${relation.toFixed(2)})`;
    return instead({ kind: 'drift_gate' }, verdict, `${why}: it also finds one that leaves the others`);
  }
  const season = commonSeason(machines);
  if (sensors === 1 && season !== null) {
    const period = formatDuration(season.periodMs);
    const why = `values repeat every ${period} (correlation ${season.strength.toFixed(2)})`;
    return instead({ kind: 'seasonal', period }, verdict, `${why}: it knows what is usual at each time of it`);
  }
  const [lost] = model === 'joint' ? columnsOf(machines).flatMap(([name, facts]) => lostIn(name, facts)) : [];
  if (lost !== undefined) {
    const why = `${lost}, so limits for all would hide its changes: it goes by each machine's own values`;
    return instead(ROBUST, verdict, why);
  }
  return [];
}

/** A machine whose range is next to nothing beside that of all. */
function lostIn(name: string, facts: readonly (ColumnFacts & { uniqueId: string })[]): string[] {
  const range = rangeOf(facts);
  if (range === null) return [];
  return facts.flatMap(({ uniqueId, range: own }) => {
    if (own === null || !(own[1] > own[0]) || own[1] - own[0] >= LEAST_SHARE * (range[1] - range[0])) return [];
    return [`${name} of ${uniqueId} keeps to ${rangeText(own)} where all machines together take ${rangeText(range)}`];
  });
}

function windowFor(machines: readonly MachineFacts[], { detector }: PipelineSettings): Suggestion[] {
  const season = commonSeason(machines);
  const step = commonStep(machines);
  if (detector.kind !== 'half_space_trees' || season === null || step === null) return [];
  const rows = Math.ceil(season.periodMs / step);
  if (rows <= detector.window_size) return [];
  const period = formatDuration(season.periodMs);
  const reason = `values repeat every ${period}, ${rows} rows of ${formatDuration(step)}: a shorter window takes each part for new`;
  return [{ path: ['detector', 'window_size'], value: rows, reason }];
}

function windowed(settings: PipelineSettings, [window]: readonly Suggestion[]): PipelineSettings {
  const { detector } = settings;
  if (window === undefined || detector.kind !== 'half_space_trees') return settings;
  return { ...settings, detector: { ...detector, window_size: Number(window.value) } };
}

/** Twice what the detector needs before its first score, so that a new model has something to compare with. */
function historyFor(machines: readonly MachineFacts[], { detector, window, mode }: PipelineSettings): Suggestion[] {
  const step = commonStep(machines);
  const needed =
    detector.kind === 'half_space_trees' ? detector.window_size : detector.kind === 'drift_gate' ? detector.warm_up : 0;
  if (step === null || needed === 0 || mode === 'replay' || window.history >= 2 * needed * step) return [];
  const held = Math.floor(window.history / step);
  const reason = `${formatDuration(window.history)} hold ${held} rows of ${formatDuration(step)}, and ${detector.kind} scores after ${needed}`;
  return [{ path: ['window', 'history'], value: formatDuration(round(2 * needed * step)), reason }];
}

function clearingFor(machines: readonly MachineFacts[], { verdict }: PipelineSettings): Suggestion[] {
  const step = commonStep(machines);
  if (step === null || verdict.clear_after > CLEAR_STEPS * step) return [];
  const after = formatDuration(verdict.clear_after);
  const reason = `rows come every ${formatDuration(step)}: after ${after} an event would end between two or three of them`;
  return [{ path: ['verdict', 'clear_after'], value: formatDuration(round(2 * CLEAR_STEPS * step)), reason }];
}

function silenceFor(machines: readonly MachineFacts[], { verdict, mode }: PipelineSettings): Suggestion[] {
  const step = commonStep(machines);
  const rows = machines.reduce((sum, machine) => sum + machine.rows, 0);
  if (step === null || rows < LEAST_ROWS || mode === 'replay' || (verdict.stale_after ?? null) !== null) return [];
  const longest = Math.max(...machines.map(({ longestGapMs }) => longestGapMs));
  const gaps = machines.reduce((sum, machine) => sum + machine.gaps, 0);
  const pauses =
    gaps === 0
      ? 'never with a gap'
      : `with ${gaps} ${gaps === 1 ? 'gap' : 'gaps'}, the longest ${formatDuration(longest)}`;
  const after = round(Math.max(GAP_FACTOR * longest, LEAST_STEPS * step));
  const reason = `rows came every ${formatDuration(step)}, ${pauses}: a machine that is silent for longer has stopped`;
  return [{ path: ['verdict', 'stale_after'], value: formatDuration(after), reason }];
}

function stuckFor(machines: readonly MachineFacts[], { verdict }: PipelineSettings): Suggestion[] {
  const step = commonStep(machines);
  if (step === null || (verdict.stuck_after ?? null) !== null) return [];
  const moving = columnsOf(machines).flatMap(([name, facts]) => {
    const isMoving = facts.every(
      ({ values, repeats, range }) => values >= LEAST_ROWS && repeats < MOST_REPEATS && range?.[0] !== range?.[1],
    );
    if (!isMoving) return [];
    const longest = Math.max(...facts.map(({ longestFlatMs }) => longestFlatMs));
    return [{ name, longest, after: formatDuration(round(Math.max(FLAT_FACTOR * longest, LEAST_STEPS * step))) }];
  });
  if (moving.length === 0) return [];
  const seen = moving.map(
    ({ name, longest }) => `${name} ${longest === 0 ? 'never' : `at most for ${formatDuration(longest)}`}`,
  );
  const reason = `held one value: ${seen.join(', ')}; much longer is a stuck sensor`;
  return [
    {
      path: ['verdict', 'stuck_after'],
      value: Object.fromEntries(moving.map(({ name, after }) => [name, after])),
      reason,
    },
  ];
}

function noiseFor(machines: readonly MachineFacts[], { verdict }: PipelineSettings): Suggestion[] {
  if (verdict.min_deviation !== undefined) return [];
  const noisy = columnsOf(machines).flatMap(([name, facts]) => {
    const noise = Math.max(...facts.map((column) => (column.values >= LEAST_ROWS ? column.noise : 0)));
    return noise > 0 && Number.isFinite(noise) ? [{ name, noise }] : [];
  });
  if (noisy.length === 0) return [];
  const seen = noisy.map(({ name, noise }) => `${name} ${short(noise)}`).join(', ');
  const reason = `noise from row to row (standard deviation): ${seen}; less than ${NOISE_FACTOR} times that is no news`;
  const value = Object.fromEntries(noisy.map(({ name, noise }) => [name, short(NOISE_FACTOR * noise)]));
  return [{ path: ['verdict', 'min_deviation'], value, reason }];
}

/** Column names with what each machine has of them. */
function columnsOf(machines: readonly MachineFacts[]): [string, (ColumnFacts & { uniqueId: string })[]][] {
  const names = machines[0]?.columns.map(({ name }) => name) ?? [];
  return names.map((name, i) => [
    name,
    machines.flatMap(({ uniqueId, columns }) => (columns[i] === undefined ? [] : [{ uniqueId, ...columns[i] }])),
  ]);
}

function rangeOf(facts: readonly ColumnFacts[]): [number, number] | null {
  const ranges = facts.flatMap(({ range }) => (range === null ? [] : [range]));
  if (ranges.length === 0) return null;
  return [Math.min(...ranges.map(([low]) => low)), Math.max(...ranges.map(([, high]) => high))];
}

/** The rhythm of every column of every machine; null where one has none or another. */
function commonSeason(machines: readonly MachineFacts[]): Season | null {
  const seasons = machines.flatMap(({ columns }) => columns.map(({ season }) => season));
  const [first] = seasons;
  if (first == null || seasons.some((season) => season?.periodMs !== first.periodMs)) return null;
  return { periodMs: first.periodMs, strength: Math.min(...seasons.map((season) => season?.strength ?? 0)) };
}

/** Median time between two rows of the machine that is the slowest; null where nothing is known of it. */
function commonStep(machines: readonly MachineFacts[]): number | null {
  const steps = machines.flatMap(({ stepMs }) => (stepMs === null || !(stepMs > 0) ? [] : [stepMs]));
  return steps.length === 0 ? null : Math.max(...steps);
}

function middle(numbers: readonly number[]): number | null {
  return [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? null;
}

const SECOND_MS = 1000;
const ROUND_MS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 43_200, 86_400].map(
  (s) => s * SECOND_MS,
);
const DAY_MS = 86_400_000;

/** The next longer time that people would write; from a day on whole days. */
function round(ms: number): number {
  return ROUND_MS.find((one) => one >= ms) ?? Math.ceil(ms / DAY_MS) * DAY_MS;
}

function rangeText([low, high]: readonly [number, number]): string {
  return `${short(low)} to ${short(high)}`;
}

function short(value: number): number {
  return Number(value.toPrecision(3));
}
