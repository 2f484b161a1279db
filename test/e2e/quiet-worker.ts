import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NativeConnection, Worker } from '@temporalio/worker';
import type { Activities } from '../../src/activities/index.js';
import { planOf, REF } from '../run-plan.js';

export type Fakes = { [Name in keyof Activities]?: (input: never) => Promise<unknown> };

/** A run over a table without rows. */
export const QUIET: Fakes = {
  planRun: async ({ pipeline, until = '1795425358000000001' }: { pipeline: string; until?: string }) => {
    const window = { from: '1795425358000000000', to: until };
    return planOf({ pipeline, window });
  },
  loadInfluxData: async () => ({ manifest: REF, rows: 0, warnings: [] }),
  transformData: async () => ({ manifest: REF, machines: 0, rows: 0, refused: [], refusedCount: 0, warnings: [] }),
  finishRun: async ({ plan, totals }: { plan: object; totals: object }) => ({
    ...totals,
    ...plan,
    chunks: 1,
    loadedRows: 0,
    lagging: 0,
    refused: [],
    refusedCount: 0,
    seconds: 1,
  }),
  closeRun: async () => {},
};

export interface QuietWorker {
  /** Holds the shipped halfspace.yaml, with the pipeline `machines` under a name of its own and the worker's queue. */
  readonly folder: string;
  readonly pipeline: string;
  stop(): Promise<void>;
}

/** A real worker on a queue of its own whose steps are {@link QUIET} but for `fakes`. */
export async function startQuietWorker(address: string, fakes: Fakes): Promise<QuietWorker> {
  const taskQueue = `quiet-${randomUUID()}`;
  const connection = await NativeConnection.connect({ address });
  const worker = await Worker.create({
    connection,
    taskQueue,
    workflowsPath: fileURLToPath(new URL('../../src/workflows/index.ts', import.meta.url)),
    activities: { ...QUIET, ...fakes },
    shutdownForceTime: '1s',
  });
  const running = worker.run().catch(() => {});
  const yaml = await readFile(new URL('../../halfspace.yaml', import.meta.url), 'utf8');
  const folder = await mkdtemp(join(tmpdir(), 'halfspace-quiet-'));
  // A pipeline's name is its lock on the server that all tests share.
  const own = yaml.replace(/^ {2}machines:/m, `  ${taskQueue}:`);
  await writeFile(join(folder, 'halfspace.yaml'), `${own}\nworker: { task_queue: ${taskQueue} }\n`);
  return {
    folder,
    pipeline: taskQueue,
    stop: async () => {
      if (worker.getState() === 'RUNNING') worker.shutdown();
      await running;
      await connection.close().catch(() => {});
    },
  };
}
