import { createHash } from 'node:crypto';
import { HalfspaceError } from '../contract/failures.js';
import { segmentOf } from './object-key.js';
import type { Storage } from './storage.js';

/** `<token>.<base>-<watermark>-<settings>-<sha>`: who made it, out of which, how far it has learned, under which learning settings, its content. */
export interface SnapshotName {
  readonly token: number;
  /** Token of the snapshot it was learned from; 0: it began as a new model. */
  readonly base: number;
  /** Nanoseconds since the epoch. */
  readonly watermark: bigint;
  readonly settingsHash: string;
  readonly sha256: string;
}

/** What counts of a machine's folder. */
export interface MachineModels {
  /** Newest first. */
  readonly names: readonly SnapshotName[];
  /** Rows before this are no model's to learn: all models were forgotten then. Nanoseconds; null: they never were. */
  readonly since: bigint | null;
  /** Whoever publishes next does so under a higher token; 0: nobody has published yet. */
  readonly token: number;
}

/** How many snapshots of a machine stay at least; older ones are pruned when a newer one is published. */
const KEPT_SNAPSHOTS = 5;

const FOLDER = 'snapshots';
const TOKEN_DIGITS = 15;
const WATERMARK_LENGTH = 20;
/** An empty object whose name says that snapshots up to a token are forgotten, and from where on new models learn. */
const FORGOTTEN = /^(\d{15})-(-?\d{1,19})\.forgotten$/;
const NAME = /^(\d{15})\.(\d{15})-(\d{20}|-\d{19})-([0-9a-f]+)-([0-9a-f]{64})\.snapshot$/;

/** Text of a snapshot's name; names sort by token. */
export function formatSnapshotName(name: SnapshotName): string {
  const [token, base] = [name.token, name.base].map((number) => String(number).padStart(TOKEN_DIGITS, '0'));
  const [sign, size] = name.watermark < 0n ? ['-', -name.watermark] : ['', name.watermark];
  const watermark = sign + String(size).padStart(WATERMARK_LENGTH - sign.length, '0');
  return `${token}.${base}-${watermark}-${name.settingsHash}-${name.sha256}`;
}

export function parseSnapshotName(text: string): SnapshotName | null {
  const match = NAME.exec(`${text}.snapshot`);
  if (match === null) return null;
  const [, token = '', base = '', watermark = '', settingsHash = '', sha256 = ''] = match;
  return { token: Number(token), base: Number(base), watermark: BigInt(watermark), settingsHash, sha256 };
}

/** @throws when the text is no snapshot's name, which only a mistake in the program can make. */
export function snapshotNameFrom(text: string): SnapshotName {
  const name = parseSnapshotName(text);
  if (name === null) throw new Error(`Expected a snapshot name, got ${text}`);
  return name;
}

/**
 * The named snapshot and those it was learned from, newest first, as far as they are there. What was published in between and
 * is not among them belongs to a past that was given up: a late attempt's, or one from before late rows were learned.
 */
export function lineageOf(names: readonly SnapshotName[], token: number): SnapshotName[] {
  const byToken = new Map(names.map((name) => [name.token, name]));
  const lineage: SnapshotName[] = [];
  for (let next = byToken.get(token); next !== undefined; next = byToken.get(next.base)) {
    lineage.push(next);
    // A base is older than what was learned from it; anything else was not written by us and must not go round in circles.
    if (next.base >= next.token) break;
  }
  return lineage;
}

