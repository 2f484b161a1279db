import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { RunResult } from '../../src/contract/run-result.js';
import { nanosFromMs } from '../../src/contract/time.js';
import { defaultMachines } from '../../src/simulator/fleet.js';
import { lines } from '../../src/simulator/outputs.js';
import { openStorage, type Storage } from '../../src/store/storage.js';
import { describeWithRclone, type S3Server, startS3Server } from '../store/rclone.js';
import { runCommand } from './command.js';
import { buildPlant, machinesPipeline } from './plant.js';

const START = Date.parse('2026-01-05T00:00:00Z');
const HOUR = 3_600_000;
const MINUTE = 60_000;
/** A name of its own: machines of one name lock each other out, and other tests run on the same server. */
const PIPELINE = 'in-bucket';

interface Outcome {
  readonly first: RunResult;
  readonly second: RunResult;
  /** Newest snapshot by machine, without the token, which is the time of the run. */
  readonly models: Record<string, string>;
  /** Plots of all machines. */
  readonly plots: string[];
  readonly scores: Record<string, unknown>[];
}

/** Two runs over three machines, of which one breaks in the second; no model stays in memory between them. */
async function runTwice(storage?: Storage): Promise<Outcome> {
  const plant = await buildPlant({
    temporalAddress: inject('temporalAddress'),
    pipelines: { [PIPELINE]: machinesPipeline() },
    modelCacheBytes: 1,
    ...(storage === undefined ? {} : { storage }),
  });
  try {
    const end = START + HOUR;
    const last = end + 10 * MINUTE;
    const machines = defaultMachines(3, 1).map((machine, index) =>
      index === 1 ? machine.withFault({ kind: 'overload', fromMs: last - MINUTE, toMs: last }) : machine,
    );
    await plant.write(lines(machines, { fromMs: START, toMs: end }));
    const first = await plant.run(PIPELINE, nanosFromMs(end));
    await plant.write(lines(machines, { fromMs: end, toMs: last }));
    const second = await plant.run(PIPELINE, nanosFromMs(last));
    const models: Record<string, string> = {};
    for (const machine of await plant.storage.list(`snapshots/${PIPELINE}`)) {
      const names = await plant.storage.list(`snapshots/${PIPELINE}/${machine.slice(0, -1)}`);
      models[machine] = (names.at(-1) ?? '').split('-').slice(1).join('-');
    }
    const plots: string[] = [];
    for (const machine of await plant.storage.list(`plots/${PIPELINE}`)) {
      plots.push(...(await plant.storage.list(`plots/${PIPELINE}/${machine.slice(0, -1)}`)));
    }
    const scores = await plant.rows('SELECT time, unique_id, score FROM machine_anomalies ORDER BY unique_id, time');
    return { first, second, models, plots, scores };
  } finally {
    await plant.close();
  }
}

await describeWithRclone((rclone) => {
  let server: S3Server;
  beforeAll(async () => {
    server = await startS3Server(rclone);
  });
  afterAll(() => server.close());

  describe('a store in S3', () => {
    it('serves the whole job, with the scores and models that a folder gives', async () => {
      const storage = openStorage(`s3://${server.bucket}/plant`, server.access);
      const inBucket = await runTwice(storage);
      expect(inBucket.first).toMatchObject({ done: 3, failedCount: 0, rows: 10_800, scoresWritten: 10_800 });
      expect(inBucket.second).toMatchObject({ done: 3, failedCount: 0, rows: 1800, models: { loaded: 3 } });
      expect(inBucket.second.anomalies).toBeGreaterThan(30);
      expect(inBucket.plots).toHaveLength(1);

      const inFolder = await runTwice();
      expect(Object.keys(inBucket.models)).toHaveLength(3);
      expect(inBucket.models).toEqual(inFolder.models);
      expect(inBucket.scores).toHaveLength(12_600);
      expect(inBucket.scores).toEqual(inFolder.scores);
    });

    it.each([
      ['a bucket that is not there', { STORE_URL: 's3://no-such-bucket/p' }, 'there is no such bucket', 2],
      ['a wrong secret key', { AWS_SECRET_ACCESS_KEY: 'not-the-secret' }, 'cannot write .probe/', 1],
      [
        'a region that is none',
        { AWS_REGION: 'no region!' },
        'needs AWS_REGION (or AWS_DEFAULT_REGION) to be a region',
        2,
      ],
      ['half a pair of keys', { AWS_SECRET_ACCESS_KEY: '' }, 'needs AWS_SECRET_ACCESS_KEY too', 2],
    ])('ends a worker at once for %s, with one line that says what is wrong', async (_, wrong, says, exits) => {
      const { code, stderr } = await runCommand(['worker'], {
        env: {
          TEMPORAL_ADDRESS: inject('temporalAddress'),
          INFLUX_HOST: 'http://127.0.0.1:1',
          INFLUX_TOKEN: '',
          INFLUX_DATABASE: 'none',
          STORE_URL: `s3://${server.bucket}/worker`,
          AWS_ENDPOINT_URL_S3: server.access.endpoint,
          AWS_ACCESS_KEY_ID: server.access.accessKeyId,
          AWS_SECRET_ACCESS_KEY: server.access.secretAccessKey,
          ...wrong,
        },
      });
      expect(code).toBe(exits);
      const told = stderr.split('\n').filter((line) => line.includes('The store s3://'));
      expect(told).toHaveLength(1);
      expect(told[0]).toContain(says);
      expect(stderr).not.toContain('worker polls');
      expect(stderr).not.toContain('Warning');
      expect(stderr).not.toContain('not-the-secret');
    });
  });
});
