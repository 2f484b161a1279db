import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { Connection } from '@temporalio/client';
import { expect, inject, it, onTestFinished, vi } from 'vitest';
import { nanosFromMs } from '../../src/contract/time.js';
import { hasSearchAttributes } from '../../src/search-attributes.js';
import { defaultMachines } from '../../src/simulator/fleet.js';
import { lines } from '../../src/simulator/outputs.js';
import { testTemporalCli } from '../local/temporal/test-cli.js';
import { buildPlant, machinesPipeline, type Plant } from './plant.js';

const START = Date.parse('2026-01-05T00:00:00Z');
const END = START + 1200_000;

/** The server notes what can be searched a moment after it happened. */
async function idsFound({ client }: Plant, query: string): Promise<string[]> {
  const ids: string[] = [];
  for await (const { workflowId } of client.workflow.list({ query })) ids.push(workflowId);
  return ids.sort();
}

it('lets runs and machines be found by pipeline, machine and anomalous rows', async () => {
  const pipeline = `p-${randomUUID()}`;
  const plant = await buildPlant({
    temporalAddress: inject('temporalAddress'),
    pipelines: { [pipeline]: machinesPipeline({ alerts: [] }) },
  });
  onTestFinished(() => plant.close());
  const [broken, ...healthy] = defaultMachines(3, 1, 1000);
  if (broken === undefined) throw new Error('Expected machines');
  const fault = { kind: 'overload' as const, fromMs: END - 60_000, toMs: END };
  await plant.write(lines([broken.withFault(fault), ...healthy], { fromMs: START, toMs: END }));
  const runId = `detect/${pipeline}/once`;
  const result = await plant.run(pipeline, nanosFromMs(END), runId);
  expect(result).toMatchObject({ machines: 3, failed: [] });
  expect(result.anomalies).toBeGreaterThan(0);

  const prefix = `machine/${pipeline}/`;
  const ofPipeline = `halfspacePipeline = '${pipeline}'`;
  await vi.waitUntil(
    async () => (await idsFound(plant, `${ofPipeline} AND ExecutionStatus = 'Completed'`)).length === 4,
    {
      timeout: 20_000,
    },
  );
  const machines = await idsFound(plant, `${ofPipeline} AND WorkflowType = 'machineDetection'`);
  expect(machines).toHaveLength(3);
  for (const id of machines) {
    const machine = id.slice(prefix.length);
    expect(await idsFound(plant, `${ofPipeline} AND halfspaceMachine = '${machine}'`)).toEqual([id]);
  }
  const odd = machines.filter((id) => id.endsWith(`-${broken.machineID}`));
  expect(await idsFound(plant, `${ofPipeline} AND halfspaceAnomalies > 0`)).toEqual([runId, ...odd]);
  expect(await idsFound(plant, `${ofPipeline} AND halfspaceAnomalies = ${result.anomalies}`)).toContain(runId);
});

it('are asked for, and missing in a namespace that has none', async () => {
  const connection = await Connection.connect({ address: inject('temporalAddress') });
  onTestFinished(() => connection.close());
  const { workflowService } = connection;
  expect(await hasSearchAttributes(workflowService, 'default')).toBe(true);
  const namespace = `bare-${randomUUID()}`;
  const create = ['operator', 'namespace', 'create', '--namespace', namespace, '--address', inject('temporalAddress')];
  execFileSync(await testTemporalCli(), create);
  // A new namespace is known to every part of the server within seconds.
  await vi.waitFor(async () => expect(await hasSearchAttributes(workflowService, namespace)).toBe(false), 30_000);
});