/** The snapshots of all machines of all scopes (a pipeline, a backfill). Newest = highest token, whenever it was written. */
export class Snapshots {
  readonly #storage: Storage;

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  /** What there is of a machine; reads names only. */
  async look(scope: string, uniqueId: string): Promise<MachineModels> {
    return modelsIn(await this.#storage.list(snapshotFolder(scope, uniqueId)));
  }

  /** Names of a machine's published snapshots, newest first. */
  async list(scope: string, uniqueId: string): Promise<readonly SnapshotName[]> {
    return (await this.look(scope, uniqueId)).names;
  }

  /** The same for a folder of {@link folders}. */
  async listIn(folder: string): Promise<readonly SnapshotName[]> {
    return modelsIn(await this.#storage.list(folder)).names;
  }

  /** @throws HalfspaceError `CorruptSnapshot` when the object is missing or is not what its name says. */
  async read(scope: string, uniqueId: string, name: SnapshotName): Promise<Uint8Array> {
    return this.readIn(snapshotFolder(scope, uniqueId), name);
  }

  /** The same for a folder of {@link folders}. */
  async readIn(folder: string, name: SnapshotName): Promise<Uint8Array> {
    const key = `${folder}/${fileOf(name)}`;
    const bytes = await this.#storage.read(key);
    if (bytes === null) throw new HalfspaceError('CorruptSnapshot', `The snapshot ${key} is not in the store`);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    if (sha256 !== name.sha256) {
      throw new HalfspaceError('CorruptSnapshot', `The snapshot ${key} is damaged: its bytes hash to ${sha256}`);
    }
    return bytes;
  }

  /**
   * Publishes bytes under their name, then prunes: the newest five stay, and of the newest one's lineage all that reach back
   * to `keepFrom` with the one before them; what is forgotten goes. Publishing the same again changes nothing.
   * @param keepFrom watermark, nanoseconds; null: five are enough.
   */
  async publish(
    scope: string,
    uniqueId: string,
    name: SnapshotName,
    bytes: Uint8Array,
    keepFrom: bigint | null = null,
  ): Promise<void> {
    await this.add(scope, uniqueId, name, bytes);
    const files = await this.#storage.list(snapshotFolder(scope, uniqueId));
    const { names } = modelsIn(files);
    const forgotten = snapshotsAmong(files).filter(({ token }) => !names.some((name) => name.token === token));
    for (const old of [...prunable(names, keepFrom), ...forgotten]) {
      await this.#storage.remove(keyOf(scope, uniqueId, old));
    }
  }

  /** Removes all models of a scope. */
  async forget(scope: string): Promise<void> {
    await this.#storage.removeAll(snapshotsFolder(scope));
  }

  /** Publishes bytes under their name and removes nothing. */
  async add(scope: string, uniqueId: string, name: SnapshotName, bytes: Uint8Array): Promise<void> {
    await this.#storage.write(keyOf(scope, uniqueId, name), bytes);
  }

  /** Moves a snapshot that cannot be used out of the way, for a look at it. One that is not there any more is fine. */
  async setAside(scope: string, uniqueId: string, name: SnapshotName): Promise<void> {
    const key = keyOf(scope, uniqueId, name);
    const bytes = await this.#storage.read(key);
    if (bytes === null) return;
    await this.#storage.write(`damaged/${key.slice(FOLDER.length + 1)}`, bytes);
    await this.#storage.remove(key);
  }

  /** A folder for each machine of a scope; whose it is its snapshots say. */
  async folders(scope: string): Promise<string[]> {
    const names = await this.#storage.list(snapshotsFolder(scope));
    return names.filter((name) => name.endsWith('/')).map((name) => `${snapshotsFolder(scope)}/${name.slice(0, -1)}`);
  }

  /**
   * Forgets all models of a machine at once, then removes them: whoever dies in between has forgotten them, and a late attempt
   * of before stays forgotten.
   * @param since no later model learns rows from before this, nanoseconds.
   */
  async forgetMachine(scope: string, uniqueId: string, since: bigint, nowMs: number): Promise<void> {
    const folder = snapshotFolder(scope, uniqueId);
    const before = await this.look(scope, uniqueId);
    const token = String(nextToken(before.token, nowMs)).padStart(TOKEN_DIGITS, '0');
    const from = before.since !== null && before.since > since ? before.since : since;
    const mark = `${token}-${from}.forgotten`;
    await this.#storage.write(`${folder}/${mark}`, new Uint8Array());
    for (const name of await this.#storage.list(folder)) {
      if (name !== mark && !name.endsWith('/')) await this.#storage.remove(`${folder}/${name}`);
    }
  }
}

/** The token of who publishes after `last`. One token below its own stays free, for a checkpoint. */
export function nextToken(last: number, nowMs: number): number {
  return last === 0 ? nowMs : Math.max(last + 2, nowMs);
}

function modelsIn(files: readonly string[]): MachineModels {
  let forgotten = 0;
  let since: bigint | null = null;
  for (const file of files) {
    const [, token, from] = FORGOTTEN.exec(file) ?? [];
    if (token === undefined || from === undefined) continue;
    forgotten = Math.max(forgotten, Number(token));
    if (since === null || BigInt(from) > since) since = BigInt(from);
  }
  const names = snapshotsAmong(files).filter(({ token }) => token > forgotten);
  return { names, since, token: names[0]?.token ?? forgotten };
}

/** Newest first. */
function snapshotsAmong(files: readonly string[]): SnapshotName[] {
  const names = files.map((file) => parseSnapshotName(file.replace(/\.snapshot$/, '')));
  return names.filter((name) => name !== null).sort((a, b) => b.token - a.token);
}

/** @param names newest first. */
function prunable(names: readonly SnapshotName[], keepFrom: bigint | null): SnapshotName[] {
  const lineage = keepFrom === null ? [] : lineageOf(names, names[0]?.token ?? 0);
  const within = lineage.filter(({ watermark }) => keepFrom !== null && watermark >= keepFrom).length;
  const kept = new Set(lineage.slice(0, within + 1).map(({ token }) => token));
  return names.slice(KEPT_SNAPSHOTS).filter(({ token }) => !kept.has(token));
}

/** Folder of all models of a scope. */
export function snapshotsFolder(scope: string): string {
  return `${FOLDER}/${segmentOf(scope)}`;
}

/** Folder of a machine's models. */
export function snapshotFolder(scope: string, uniqueId: string): string {
  return `${snapshotsFolder(scope)}/${segmentOf(uniqueId)}`;
}

function keyOf(scope: string, uniqueId: string, name: SnapshotName): string {
  return `${snapshotFolder(scope, uniqueId)}/${fileOf(name)}`;
}

function fileOf(name: SnapshotName): string {
  return `${formatSnapshotName(name)}.snapshot`;
}
