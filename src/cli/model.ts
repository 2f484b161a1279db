import { writeFile } from 'node:fs/promises';
import { HalfspaceError } from '../contract/failures.js';
import { isoFromNanos } from '../contract/time.js';
import type { SnapshotHeader } from '../model/snapshot.js';
import { formatSnapshotName, type SnapshotName, type Snapshots, snapshotFolder } from '../store/snapshots.js';
import { type Ask, createAsk } from './init/ask.js';
import type { CliIo } from './io.js';
import { refuseBesideRuns } from './model/beside-runs.js';
import { lookAt, publishedAt, type SeenSnapshot, snapshotDocument, tableText } from './model/documents.js';
import { forgetByHand } from './model/forget.js';
import { chooseSnapshot, type MachineOptions, type ModelOptions, openMachine, openModels } from './model/open.js';
import { rollBackByHand } from './model/roll-back.js';
import { choosePipeline } from './trigger.js';
import { UsageError } from './usage-error.js';
import { visible } from './visible.js';

export interface ModelListOptions extends ModelOptions {
  /** All of halfspace.yaml when left out. */
  readonly pipeline?: string | undefined;
}

/** Prints every machine with its newest snapshot. */
export async function modelList(options: ModelListOptions, io: CliIo): Promise<void> {
  const { snapshots, pipelines } = openModels(options);
  const known = Object.keys(pipelines);
  const wanted = options.pipeline === undefined ? known : [choosePipeline(options.pipeline, known)];
  const found: { pipeline: string; folder: string; seen: SeenSnapshot; owner: Owner | null; older: number }[] = [];
  for (const pipeline of wanted) {
    for (const folder of await snapshots.folders(pipeline)) {
      const [newest, ...older] = await snapshots.listIn(folder);
      if (newest === undefined) continue;
      const seen = await lookAt(snapshots, folder, newest, null);
      const owner = seen.header ?? (await ownerOf(snapshots, folder, older));
      found.push({ pipeline, folder, seen, owner, older: older.length });
    }
  }
  if (io.json) {
    const documents = found.map(({ pipeline, folder, seen, owner, older }) => ({
      pipeline,
      machine: owner?.uniqueId ?? null,
      ids: owner?.ids ?? null,
      folder,
      ...snapshotDocument(seen),
      older,
    }));
    return io.stdout(`${JSON.stringify(documents)}\n`);
  }
  if (found.length === 0) return io.stdout('no models\n');
  const headings = ['pipeline', 'machine', 'published', 'learned up to', 'rows', 'settings', 'bytes', 'older'];
  const rows = found.map(({ pipeline, folder, seen, owner, older }) => [
    pipeline,
    visible(`${owner?.uniqueId ?? folder}${seen.problem === null ? '' : ' (damaged)'}`),
    ...snapshotCells(seen),
    String(older),
  ]);
  io.stdout(tableText(headings, rows));
}

type Owner = Pick<SnapshotHeader, 'uniqueId' | 'ids'>;

/** Whose snapshots a folder holds, from the newest that can be read: a folder's name need not be the machine's. */
async function ownerOf(snapshots: Snapshots, folder: string, names: readonly SnapshotName[]): Promise<Owner | null> {
  for (const name of names) {
    const { header } = await lookAt(snapshots, folder, name, null);
    if (header !== null) return header;
  }
  return null;
}

function snapshotCells({ name, bytes, header }: SeenSnapshot): string[] {
  const rows = header === null ? '-' : String(header.rows);
  return [publishedAt(name), isoFromNanos(lastLearned(name)), rows, name.settingsHash, String(bytes)];
}

/** The watermark is the nanosecond after it. */
function lastLearned({ watermark }: SnapshotName): bigint {
  return watermark - 1n;
}

/** Prints all snapshots of a machine, newest first, and its open event. */
export async function modelShow(options: MachineOptions, io: CliIo): Promise<void> {
  const { snapshots, pipeline, uniqueId, names } = await openMachine(options);
  const folder = snapshotFolder(pipeline, uniqueId);
  const seen: SeenSnapshot[] = [];
  for (const name of names) seen.push(await lookAt(snapshots, folder, name, uniqueId));
  const documents = seen.map(snapshotDocument);
  const ids = seen.find(({ header }) => header !== null)?.header?.ids ?? null;
  if (io.json) {
    return io.stdout(`${JSON.stringify({ pipeline, machine: uniqueId, ids, folder, snapshots: documents })}\n`);
  }
  io.stdout(`${pipeline}: ${visible(uniqueId)}, newest first\n`);
  for (const [index, { problem, header, name }] of seen.entries()) {
    io.stdout(`\n${formatSnapshotName(name)}\n`);
    if (problem !== null) io.stdout(`  cannot be used: ${visible(problem)}\n`);
    if (header === null) continue;
    const [published, watermark, rows, settings, bytes] = snapshotCells(
      seen[index] ?? { name, bytes: 0, header, problem },
    );
    io.stdout(
      `  published ${published}, learned up to ${watermark}, ${rows} rows, settings ${settings}, ${bytes} bytes\n`,
    );
    const { openEvent } = header;
    if (openEvent === null) continue;
    const [first, last] = [openEvent.first, openEvent.last].map(isoFromNanos);
    io.stdout(`  open event: ${openEvent.rows} rows, ${first} to ${last}, worst score ${openEvent.worst.score}\n`);
  }
}

