import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type GateInput, loadModel, type ModelDeps, modelIsCached, snapshotBytes } from '../../src/activities/gate.js';
import { ModelCache } from '../../src/activities/model-cache.js';
import { JsonArtifacts } from '../../src/activities/plan-document.js';
import { putArtifact } from '../../src/store/artifacts.js';
import { type SnapshotName, Snapshots } from '../../src/store/snapshots.js';
import { openStorage } from '../../src/store/storage.js';
import { recordReads } from '../store/record-reads.js';

const SETTINGS = 'abc123';
const BYTES = new Uint8Array(1000).fill(7);
const NAME: SnapshotName = {
  token: 5,
  base: 0,
  watermark: 100n,
  settingsHash: SETTINGS,
  sha256: createHash('sha256').update(BYTES).digest('hex'),
};

let folder: string;
let deps: ModelDeps;
let input: GateInput;
/** Keys read from the store. */
let read: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'halfspace-gate-'));
  const storage = openStorage(pathToFileURL(folder).href);
  read = [];
  // Room for one snapshot of 1,000 bytes.
  deps = { storage: recordReads(read)(storage), models: new ModelCache(2000) };
  const document = await putArtifact(
    storage,
    'runs/p/1',
    'plan',
    new TextEncoder().encode(JSON.stringify({ settings: { on_settings_change: 'relearn' }, settingsHash: SETTINGS })),
  );
  await new Snapshots(storage).publish('p', 'm', NAME, BYTES);
  input = {
    plan: {
      pipeline: 'p',
      scope: 'p',
      mode: 'incremental',
      span: { from: '0', to: '200' },
      window: { from: '0', to: '200' },
      chunk: { index: 1, count: 1 },
      events: 'told',
      document,
      folder: 'runs/p/1',
      channels: [],
    },
    machine: {
      uniqueId: 'm',
      ids: ['m'],
      from: '0',
      covered: '0',
      rows: 1,
      owesAlert: false,
      pack: document,
      offset: 0,
      bytes: 1,
    },
    run: { workflowId: 'w', runId: 'r' },
    startedAtMs: 1000,
  };
});

afterEach(() => rm(folder, { recursive: true, force: true }));

function gate(): ReturnType<typeof modelIsCached> {
  return modelIsCached(deps, new JsonArtifacts(deps.storage), input);
}

function snapshotsRead(): string[] {
  return read.filter((key) => key.startsWith('snapshots/'));
}

it('says that a model has to be loaded once, and then that it is there', async () => {
  const first = await gate();
  expect(first).toMatchObject({ cached: false, why: 'not cached' });
  await loadModel(deps, { ...input, gate: first });
  expect(await gate()).toMatchObject({ cached: true, base: first.base });
  expect(snapshotsRead()).toHaveLength(1);
  expect(await snapshotBytes(deps, input, first.base ?? '')).toEqual(BYTES);
  expect(snapshotsRead()).toHaveLength(1);
});

it('looks without reading a snapshot', async () => {
  await gate();
  expect(snapshotsRead()).toEqual([]);
});

it('is believed also when the model is evicted before its use: the store has it', async () => {
  deps.models.set('p', 'm', NAME, BYTES);
  const { base } = await gate();
  deps.models.set('p', 'another', { ...NAME, token: 6 }, new Uint8Array(1000));
  expect(deps.models.has('p', 'm', NAME)).toBe(false);
  expect(await snapshotBytes(deps, input, base ?? '')).toEqual(BYTES);
  expect(snapshotsRead()).toHaveLength(1);
});
