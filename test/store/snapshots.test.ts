import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { getArtifact, putArtifact } from '../../src/store/artifacts.js';
import { segmentOf } from '../../src/store/object-key.js';
import {
  formatSnapshotName,
  lineageOf,
  parseSnapshotName,
  type SnapshotName,
  Snapshots,
} from '../../src/store/snapshots.js';
import { openStorage, type Storage } from '../../src/store/storage.js';

let folder: string;
let storage: Storage;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'halfspace-store-'));
  storage = openStorage(pathToFileURL(folder).href);
});

afterEach(() => rm(folder, { recursive: true, force: true }));

function snapshot(token: number, text: string): { name: SnapshotName; bytes: Uint8Array } {
  const bytes = new TextEncoder().encode(text);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { name: { token, base: 0, watermark: BigInt(token), settingsHash: 'abc123', sha256 }, bytes };
}

describe('artifacts', () => {
  it('have the same key for the same bytes', async () => {
    const bytes = new TextEncoder().encode('rows');
    const first = await putArtifact(storage, 'runs/1', 'scores', bytes);
    expect(await putArtifact(storage, 'runs/1', 'scores', bytes)).toEqual(first);
    expect(await getArtifact(storage, first)).toEqual(bytes);
  });

  it('are refused when their bytes have changed', async () => {
    const ref = await putArtifact(storage, 'runs/1', 'scores', new TextEncoder().encode('rows'));
    await writeFile(join(folder, ref.key), 'other');
    await expect(getArtifact(storage, ref)).rejects.toThrow(/damaged/);
  });
});

