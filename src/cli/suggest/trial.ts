import type { PipelineSettings } from '../../contract/pipeline.js';
import type { Slice } from '../../contract/slice.js';
import { createModel, scoreSlice } from '../../model/model.js';
import type { Suggestion, Trial } from '../../suggest/suggestions.js';
import { percent } from '../../suggest/tree-limits.js';

/** What is scored for a trial: a second of work at most for each setting that is tried. */
const MOST_ROWS = 20_000;
const MOST_MACHINES = 5;
/** Fewer scored rows than these say nothing. */
const LEAST_SCORED = 200;
/** Into how many stretches each machine's scored rows are cut. */
const STRETCHES = 20;
/** Share of all stretches, those with the most anomalous rows, that are left out: there may be a fault in them. */
const LEFT_OUT = 0.2;

/** Tries settings on the newest rows of the first few machines, each with a new model; the same ones only once. */
export function createTrial(slices: readonly Slice[]): Trial {
  const newest = slices.slice(0, MOST_MACHINES).map(newestRows);
  const known = new Map<PipelineSettings, number | null>();
  const share = (settings: PipelineSettings): number | null => {
    const stretches = newest.flatMap((slice) => {
      const { scores, causes } = scoreSlice(createModel(settings), slice, settings);
      // A model that is learning scores 0.
      const begin = scores.findIndex((score) => score > 0);
      return begin < 0 ? [] : stretchesOf(causes.subarray(begin));
    });
    return total(stretches).rows < LEAST_SCORED ? null : ordinaryShare(stretches);
  };
  return (settings: PipelineSettings) => {
    const found = known.get(settings);
    if (found !== undefined) return found;
    const tried = share(settings);
    known.set(settings, tried);
    return tried;
  };
}

interface Stretch {
  readonly rows: number;
  readonly anomalies: number;
}

/** @param causes of one machine's rows in the order of time; 0: not anomalous. */
function stretchesOf(causes: Uint8Array): Stretch[] {
  return Array.from({ length: STRETCHES }, (_, i) => {
    const [from, to] = [i, i + 1].map((end) => Math.round((end * causes.length) / STRETCHES));
    const stretch = causes.subarray(from, to);
    return { rows: stretch.length, anomalies: stretch.reduce((count, cause) => count + (cause === 0 ? 0 : 1), 0) };
  });
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

function newestRows(slice: Slice): Slice {
  const from = Math.max(slice.rows - MOST_ROWS, 0);
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
  if (before === null || after === null || after <= Math.max(2 * before, FAR_WORSE)) return null;
  const what = ofModel.map(({ path }) => path.join('.')).join(', ');
  return `another ${what} was tried and is left out: ${percent(after)} of ordinary rows would be anomalous, as set ${percent(before)} are`;
}
