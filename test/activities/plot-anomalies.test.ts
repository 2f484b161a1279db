import { describe, expect, it } from 'vitest';
import type { Attempt } from '../../src/activities/attempt.js';
import { SCORE_COLUMNS, valueColumn } from '../../src/activities/detect-anomalies.js';
import { JsonArtifacts } from '../../src/activities/plan-document.js';
import { plotAnomalies } from '../../src/activities/plot-anomalies.js';
import { plottedColumns } from '../../src/activities/plotted-columns.js';
import { NO_EVENTS, type WindowEvents } from '../../src/activities/window-events.js';
import { renderPlot } from '../../src/charts/render-png.js';
import type { Column, Table } from '../../src/contract/table.js';
import { encodeTable } from '../../src/shape/slice-codec.js';
import { putArtifact } from '../../src/store/artifacts.js';
import type { EventJson } from '../../src/verdict/event-json.js';
import { CAUSES } from '../../src/verdict/judge.js';
import { pipelineOf } from '../pipeline.js';
import { machineEntry, planOf } from '../run-plan.js';
import { memoryDeps } from './memory-deps.js';
import { MemoryStore } from './memory-store.js';

const NAMES = ['power', 'temperature', 'flow', 'speed'];
const SECOND = 1_000_000_000n;
const START = 1_700_000_000n * SECOND;
const ROWS = 60;

function at(row: number): bigint {
  return START + BigInt(row) * SECOND;
}

function eventOf(row: number, feature: number): EventJson {
  const time = String(at(row));
  const worst = { time, score: 0.9, values: [], cause: 'score' as const, feature };
  return { first: time, last: time, rows: 1, worst };
}

function numbers(ofRow: (row: number) => number): Column {
  return { kind: 'number', values: Float64Array.from({ length: ROWS }, (_, row) => ofRow(row)) };
}

/** A scores artifact; rows are anomalous for the column that `odd` names, by its index. */
function scores(odd: ReadonlyMap<number, number>): Table {
  const featureOf = (row: number) => odd.get(row) ?? 0;
  const columns = new Map<string, Column>([
    [SCORE_COLUMNS.time, { kind: 'time', values: BigInt64Array.from({ length: ROWS }, (_, row) => at(row)) }],
    [SCORE_COLUMNS.score, numbers((row) => (odd.has(row) ? 0.85 + row / 1000 : 0.4))],
    [SCORE_COLUMNS.cause, numbers((row) => (odd.has(row) ? CAUSES.indexOf('score') : 0))],
    [SCORE_COLUMNS.feature, numbers(featureOf)],
    [SCORE_COLUMNS.view, { kind: 'string', dictionary: [''], codes: new Int32Array(ROWS).fill(-1) }],
    [SCORE_COLUMNS.expected, numbers((row) => 100 * featureOf(row) + 1)],
    [SCORE_COLUMNS.lower, numbers((row) => 100 * featureOf(row))],
    [SCORE_COLUMNS.upper, numbers((row) => 100 * featureOf(row) + 2)],
    ...NAMES.map((name, feature): [string, Column] => [
      valueColumn(name),
      numbers((row) => 100 * feature + (odd.get(row) === feature ? 50 : row % 3)),
    ]),
  ]);
  return { rows: ROWS, columns };
}

async function drawn(odd: ReadonlyMap<number, number>, events: WindowEvents): Promise<Uint8Array | undefined> {
  const storage = new MemoryStore();
  const verdict = { threshold: 0.8, clear_after: 5000 };
  const settings = { ...pipelineOf({ output: null, verdict }), source: { ...pipelineOf({}).source, values: NAMES } };
  const put = (bytes: Uint8Array) => putArtifact(storage, 'f', 'a', bytes);
  const json = (value: unknown) => put(new TextEncoder().encode(JSON.stringify(value)));
  const plan = planOf({ document: await json({ settings }), window: { from: String(START), to: String(at(ROWS)) } });
  const detection = {
    kind: 'detection' as const,
    scores: await put(encodeTable(scores(odd))),
    events: await json(events),
    snapshot: null,
    checkpoint: null,
    late: null,
    rows: ROWS,
    trimmed: 0,
    anomalies: odd.size,
  };
  const deps = memoryDeps({ storage });
  const attempt: Attempt = { signal: new AbortController().signal, report: () => {}, breathe: async () => {} };
  const input = { plan, machine: machineEntry('a'), run: { workflowId: 'w', runId: 'r' }, detection };
  const { key } = await plotAnomalies(deps, new JsonArtifacts(storage), input, attempt);
  return storage.objects.get(key);
}