export interface ModelExportOptions extends MachineOptions {
  readonly out: string;
  /** A snapshot's name or its beginning; the newest when left out. */
  readonly snapshot?: string | undefined;
}

/** Writes a snapshot's bytes to a new file. */
export async function modelExport(options: ModelExportOptions, io: CliIo): Promise<void> {
  const machine = await openMachine(options);
  const name = options.snapshot === undefined ? machine.names[0] : chooseSnapshot(machine, options.snapshot);
  const bytes = await machine.snapshots.read(machine.pipeline, machine.uniqueId, name);
  await writeNew(options.out, bytes);
  const snapshot = formatSnapshotName(name);
  const document = {
    pipeline: machine.pipeline,
    machine: machine.uniqueId,
    snapshot,
    file: options.out,
    bytes: bytes.length,
  };
  io.stdout(io.json ? `${JSON.stringify(document)}\n` : `${bytes.length} bytes of ${snapshot} in ${options.out}\n`);
}

async function writeNew(path: string, bytes: Uint8Array): Promise<void> {
  try {
    await writeFile(path, bytes, { flag: 'wx' });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    if (code === 'EEXIST') throw new UsageError(`${path} is there already; give another path with --out`);
    throw new HalfspaceError('BadSettings', `${path} cannot be written (${code}); give another path with --out`, {
      cause: error,
    });
  }
}

export interface ModelRollbackOptions extends MachineOptions {
  /** A snapshot's name or its beginning. */
  readonly to: string;
  readonly relearn?: boolean | undefined;
  readonly skipToNow?: boolean | undefined;
}

/** Makes an older snapshot the machine's newest, with or without the rows since. */
export async function modelRollback(options: ModelRollbackOptions, io: CliIo): Promise<void> {
  const { relearn = false, skipToNow = false } = options;
  if (relearn === skipToNow) {
    throw new UsageError(
      'Give --relearn (the next run learns the rows since that snapshot again) or --skip-to-now (no run ever learns them)',
    );
  }
  const machine = await openMachine(options);
  const target = chooseSnapshot(machine, options.to);
  await refuseBesideRuns(options, io);
  const how = relearn ? 'relearn' : 'skip';
  const { name, from } = await rollBackByHand(machine, { target, how, nowMs: Date.now() });
  const { pipeline, uniqueId } = machine;
  const [snapshot, copyOf] = [name, target].map(formatSnapshotName);
  const next = isoFromNanos(BigInt(from));
  if (io.json) {
    const document = {
      pipeline,
      machine: uniqueId,
      snapshot,
      copy_of: copyOf,
      how: relearn ? 'relearn' : 'skip_to_now',
      next_from: next,
    };
    return io.stdout(`${JSON.stringify(document)}\n`);
  }
  const rows = relearn ? `the next run learns again from ${next} on` : `rows up to ${next} are never learned`;
  io.stdout(`${visible(uniqueId)} of ${pipeline} is back at ${copyOf}, now as ${snapshot}; ${rows}\n`);
}

export interface ModelForgetOptions extends MachineOptions {
  /** Do it without asking. */
  readonly yes?: boolean | undefined;
}

export interface ModelForgetIo extends CliIo {
  /** Questions on something other than the terminal. */
  readonly ask?: Pick<Ask, 'one'>;
}

/** Forgets all models of a machine; false when the person on the terminal would rather not. */
export async function modelForget(options: ModelForgetOptions, io: ModelForgetIo): Promise<boolean> {
  const machine = await openMachine(options);
  const { pipeline, uniqueId, names } = machine;
  await refuseBesideRuns(options, io);
  const what = `${names.length} snapshot${names.length === 1 ? '' : 's'} of ${visible(uniqueId)} of ${pipeline}`;
  if (options.yes !== true) {
    if (!io.isTty) throw new UsageError(`Nobody is there to be asked whether to remove ${what}; say so with --yes`);
    const ask = io.ask ?? (await createAsk());
    if ((await ask.one(`Remove ${what}? The next run begins a new model.`, ['no', 'yes'])) === 'no') {
      io.stderr('nothing was removed\n');
      return false;
    }
    // People take their time, and a schedule does not wait for them.
    await refuseBesideRuns(options, io);
  }
  await forgetByHand(machine, Date.now());
  const document = { pipeline, machine: uniqueId, removed: names.length };
  io.stdout(io.json ? `${JSON.stringify(document)}\n` : `removed ${what}; the next run begins a new model\n`);
  return true;
}
