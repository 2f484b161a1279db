import { expect, test } from 'vitest';
import { writeAll } from '../../src/influx/write-all.js';

function recorder() {
  const batches: string[][] = [];
  return {
    batches,
    write: async (lines: readonly string[]) => {
      batches.push([...lines]);
    },
  };
}

async function* countTo(count: number) {
  for (let i = 0; i < count; i++) yield `m v=${i} ${i}`;
}

test('writes every line once, in order, in batches of the given size', async () => {
  const influx = recorder();
  const seen: number[] = [];
  expect(await writeAll(influx, countTo(7), { batchSize: 3, onRows: (rows) => seen.push(rows) })).toBe(7);
  expect(influx.batches.map((batch) => batch.length)).toEqual([3, 3, 1]);
  expect(influx.batches.flat()[6]).toBe('m v=6 6');
  expect(seen).toEqual([3, 6, 7]);
});

test('writes nothing, and asks no fence, when there are no lines', async () => {
  const influx = recorder();
  let fences = 0;
  const beforeBatch = async () => {
    fences++;
  };
  expect(await writeAll(influx, [], { beforeBatch })).toBe(0);
  expect([influx.batches, fences]).toEqual([[], 0]);
});

test('stops before a batch when the fence throws', async () => {
  const influx = recorder();
  const beforeBatch = async () => {
    if (influx.batches.length === 2) throw new Error('a later holder has come');
  };
  await expect(writeAll(influx, countTo(9), { batchSize: 2, beforeBatch })).rejects.toThrow('a later holder');
  expect(influx.batches).toHaveLength(2);
});

test('stops before the next batch when it is cancelled', async () => {
  const influx = recorder();
  const controller = new AbortController();
  const onRows = () => controller.abort(new Error('stopped by a test'));
  await expect(writeAll(influx, countTo(9), { batchSize: 2, onRows, signal: controller.signal })).rejects.toThrow(
    'stopped',
  );
  expect(influx.batches).toHaveLength(1);
});