/** What the picture of `odd` should show of these columns, by their indices. */
function picture(odd: ReadonlyMap<number, number>, features: readonly number[], reasons: readonly [number, string][]) {
  const row = Array.from({ length: ROWS }, (_, r) => r);
  const timesMs = Float64Array.from(row, (r) => Number(at(r) / 1_000_000n));
  return renderPlot({
    uniqueId: 'a',
    timesMs,
    scores: Float64Array.from(row, (r) => (odd.has(r) ? 0.85 + r / 1000 : 0.4)),
    anomalous: Uint8Array.from(row, (r) => (odd.has(r) ? 1 : 0)),
    threshold: 0.8,
    columns: features.map((feature) => {
      const own = (value: number) =>
        Float64Array.from(row, (r) => ((odd.get(r) ?? 0) === feature ? value : Number.NaN));
      return {
        name: NAMES[feature] ?? '',
        values: Float64Array.from(row, (r) => 100 * feature + (odd.get(r) === feature ? 50 : r % 3)),
        bounds: { expected: own(100 * feature + 1), lower: own(100 * feature), upper: own(100 * feature + 2) },
      };
    }),
    reasons: reasons.map(([r, text]) => ({ timeMs: timesMs[r] ?? 0, text })),
  });
}

/** A difference of two pictures would be thousands of lines. */
function isSame(png: Uint8Array | undefined, wanted: Uint8Array): boolean {
  return png !== undefined && Buffer.from(png).equals(wanted);
}

describe('plotAnomalies', () => {
  it('draws the column that the reason names, with what was expected of it, and the time of the reason', async () => {
    const odd = new Map([[40, 1]]);
    const png = await drawn(odd, { closed: [], open: eventOf(40, 1) });
    const reason = 'score 0.890 above 0.8: temperature 150, expected 101 (100 to 102)';
    expect(isSame(png, picture(odd, [1], [[40, reason]]))).toBe(true);
  });

  it('draws the columns of several events, that of the newest on top, and says why of the worst and of the newest', async () => {
    const odd = new Map([
      [20, 3],
      [59, 0],
      [50, 2],
    ]);
    const png = await drawn(odd, { closed: [eventOf(20, 3), eventOf(59, 0)], open: eventOf(50, 2) });
    const reasons: [number, string][] = [
      [50, 'score 0.900 above 0.8: flow 250, expected 201 (200 to 202)'],
      [59, 'score 0.909 above 0.8: power 50, expected 1 (0 to 2)'],
    ];
    expect(isSame(png, picture(odd, [2, 0, 3], reasons))).toBe(true);
  });
});

describe('plottedColumns', () => {
  const scored = { names: NAMES, features: Float64Array.from({ length: 10 }, (_, row) => (row === 4 ? 3 : 0)) };
  const earlier = (named: readonly (string | null)[]): Table => ({
    rows: named.length,
    columns: new Map<string, Column>([
      ['is_anomaly', { kind: 'number', values: Float64Array.from(named, (name) => (name === null ? 0 : 1)) }],
      [
        'column',
        { kind: 'string', dictionary: NAMES, codes: Int32Array.from(named, (name) => NAMES.indexOf(name ?? 'power')) },
      ],
    ]),
  });

  it('takes the newest event first, then other events, rows with reasons, and the columns of earlier rows by their number', () => {
    const events = { closed: [eventOf(1, 2)], open: eventOf(5, 1) };
    expect(plottedColumns(scored, events, [4], [])).toEqual([1, 2, 3]);
    expect(plottedColumns(scored, { closed: [eventOf(1, 2)], open: null }, [], [])).toEqual([2]);
    const rows = earlier(['flow', 'speed', null, 'speed', 'gone']);
    expect(plottedColumns(scored, { closed: [], open: eventOf(5, 1) }, [], [rows])).toEqual([1, 3, 2]);
  });

  it('takes the first where nothing names one', () => {
    const { feature: _, ...unknown } = eventOf(1, 0).worst;
    const untold = { closed: [{ ...eventOf(1, 0), worst: unknown }], open: null };
    expect(plottedColumns(scored, untold, [], [])).toEqual([0]);
    expect(plottedColumns(scored, NO_EVENTS, [], [{ rows: 0, columns: new Map() }])).toEqual([0]);
  });
});
