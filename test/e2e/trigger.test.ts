import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Context } from '@temporalio/activity';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { asActivity } from '../../src/activities/attempt.js';
import type { Activities } from '../../src/activities/index.js';
import { readEnvironment } from '../../src/config/environment.js';
import type { ArtifactRef } from '../../src/contract/artifact.js';
import { HalfspaceError } from '../../src/contract/failures.js';
import { findTemporalCli } from '../../src/local/temporal/find-cli.js';
import { startTemporalServer, type TemporalServer } from '../../src/local/temporal/server.js';
import { runCommand, startCommand } from './command.js';

const REF: ArtifactRef = { key: 'k', sha256: 's', bytes: 1 };

type Fakes = { [Name in keyof Activities]?: (input: never) => Promise<unknown> };

/** A run over a table without rows. */
const QUIET: Fakes = {
  planRun: async ({ pipeline, until = '1795425358000000001' }: { pipeline: string; until?: string }) => ({
    pipeline,
    mode: 'incremental',
    window: { from: '1795425358000000000', to: until },
    document: REF,
    folder: 'f',
    channels: [],
    laggards: 0,
    machinesAtOnce: 10,
    machinesPerExecution: 500,
    warnings: [],
  }),
  loadInfluxData: async () => ({ manifest: REF, rows: 0, warnings: [] }),
  transformData: async () => ({ manifest: REF, machines: 0, rows: 0, refused: [], refusedCount: 0, warnings: [] }),
  finishRun: async ({ plan, totals }: { plan: object; totals: object }) => ({
    ...totals,
    ...plan,
    loadedRows: 0,
    lagging: 0,
    refused: [],
    refusedCount: 0,
    seconds: 1,
  }),
  closeRun: async () => {},
};

let stop: (() => Promise<void>) | undefined;

beforeAll(() => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
});

afterEach(async () => {
  await stop?.();
  stop = undefined;
});

/** A worker with these steps on a queue of its own, and a folder whose halfspace.yaml names the queue. */
async function startWorker(address: string, fakes: Fakes): Promise<string> {
  const taskQueue = `trigger-${randomUUID()}`;
  const connection = await NativeConnection.connect({ address });
  const worker = await Worker.create({
    connection,
    taskQueue,
    workflowsPath: fileURLToPath(new URL('../../src/workflows/index.ts', import.meta.url)),
    activities: { ...QUIET, ...fakes },
    shutdownForceTime: '1s',
  });
  const running = worker.run().catch(() => {});
  stop = async () => {
    if (worker.getState() === 'RUNNING') worker.shutdown();
    await running;
    await connection.close().catch(() => {});
  };
  const yaml = await readFile(new URL('../../halfspace.yaml', import.meta.url), 'utf8');
  const folder = await mkdtemp(join(tmpdir(), 'halfspace-trigger-'));
  // A pipeline's name is its lock on the server that all tests share.
  const own = yaml.replace(/^ {2}machines:/m, `  ${taskQueue}:`);
  await writeFile(join(folder, 'halfspace.yaml'), `${own}\nworker: { task_queue: ${taskQueue} }\n`);
  return folder;
}

const shared = () => ({ TEMPORAL_ADDRESS: inject('temporalAddress') });

describe('trigger', () => {
  it('prints one document with snake_case keys and times that people can read', async () => {
    const cwd = await startWorker(inject('temporalAddress'), {});
    const until = '2026-11-23T09:15:58.000000007Z';
    const { code, stdout, stderr } = await runCommand(['trigger', '--json', '--until', until], { cwd, env: shared() });
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      window: { from: '2026-11-23T09:15:58Z', to: until },
      rows_loaded: 0,
      scores_written: 0,
      failed_count: 0,
    });
  });

  it('passes on in one line why a run failed, with what came from outside made visible', async () => {
    const cwd = await startWorker(inject('temporalAddress'), {
      planRun: asActivity(async () => {
        throw new HalfspaceError('MissingTable', 'no table a\nb');
      }),
    });
    const { code, stderr } = await runCommand(['trigger'], { cwd, env: shared() });
    expect(code).toBe(1);
    expect(stderr.trim().split('\n').at(-1)).toBe('halfspace: The run failed: no table a\\nb');
  });

  it.each(['1969-12-31T23:59:59Z', '2262-04-11T23:47:16.854775808Z', '9999-12-31T00:00:00Z', 'tomorrow'])(
    'is wrong use with --until %s',
    async (until) => {
      const { code, stderr } = await runCommand(['trigger', '--until', until], { env: shared() });
      expect(code).toBe(2);
      expect(stderr).toMatch(/^halfspace: Expected --until .*\n$/);
    },
  );

  it('names a namespace that does not exist', async () => {
    const env = { ...shared(), TEMPORAL_NAMESPACE: 'nobody-here' };
    const { code, stderr } = await runCommand(['trigger'], { env });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^halfspace: The Temporal server at \S+ has no namespace `nobody-here`; make it .*\n$/);
  });

  it('says how to look a run up when Temporal goes away while it waits', async () => {
    const { temporalCliPath, searchPath, cacheHome } = readEnvironment();
    const cliPath = await findTemporalCli({ cacheDir: cacheHome, cliPath: temporalCliPath, pathVariable: searchPath });
    const server: TemporalServer = await startTemporalServer({ cliPath, port: 0, uiPort: 0, dbFile: null });
    let isPlanning = false;
    const cwd = await startWorker(server.address, {
      planRun: async () => {
        isPlanning = true;
        return Context.current().cancelled;
      },
    });
    const env = { TEMPORAL_ADDRESS: server.address };
    const command = await startCommand(['trigger'], { cwd, env });
    await expect.poll(() => isPlanning, { timeout: 20_000 }).toBe(true);
    // The run stays open on the server, but nobody works on it any more.
    await stop?.();
    await server.close();
    const { code, stderr } = await command.done;
    expect(code).toBe(1);
    const [, runId] = /--run-id (\S+)`$/.exec(stderr.trim()) ?? [];
    expect(runId).toMatch(/^[0-9a-f-]{36}$/);
    expect(stderr.trim().split('\n').at(-1)).toMatch(
      /^halfspace: Temporal does not answer any more \(.*ECONNREFUSED.*\); once it is back, see how the run ended: workflow detect\//,
    );
  });
});
