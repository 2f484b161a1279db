import { expect, it } from 'vitest';
import type { RunResult } from '../../src/contract/run-result.js';
import { addChunk, NO_TOTALS } from '../../src/workflows/run-totals.js';

function chunk(index: number, change: Partial<RunResult> = {}): RunResult {
  return {
    ...NO_TOTALS,
    pipeline: 'p',
    window: { from: String(index - 1), to: String(index) },
    chunks: index,
    loadedRows: 10,
    aggregatesWritten: 0,
    lagging: 0,
    refused: [],
    refusedCount: 0,
    warnings: [],
    seconds: index,
    ...change,
  };
}

const problems = (from: number, count: number) =>
  Array.from({ length: count }, (_, i) => ({ uniqueId: `m${from + i}`, reason: 'why' }));

it('gives a run of one chunk as it is', () => {
  const only = chunk(1, { rows: 3 });
  expect(addChunk(null, only)).toBe(only);
});

it('adds up rows, events, scores and models, and covers the first window to the last', () => {
  const models = { cached: 1, loaded: 2, fresh: 3 };
  const parts = { rows: 5, anomalies: 2, events: 1, scoresWritten: 5, models };
  expect(addChunk(chunk(1, parts), chunk(2, parts))).toMatchObject({
    window: { from: '0', to: '2' },
    chunks: 2,
    loadedRows: 20,
    rows: 10,
    anomalies: 4,
    events: 2,
    scoresWritten: 10,
    models: { cached: 2, loaded: 4, fresh: 6 },
    seconds: 2,
  });
});

it('takes failed, busy and lagging machines from the last chunk, which tried those of the others again', () => {
  const before = chunk(1, { machines: 5, done: 3, failed: problems(0, 2), failedCount: 2, lagging: 2 });
  const after = chunk(2, { machines: 4, done: 3, busy: problems(1, 1), busyCount: 1, lagging: 1 });
  expect(addChunk(before, after)).toMatchObject({
    machines: 5,
    done: 3,
    failed: [],
    failedCount: 0,
    busyCount: 1,
    lagging: 1,
  });
});

it('names a refused machine once, and counts at least as many as it names', () => {
  const both = addChunk(
    chunk(1, { refused: problems(0, 15), refusedCount: 15 }),
    chunk(2, { refused: problems(10, 15), refusedCount: 15 }),
  );
  expect(both.refused.map(({ uniqueId }) => uniqueId)).toEqual(problems(0, 20).map(({ uniqueId }) => uniqueId));
  expect(both.refusedCount).toBe(20);
});

it('says each warning once, at most twenty, and that there are more', () => {
  const texts = Array.from({ length: 21 }, (_, i) => `w${i}`);
  expect(
    addChunk(chunk(1, { warnings: texts.slice(0, 20) }), chunk(2, { warnings: texts.slice(0, 1) })).warnings,
  ).toEqual(texts.slice(0, 20));
  const all = [1, 2, 3].reduce<RunResult | null>(
    (earlier, index) =>
      addChunk(earlier, chunk(index, { warnings: index === 1 ? texts.slice(0, 20) : [`new ${index}`] })),
    null,
  );
  expect(all?.warnings).toEqual([...texts.slice(0, 19), 'there are more warnings, left out here']);
});

it('keeps its lists short however many chunks there are', () => {
  let result: RunResult | null = null;
  for (let index = 1; index <= 50; index++) {
    const alerts = problems(index, 20).map(({ uniqueId }) => ({
      uniqueId,
      event: 'e',
      channel: 'c',
      kind: 'event' as const,
      status: 'logged' as const,
    }));
    const plots = alerts.map(({ uniqueId }) => uniqueId);
    result = addChunk(
      result,
      chunk(index, { alerts, plots, refused: problems(20 * index, 20), warnings: [`${index}`] }),
    );
  }
  const lengths = [result?.alerts, result?.plots, result?.refused, result?.warnings].map((list) => list?.length);
  expect(lengths).toEqual([20, 20, 20, 20]);
});
