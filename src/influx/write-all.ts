import type { Influx } from './connect.js';

export interface WriteAllOptions {
  /** Lines in one request. */
  readonly batchSize?: number;
  /** Called before each batch; what it throws stops the writing there. */
  readonly beforeBatch?: () => Promise<void>;
  /** Called with the lines written so far after each batch. */
  readonly onRows?: (rows: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The number of lines written. Batches go one after the other, each whole or not at all; writing the same lines again
 * after a failure changes nothing that has already arrived.
 */
export async function writeAll(
  influx: Pick<Influx, 'write'>,
  lines: Iterable<string> | AsyncIterable<string>,
  { batchSize = 5000, beforeBatch, onRows, signal }: WriteAllOptions = {},
): Promise<number> {
  let batch: string[] = [];
  let rows = 0;

  async function flush(): Promise<void> {
    signal?.throwIfAborted();
    await beforeBatch?.();
    await influx.write(batch, { signal });
    rows += batch.length;
    batch = [];
    onRows?.(rows);
  }

  for await (const line of lines) {
    batch.push(line);
    if (batch.length >= batchSize) await flush();
  }
  if (batch.length > 0) await flush();
  return rows;
}
