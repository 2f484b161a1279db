import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { runCommand } from './command.js';

let client: Client;
let cwd: string;

beforeAll(async () => {
  client = new Client({ connection: await Connection.connect({ address: inject('temporalAddress') }) });
  cwd = await mkdtemp(join(tmpdir(), 'halfspace-schedule-'));
});

afterAll(async () => {
  for await (const { scheduleId } of client.schedule.list()) await client.schedule.getHandle(scheduleId).delete();
  await client.connection.close();
});

async function writeSettings(schedules: Readonly<Record<string, string>>): Promise<void> {
  const pipelines = Object.entries(schedules).map(
    ([name, cron]) =>
      `  ${name}:\n    source: { table: t, id: [m], values: [v] }\n    normalise: running\n` +
      `    detector: { kind: half_space_trees, n_trees: 5, height: 2, window_size: 250, seed: 1 }\n    schedule: "${cron}"\n`,
  );
  await writeFile(join(cwd, 'halfspace.yaml'), `pipelines:\n${pipelines.join('')}`);
}

async function schedule(...args: string[]): Promise<string> {
  const env = { TEMPORAL_ADDRESS: inject('temporalAddress') };
  const { code, stdout, stderr } = await runCommand(['schedule', ...args], { cwd, env });
  expect(code, stderr).toBe(0);
  return stdout;
}

/** The server lists a schedule a moment after it was made. */
async function listed(pattern: RegExp): Promise<void> {
  await expect.poll(() => schedule('list'), { timeout: 20_000 }).toMatch(pattern);
}

describe('schedule', () => {
  it('makes the server equal to the file and shows the difference first', async () => {
    await writeSettings({ one: '*/5 * * * *', two: '@hourly', three: '@every 10m' });
    expect(await schedule('apply')).toBe('+ one  */5 * * * *\n+ two  0 * * * *\n+ three  @every 10m\n');
    await listed(/one {2}\*\/5[\s\S]*three {2}@every 10m {2}next 20[\s\S]*two {2}0 \* \* \* \*/);
    expect(await schedule('apply')).toBe('= one  */5 * * * *\n= two  0 * * * *\n= three  @every 10m\n');

    await schedule('pause', 'one');
    await writeSettings({ one: '*/10 * * * *', two: '@hourly' });
    expect(await schedule('apply')).toBe('~ one  */5 * * * * → */10 * * * *\n= two  0 * * * *\n- three  @every 10m\n');
    await listed(/one {2}\*\/10 \* \* \* \* {2}paused\ntwo/);
    await schedule('resume', 'one');
    await listed(/one {2}\*\/10 \* \* \* \* {2}next/);
  });

  it('starts runs that skip when one is going on', async () => {
    await writeSettings({ one: '*/10 * * * *' });
    await schedule('apply');
    const { policies, action } = await client.schedule.getHandle('halfspace/one').describe();
    expect(policies.overlap).toBe('SKIP');
    expect(action).toMatchObject({ workflowType: 'detectionRun', taskQueue: 'halfspace', workflowId: 'detect/one' });
  });

  it('says which schedules there are when asked for another', async () => {
    const env = { TEMPORAL_ADDRESS: inject('temporalAddress') };
    const { code, stderr } = await runCommand(['schedule', 'pause', 'nothing'], { cwd, env });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^halfspace: The server has no schedule for `nothing`; /);
  });
});
