import { pathToFileURL } from 'node:url';
import { afterEach, expect, inject, it } from 'vitest';
import type { Channel } from '../../src/alerts/channel.js';
import { modelForget, modelList, modelRollback } from '../../src/cli/model.js';
import { connectTemporal, runsGoingOn } from '../../src/client.js';
import { nanosFromMs } from '../../src/contract/time.js';
import { defaultMachines } from '../../src/simulator/fleet.js';
import { lines } from '../../src/simulator/outputs.js';
import { capturedIo } from '../cli/captured-io.js';
import { folderWith } from '../config/folder.js';
import { buildPlant, machinesPipeline, type Plant } from './plant.js';

const START = Date.parse('2026-01-05T00:00:00Z');
const MINUTE = 60_000;

let plant: Plant;
afterEach(() => plant?.close());

const YAML = `
pipelines:
  by-hand:
    source: { table: machine_data, id: [provider, machineID], values: [power] }
    normalise: { power: [0, 500] }
    detector: { kind: half_space_trees, n_trees: 10, height: 8, window_size: 250, seed: 1 }
    output: { table: machine_anomalies }
`;

it('refuses to change a model while a run of its pipeline is going on, and does it afterwards', async () => {
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  let reached = () => {};
  const waiting = new Promise<void>((resolve) => {
    reached = resolve;
  });
  const slow: Channel = {
    name: 'ops',
    send: async () => {
      reached();
      await held;
      return 'delivered';
    },
    sendDigest: async () => 'delivered',
  };
  plant = await buildPlant({
    temporalAddress: inject('temporalAddress'),
    pipelines: { 'by-hand': machinesPipeline({ alerts: ['ops'] }) },
    channels: [slow],
  });
  const machines = defaultMachines(2, 1).map((machine, index) =>
    index === 0
      ? machine.withFault({ kind: 'overload', fromMs: START + 19 * MINUTE, toMs: Number.POSITIVE_INFINITY })
      : machine,
  );
  await plant.write(lines(machines, { fromMs: START, toMs: START + 30 * MINUTE }));
  await plant.run('by-hand', nanosFromMs(START + 10 * MINUTE));

  const cwd = folderWith({ 'halfspace.yaml': YAML });
  const env = { STORE_URL: pathToFileURL(plant.storeFolder).href };
  const connect = () => connectTemporal({ embedded: inject('temporalAddress') });
  const listed = capturedIo({ json: true });
  await modelList({ cwd, env }, listed);
  const [broken, healthy] = JSON.parse(listed.out()) as { machine: string; snapshot: string }[];
  const of = (machine: string | undefined) => ({ cwd, env, connect, pipeline: 'by-hand', machine: machine ?? '' });
  const back = { ...of(broken?.machine), to: broken?.snapshot ?? '', relearn: true };

  const run = plant.run('by-hand', nanosFromMs(START + 20 * MINUTE));
  await waiting;
  await expect(modelRollback(back, capturedIo())).rejects.toThrow(/^machine\/by-hand\/.*machine1 is going on: /);
  // The other machine's child may be over; its run is not.
  const temporal = await connect();
  await expect.poll(() => runsGoingOn(temporal, 'by-hand'), { timeout: 10_000 }).toHaveLength(1);
  await temporal.close();
  await expect(modelForget({ ...of(healthy?.machine), yes: true }, capturedIo())).rejects.toThrow(/is going on/);
  release();
  expect(await run).toMatchObject({ done: 2, rows: 2 * 600 });

  await expect
    .poll(() => modelRollback(back, capturedIo()).then(() => 'done', String), { timeout: 10_000 })
    .toBe('done');
  expect(await plant.run('by-hand', nanosFromMs(START + 30 * MINUTE))).toMatchObject({ done: 2, rows: 600 + 1200 });

  await plant.write(lines(machines, { fromMs: START + 30 * MINUTE, toMs: START + 32 * MINUTE }));
  await plant.run('by-hand', nanosFromMs(START + 31 * MINUTE));
  const forget = () => modelForget({ ...of(healthy?.machine), yes: true }, capturedIo()).then(() => 'done', String);
  await expect.poll(forget, { timeout: 10_000 }).toBe('done');
  expect(await plant.run('by-hand', nanosFromMs(START + 32 * MINUTE))).toMatchObject({ done: 2, rows: 2 * 60 });
  const after = capturedIo({ json: true });
  await modelList({ cwd, env }, after);
  expect(JSON.parse(after.out())).toContainEqual(expect.objectContaining({ machine: healthy?.machine, rows: 60 }));
});
