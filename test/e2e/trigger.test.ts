import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApplicationFailure, Context } from '@temporalio/activity';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { afterEach, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import { asActivity } from '../../src/activities/attempt.js';
import { readEnvironment } from '../../src/config/environment.js';
import { HalfspaceError } from '../../src/contract/failures.js';
import { findTemporalCli } from '../../src/local/temporal/find-cli.js';
import { startTemporalServer, type TemporalServer } from '../../src/local/temporal/server.js';
import { machineEntry, REF } from '../run-plan.js';
import { runCommand, startCommand } from './command.js';
import { type Fakes, startQuietWorker } from './quiet-worker.js';

let stop: (() => Promise<void>) | undefined;

beforeAll(() => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
});

afterEach(async () => {
  await stop?.();
  stop = undefined;
});

/** A worker with these steps, and the folder of its halfspace.yaml. */
async function startWorker(address: string, fakes: Fakes): Promise<string> {
  const worker = await startQuietWorker(address, fakes);
  stop = worker.stop;
  return worker.folder;
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

  it('says that what cannot be done is refused, and what those who run it can do', async () => {
    const cwd = await startWorker(inject('temporalAddress'), {
      planRun: asActivity(async () => {
        throw new HalfspaceError('BadWindow', 'it cannot end there', { remedy: 'delete /store/progress' });
      }),
    });
    const { code, stderr } = await runCommand(['trigger'], { cwd, env: shared() });
    expect(code).toBe(1);
    expect(stderr.trim().split('\n').at(-1)).toBe('halfspace: refused: it cannot end there, or delete /store/progress');
  });

  it('may be left: it says where the run goes on and how to end it', async () => {
    let isPlanning = false;
    const cwd = await startWorker(inject('temporalAddress'), {
      planRun: async () => {
        isPlanning = true;
        return Context.current().cancelled;
      },
    });
    const command = await startCommand(['trigger', '--json'], { cwd, env: shared() });
    await expect.poll(() => isPlanning, { timeout: 20_000 }).toBe(true);
    const stoppedAt = performance.now();
    command.process.kill('SIGINT');
    const { code, stdout, stderr } = await command.done;
    // Not only once the server answers the call that waits, after twenty seconds.
    expect(performance.now() - stoppedAt).toBeLessThan(10_000);
    expect(code, stderr).toBe(0);
    const { workflow_id: id } = JSON.parse(stdout);
    const address = inject('temporalAddress');
    expect(stderr.trim().split('\n').at(-1)).toMatch(
      new RegExp(
        `^the run goes on without you \\(workflow ${id} at ${address}\\); the same command joins it again, and this ends it: Request Cancellation in the Temporal UI, or temporal workflow cancel --address ${address} --namespace default --workflow-id ${id}$`,
      ),
    );
  });

  it('says that the last worker has gone when it waits for one', async () => {
    const cwd = await startWorker(inject('temporalAddress'), {});
    await runCommand(['trigger'], { cwd, env: shared() });
    await stop?.();
    const command = await startCommand(['trigger'], { cwd, env: shared() });
    const warning =
      /^no worker polls the task queue `quiet-\S+` at \S+ any more; the run waits for one: start it with `npx halfspace worker` \(Ctrl-C ends only the waiting\)$/gm;
    await expect
      .poll(() => command.output().match(warning) ?? [command.output()], { timeout: 25_000 })
      .toEqual([expect.stringMatching(warning)]);
    command.process.kill('SIGINT');
    expect((await command.done).code).toBe(0);
  });

  it.each(['1969-12-31T23:59:59Z', '2262-04-11T23:47:16.854775808Z', '9999-12-31T00:00:00Z', 'tomorrow'])(
    'is wrong use with --until %s',
    async (until) => {
      const { code, stderr } = await runCommand(['trigger', '--until', until], { env: shared() });
      expect(code).toBe(2);
      expect(stderr).toMatch(/^halfspace: Expected --until .*\n$/);
    },
  );

  it('says once which machine’s step fails and why, while it is tried again', async () => {
    let isMended = false;
    const cwd = await startWorker(inject('temporalAddress'), {
      transformData: async () => ({ manifest: REF, machines: 2, rows: 2, refused: [], refusedCount: 0, warnings: [] }),
      readMachines: async () => [machineEntry('a'), machineEntry('b')],
      modelIsCached: async () => ({ base: 'b', cached: true, token: 1, watermark: '0', why: 'cached' }),
      detectAnomalies: async () => {
        if (isMended) throw ApplicationFailure.nonRetryable('over');
        throw new Error('the store\nis away');
      },
      recordLaggards: async () => REF,
    });
    const command = await startCommand(['trigger'], { cwd, env: shared() });
    await expect.poll(command.output, { timeout: 30_000 }).toMatch(/is tried again \(machine\//);
    isMended = true;
    const { stderr } = await command.done;
    const lines = stderr.split('\n').filter((line) => line.includes('is tried again'));
    expect(lines).toEqual([
      expect.stringMatching(/^detectAnomalies is tried again \(machine\/\S+\/[ab]\): the store\\nis away$/),
    ]);
  });

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
    const [, runId] = /--run-id (\S+)$/.exec(stderr.trim()) ?? [];
    expect(runId).toMatch(/^[0-9a-f-]{36}$/);
    expect(stderr.trim().split('\n').at(-1)).toMatch(
      /^halfspace: Temporal does not answer any more \(.*ECONNREFUSED.*\); once it is back, the same command joins the run if it still goes on; how it ended is in the Temporal UI \(workflow detect\//,
    );
  }, 150_000);

  it('goes on waiting when Temporal is away for longer than calls are tried again, and comes back', async () => {
    const { temporalCliPath, searchPath, cacheHome } = readEnvironment();
    const cliPath = await findTemporalCli({ cacheDir: cacheHome, cliPath: temporalCliPath, pathVariable: searchPath });
    const folder = await mkdtemp(join(tmpdir(), 'halfspace-back-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const start = (port: number) =>
      startTemporalServer({ cliPath, port, uiPort: 0, dbFile: join(folder, 'temporal.db') });
    const server = await start(0);
    let isPlanning = false;
    const cwd = await startWorker(server.address, {
      planRun: async () => {
        isPlanning = true;
        return Context.current().cancelled;
      },
    });
    const command = await startCommand(['trigger'], { cwd, env: { TEMPORAL_ADDRESS: server.address } });
    onTestFinished(() => void command.process.kill('SIGKILL'));
    await expect.poll(() => isPlanning, { timeout: 20_000 }).toBe(true);
    await stop?.();
    await server.close();
    await expect
      .poll(command.output, { timeout: 60_000 })
      .toMatch(/does not answer \(.*\) and is asked for 40 seconds/);
    const again = await start(Number(server.address.split(':').at(-1)));
    onTestFinished(() => again.close());
    await expect.poll(command.output, { timeout: 20_000 }).toMatch(/^Temporal answers again$/m);
    const connection = await Connection.connect({ address: again.address });
    onTestFinished(() => connection.close());
    const [, workflowId = ''] = /(detect\/\S+)/.exec(command.output()) ?? [];
    await new Client({ connection }).workflow.getHandle(workflowId).terminate('enough');
    const { code, stderr } = await command.done;
    expect(code).toBe(1);
    expect(stderr.trim().split('\n').at(-1)).toMatch(/^halfspace: The run failed: .*enough/);
  }, 150_000);
});
