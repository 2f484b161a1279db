import type { PipelineSettings } from '../../contract/pipeline.js';
import type { Slice } from '../../contract/slice.js';
import { createModel, scoreSlice } from '../../model/model.js';
import { quantile } from '../../suggest/statistics.js';
import type { Suggestion } from '../../suggest/suggestions.js';
import { MOVED_BY, percent, type Trial, type TrialOutcome } from '../../suggest/trial.js';

/** What is scored for a trial: a second of work at most for each setting that is tried. */
const MOST_ROWS = 20_000;
const MOST_MACHINES = 5;
/** Fewer scored rows than these say nothing. */
const LEAST_SCORED = 200;
/** Into how many stretches each machine's scored rows are cut. */
const STRETCHES = 20;
/** Share of all stretches, those with the most anomalous rows, that are left out: there may be a fault in them. */
const LEFT_OUT = 0.2;

/** Of a machine's newest rows, where one column is moved: enough for a detector to have learned what is usual. */
const MOST_ROWS_MOVED = 3000;
/** The last of these are moved, fewer than a detector takes to find them usual. */
const MOVED_ROWS = 30;

/** Tries settings on the newest rows of the first few machines, each with a new model; the same ones only once. */
export function createTrial(slices: readonly Slice[]): Trial {
  const newest = slices.slice(0, MOST_MACHINES).map((slice) => newestRows(slice, MOST_ROWS));
  const moved = newest.flatMap((slice) => movedColumns(newestRows(slice, MOST_ROWS_MOVED)));
  const known = new Map<string, TrialOutcome | null>();
  const outcomeOf = (settings: PipelineSettings): TrialOutcome | null => {
    const stretches = newest.flatMap((slice) => {
      const { scores, causes } = scoreSlice(createModel(settings), slice, settings);
      // A model that is learning scores 0.
      const begin = scores.findIndex((score) => score > 0);
      return begin < 0 ? [] : stretchesOf(causes.subarray(begin));
    });
    if (total(stretches).rows < LEAST_SCORED) return null;
    const found = total(moved.map((faulty) => noticedIn(faulty, settings)));
    return { ordinary: ordinaryShare(stretches), noticed: found.rows === 0 ? null : found.anomalies / found.rows };
  };
  return (settings: PipelineSettings) => {
    const key = JSON.stringify(settings);
    const found = known.get(key);
    if (found !== undefined) return found;
    const tried = outcomeOf(settings);
    known.set(key, tried);
    return tried;
  };
}

/** A slice for each column that varies, with its last rows moved upwards. */
function movedColumns(slice: Slice): Slice[] {
  if (slice.rows <= MOVED_ROWS) return [];
  const columns = slice.values.length / slice.rows;
  return Array.from({ length: columns }, (_, column) => column).flatMap((column) => {
    const own = slice.values.filter((value, i) => i % columns === column && Number.isFinite(value)).sort();
    // Between these lie two deviations of a normal column, and few wild values change them.
    const deviation = (quantile(own, 0.84) - quantile(own, 0.16)) / 2;
    if (!(deviation > 0 && Number.isFinite(MOVED_BY * deviation))) return [];
    const from = (slice.rows - MOVED_ROWS) * columns;
    const values = slice.values.map((value, i) =>
      i >= from && i % columns === column ? value + MOVED_BY * deviation : value,
    );
    return [{ ...slice, values }];
  });
}

/** Nothing of a machine that was not scored before the moved rows. */
function noticedIn(faulty: Slice, settings: PipelineSettings): Stretch {
  const since = faulty.times[faulty.rows - MOVED_ROWS] ?? 0n;
  const { slice, scores, causes } = scoreSlice(createModel(settings), faulty, settings);
  const first = slice.times.findIndex((time) => time >= since);
  const isScored = first > 0 && scores.subarray(0, first).some((score) => score > 0);
  return stretchOf(isScored ? causes.subarray(first) : new Uint8Array());
}

interface Stretch {
  readonly rows: number;
  readonly anomalies: number;
}

/** @param causes of one machine's rows in the order of time; 0: not anomalous. */
function stretchesOf(causes: Uint8Array): Stretch[] {
  return Array.from({ length: STRETCHES }, (_, i) => {
    const [from, to] = [i, i + 1].map((end) => Math.round((end * causes.length) / STRETCHES));
    return stretchOf(causes.subarray(from, to));
  });
}

function stretchOf(causes: Uint8Array): Stretch {
  return { rows: causes.length, anomalies: causes.reduce((count, cause) => count + (cause === 0 ? 0 : 1), 0) };
}

/** A fault is over after a while; limits that are too narrow call rows anomalous all the time. */
function ordinaryShare(stretches: readonly Stretch[]): number {
  const sorted = stretches.toSorted((a, b) => a.anomalies / (a.rows || 1) - b.anomalies / (b.rows || 1));
  const { rows, anomalies } = total(sorted.slice(0, Math.ceil(sorted.length * (1 - LEFT_OUT))));
  return anomalies / rows;
}

function total(stretches: readonly Stretch[]): Stretch {
  return stretches.reduce(
    (sum, { rows, anomalies }) => ({ rows: sum.rows + rows, anomalies: sum.anomalies + anomalies }),
    { rows: 0, anomalies: 0 },
  );
}

function newestRows(slice: Slice, most: number): Slice {
  const from = Math.max(slice.rows - most, 0);
  if (from === 0) return slice;
  const columns = slice.values.length / slice.rows;
  const [times, values] = [slice.times.subarray(from), slice.values.subarray(from * columns)];
  return { ...slice, rows: slice.rows - from, times, values };
}

/** What suggestions would have to be far worse by: more than this share of ordinary rows, and more than twice as many as before. */
const FAR_WORSE = 0.01;
const MODEL_SETTINGS: readonly string[] = ['detector', 'normalise'];

/** Why suggestions that change the model are none after all, for people; null where they are not far worse on the rows seen. */
export function problemOf(
  suggestions: readonly Suggestion[],
  settings: PipelineSettings,
  proposed: () => PipelineSettings,
  trial: Trial,
): string | null {
  const ofModel = suggestions.filter(({ path }) => MODEL_SETTINGS.includes(path[0]));
  if (ofModel.length === 0) return null;
  const [before, after] = [trial(settings), trial(proposed())];
  if (before === null || after === null || after.ordinary <= Math.max(2 * before.ordinary, FAR_WORSE)) return null;
  const what = ofModel.map(({ path }) => path.join('.')).join(', ');
  return `another ${what} was tried and is left out: ${percent(after.ordinary)} of ordinary rows would be anomalous, as set ${percent(before.ordinary)} are`;
}
