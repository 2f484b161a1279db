import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import {
  bundleWorkflowCode,
  DefaultLogger,
  Runtime,
  Worker,
  type WorkflowBundleWithSourceMap,
} from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { beforeAll, expect, it } from 'vitest';
import * as workflows from '../../src/workflows/index.js';

const FOLDER = fileURLToPath(new URL('../histories/', import.meta.url));
const NAMES = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.json.gz'))
  .map((name) => name.replace('.json.gz', ''));

interface Recorded {
  readonly workflowId: string;
  readonly history: { readonly events: readonly { readonly workflowExecutionStartedEventAttributes?: Started }[] };
}

interface Started {
  readonly workflowType: { readonly name: string };
}

beforeAll(() => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
});

function readRecorded(name: string): Recorded {
  const text = gunzipSync(readFileSync(`${FOLDER}${name}.json.gz`)).toString();
  return JSON.parse(text, (_, value: unknown) =>
    isBytes(value) ? Buffer.from(value.base64, 'base64') : value,
  ) as Recorded;
}

function isBytes(value: unknown): value is { base64: string } {
  return typeof value === 'object' && value !== null && 'base64' in value && typeof value.base64 === 'string';
}

function bundle(file: string): Promise<WorkflowBundleWithSourceMap> {
  const workflowsPath = fileURLToPath(new URL(file, import.meta.url));
  return bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') });
}

const current = bundle('../../src/workflows/index.ts');

async function replay(name: string, workflowBundle: WorkflowBundleWithSourceMap): Promise<void> {
  const { workflowId, history } = readRecorded(name);
  await Worker.runReplayHistory({ workflowBundle }, history, workflowId);
}

function workflowTypeOf(name: string): string | undefined {
  const [started] = readRecorded(name).history.events;
  return started?.workflowExecutionStartedEventAttributes?.workflowType?.name;
}

it.each(NAMES)('goes through the recorded %s again', async (name) => {
  await expect(replay(name, await current)).resolves.toBeUndefined();
});

it('refuses a workflow whose steps come in another order than the recorded ones', async () => {
  const changed = await bundle('changed-machine-detection.ts');
  await expect(replay('machine-healthy', changed)).rejects.toThrow(DeterminismViolationError);
});

it('has a recorded history of every workflow', () => {
  expect([...new Set(NAMES.map(workflowTypeOf))].sort()).toEqual(Object.keys(workflows).sort());
});
