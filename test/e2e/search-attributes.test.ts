import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { expect, inject, it, onTestFinished, vi } from 'vitest';
import { nanosFromMs } from '../../src/contract/time.js';
import { findSearchAttributes } from '../../src/search-attributes.js';
import { defaultMachines } from '../../src/simulator/fleet.js';
import { lines } from '../../src/simulator/outputs.js';
import { testTemporalCli } from '../local/temporal/test-cli.js';
import { runCommand, startCommand } from './command.js';
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

async function connect(): Promise<Connection> {
  const connection = await Connection.connect({ address: inject('temporalAddress') });
  onTestFinished(() => connection.close());
  return connection;
}

async function temporalCli(...args: readonly string[]): Promise<void> {
  execFileSync(await testTemporalCli(), ['operator', ...args, '--address', inject('temporalAddress')]);
}

/** A new namespace with these search attributes, once every part of the server knows them, which takes seconds. */
async function namespaceWith(types: Readonly<Record<string, string>>): Promise<string> {
  const namespace = `types-${randomUUID()}`;
  await temporalCli('namespace', 'create', '--namespace', namespace);
  const { workflowService } = await connect();
  const names = Object.keys(types);
  if (names.length === 0) return namespace;
  const attributes = Object.entries(types).flatMap(([name, type]) => ['--name', name, '--type', type]);
  await vi.waitFor(() => temporalCli('search-attribute', 'create', '--namespace', namespace, ...attributes), 30_000);
  const query = names.map((name) => `${name} IS NULL`).join(' AND ');
  await vi.waitFor(() => workflowService.countWorkflowExecutions({ namespace, query }), 60_000);
  return namespace;
}

const RIGHT = { halfspacePipeline: 'Keyword', halfspaceMachine: 'Keyword', halfspaceAnomalies: 'Int' };

/** As on Temporal Cloud. */
const NO_LIST = {
  listSearchAttributes: () => Promise.reject(Object.assign(new Error('Request unauthorized.'), { code: 7 })),
};

it('are asked for, and missing in a namespace that has none', async () => {
  const { workflowService, operatorService } = await connect();
  for (const service of [operatorService, NO_LIST]) {
    const services = { workflowService, operatorService: service };
    expect(await findSearchAttributes(services, 'default')).toEqual({ kind: 'usable' });
    // A new namespace is known to every part of the server within seconds.
    const namespace = await namespaceWith({});
    await vi.waitFor(
      async () => expect(await findSearchAttributes(services, namespace)).toEqual({ kind: 'lacking' }),
      30_000,
    );
  }
});

it.each([
  ['halfspaceMachine', 'KeywordList', 'Keyword'],
  ['halfspacePipeline', 'Datetime', 'Keyword'],
  ['halfspaceAnomalies', 'Datetime', 'Int'],
  ['halfspaceAnomalies', 'Keyword', 'Int'],
])('of another type are told: %s as %s', async (name, type, expected) => {
  const { workflowService, operatorService } = await connect();
  const namespace = await namespaceWith({ ...RIGHT, [name]: type });
  const listed = await findSearchAttributes({ workflowService, operatorService }, namespace);
  expect(listed).toEqual({ kind: 'mistyped', wrong: [`${name} is ${type}, not ${expected}`] });
  const asked = await findSearchAttributes({ workflowService, operatorService: NO_LIST }, namespace);
  expect(asked).toEqual({ kind: 'mistyped', wrong: [`${name} is not ${expected}`] });
});

it('that are looked for by words find what they should, too', async () => {
  const namespace = await namespaceWith({ ...RIGHT, halfspacePipeline: 'Text', halfspaceMachine: 'Text' });
  expect(await findSearchAttributes(await connect(), namespace)).toEqual({ kind: 'usable' });
});

it('of another type are left alone by runs, and the worker and `config check --live` say what to do', async () => {
  const namespace = await namespaceWith({ ...RIGHT, halfspaceMachine: 'KeywordList', halfspaceAnomalies: 'Double' });
  const plant = await buildPlant({ temporalAddress: inject('temporalAddress'), pipelines: {} });
  onTestFinished(() => plant.close());
  const fault = { kind: 'overload' as const, fromMs: END - 60_000, toMs: END };
  const broken = defaultMachines(1, 1, 1000).map((machine) => machine.withFault(fault));
  await plant.write(lines(broken, { fromMs: START, toMs: END }));
  const cwd = await mkdtemp(join(tmpdir(), 'halfspace-types-'));
  await writeFile(
    join(cwd, 'halfspace.yaml'),
    `influx: { host: "${plant.standIn.url}", token: "", database: plant }
store: { url: "file://${plant.storeFolder}" }
pipelines:
  typed:
    source: { table: machine_data, id: [provider, machineID], values: [power] }
    window: { history: 20m, settle: 0s }
    normalise: { power: [0, 500] }
worker: { task_queue: typed-${randomUUID()} }
`,
  );
  const env = { TEMPORAL_ADDRESS: inject('temporalAddress'), TEMPORAL_NAMESPACE: namespace };
  const text = `Search attributes of Temporal's namespace ${namespace} have another type than halfspace's: halfspaceMachine is KeywordList, not Keyword, halfspaceAnomalies is Double, not Int. None of them is used, runs and machines are found by their ids only: remove or rename those and make them anew (docs/operations.md, "Watching it")`;
  const worker = await startCommand(['worker'], { cwd, env });
  onTestFinished(() => void worker.process.kill('SIGKILL'));
  await vi.waitFor(() => expect(worker.output()).toContain(`warn ${text}\n`), 30_000);

  const until = ['--until', new Date(END).toISOString()];
  const { code, stdout, stderr } = await runCommand(['trigger', 'typed', ...until, '--json'], { cwd, env });
  expect(code, stderr).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ machines: 1 });
  const check = await runCommand(['config', 'check', '--live'], { cwd, env });
  expect(check.stdout).toContain(`remark  temporal: ${text}\n`);
});