describe('snapshots', () => {
  it('have the one with the highest token as newest, whenever it was published', async () => {
    const snapshots = new Snapshots(storage);
    const late = snapshot(20, 'late');
    const zombie = snapshot(10, 'zombie');
    await snapshots.publish('p', 'm', late.name, late.bytes);
    await snapshots.publish('p', 'm', zombie.name, zombie.bytes);
    expect((await snapshots.list('p', 'm'))[0]).toEqual(late.name);
    expect(await snapshots.read('p', 'm', late.name)).toEqual(late.bytes);
  });

  it('are found again by names with a watermark before 1970, and are as long as others', async () => {
    const snapshots = new Snapshots(storage);
    const early = snapshot(20, 'early');
    for (const watermark of [-1n, -1009999999999n, -(2n ** 63n) + 2n, 2n ** 63n - 1n]) {
      const name = { ...early.name, watermark };
      expect(parseSnapshotName(formatSnapshotName(name))).toEqual(name);
      expect(formatSnapshotName(name)).toHaveLength(formatSnapshotName(early.name).length);
    }
    await snapshots.publish('p', 'm', { ...early.name, watermark: -1n }, early.bytes);
    expect(await snapshots.list('p', 'm')).toEqual([{ ...early.name, watermark: -1n }]);
  });

  it('keep the newest five', async () => {
    const snapshots = new Snapshots(storage);
    for (let token = 1; token <= 8; token++) {
      const { name, bytes } = snapshot(token, `state ${token}`);
      await snapshots.publish('p', 'm', name, bytes);
    }
    expect((await snapshots.list('p', 'm')).map(({ token }) => token)).toEqual([8, 7, 6, 5, 4]);
  });

  it('keep those of the newest one that reach back far enough, and the one before them', async () => {
    const snapshots = new Snapshots(storage);
    for (let token = 1; token <= 12; token++) {
      const { name, bytes } = snapshot(token, `state ${token}`);
      // The fourth to sixth are of a past that was given up: the seventh goes back to the third.
      const base = token === 7 ? 3 : token - 1;
      await snapshots.publish('p', 'm', { ...name, base }, bytes, 3n);
    }
    const kept = (await snapshots.list('p', 'm')).map(({ token }) => token);
    expect(kept).toEqual([12, 11, 10, 9, 8, 7, 3, 2]);
    await snapshots.publish('p', 'm', { ...snapshot(13, 'x').name, base: 12 }, new Uint8Array(), 9n);
    expect((await snapshots.list('p', 'm')).map(({ token }) => token)).toEqual([13, 12, 11, 10, 9, 8]);
  });

  it('have a past of those they were learned from, and of no others', () => {
    const named = (token: number, base: number) => ({ ...snapshot(token, 's').name, base });
    const names = [named(9, 4), named(8, 7), named(7, 4), named(4, 3), named(2, 0)];
    expect(lineageOf(names, 9).map(({ token }) => token)).toEqual([9, 4]);
    expect(lineageOf(names, 8).map(({ token }) => token)).toEqual([8, 7, 4]);
    expect(lineageOf(names, 5)).toEqual([]);
    expect(lineageOf([named(3, 5), named(5, 3)], 3).map(({ token }) => token)).toEqual([3]);
  });

  it('are forgotten with all that an attempt of before still publishes, until a higher token comes', async () => {
    const snapshots = new Snapshots(storage);
    for (const token of [5, 9]) {
      const { name, bytes } = snapshot(token, `state ${token}`);
      await snapshots.publish('p', 'm', name, bytes);
      await snapshots.publish('p~backfill', 'm', name, bytes);
    }
    await snapshots.forgetMachine('p', 'm', 70n, 3);
    expect(await snapshots.look('p', 'm')).toEqual({ names: [], since: 70n, token: 11 });
    expect(await snapshots.look('p~backfill', 'm')).toMatchObject({ since: null, token: 9 });
    const zombie = snapshot(10, 'zombie');
    await snapshots.add('p', 'm', zombie.name, zombie.bytes);
    expect(await snapshots.look('p', 'm')).toEqual({ names: [], since: 70n, token: 11 });
    const next = snapshot(13, 'next');
    await snapshots.publish('p', 'm', next.name, next.bytes);
    expect(await snapshots.look('p', 'm')).toEqual({ names: [next.name], since: 70n, token: 13 });
    expect(await storage.list('snapshots/p/m')).toHaveLength(2);
  });

  it('may be forgotten again, and no row that was given up comes back by it', async () => {
    const snapshots = new Snapshots(storage);
    for (const since of [70n, 40n]) await snapshots.forgetMachine('p', 'm', since, 100);
    expect(await snapshots.look('p', 'm')).toEqual({ names: [], since: 70n, token: 102 });
    expect(await storage.list('snapshots/p/m')).toHaveLength(1);
  });

  it('are refused when damaged', async () => {
    const snapshots = new Snapshots(storage);
    const { name, bytes } = snapshot(1, 'state');
    await snapshots.publish('p', 'm', name, bytes);
    await writeFile(join(folder, 'snapshots', 'p', 'm', `${formatSnapshotName(name)}.snapshot`), 'stat');
    await expect(snapshots.read('p', 'm', name)).rejects.toMatchObject({ kind: 'CorruptSnapshot' });
  });

  it('have names that read back', () => {
    const { name } = snapshot(1_700_000_000_000, 'state');
    expect(parseSnapshotName(formatSnapshotName(name))).toEqual(name);
    expect(parseSnapshotName('latest')).toBeNull();
  });
});

describe('segmentOf', () => {
  it('keeps distinct names apart, also where a file system folds case', () => {
    const names = ['machine1', 'Machine1', 'machine-1', 'machine 1', 'machine/1', '..', '.', '', 'ä', 'x'.repeat(300)];
    const segments = names.map((name) => segmentOf(name).toLowerCase());
    expect(new Set(segments).size).toBe(names.length);
    for (const segment of segments) expect(segment).toMatch(/^[a-z0-9_-][a-z0-9_.-]*$/);
  });

  it('cannot be made to collide by a name that looks hashed', () => {
    const hashed = segmentOf('Machine1');
    expect(segmentOf(hashed)).not.toBe(hashed);
  });
});
