import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkStorage } from '../../src/store/check-storage.js';
import { segmentOf } from '../../src/store/object-key.js';
import type { Storage } from '../../src/store/storage.js';

/** An empty place of one kind of store. */
export interface StoragePlace {
  /** A storage on it, with a connection of its own. */
  open(): Storage;
  /** True where the service may say of an object that it is not there while several replace it. */
  readonly missesReplaced?: boolean;
  close(): Promise<void>;
}

/** What every kind of store promises. `makePlace` is called before each test. */
export function describeStorage(kind: string, makePlace: () => Promise<StoragePlace>): void {
  describe(`a store in ${kind}`, () => {
    let place: StoragePlace;
    let storage: Storage;

    beforeEach(async () => {
      place = await makePlace();
      storage = place.open();
    });

    afterEach(() => place.close());

    it('gives back what was written and null for what never was', async () => {
      const everyByte = Uint8Array.from({ length: 256 }, (_, i) => i);
      await storage.write('a/b/c', everyByte);
      expect(await storage.read('a/b/c')).toEqual(everyByte);
      expect(await storage.read('a/b/d')).toBeNull();
      expect(await storage.read('x/y')).toBeNull();
    });

    it('takes an empty object and one of megabytes', async () => {
      const large = filled(3_000_001, 7);
      await storage.write('empty', new Uint8Array());
      await storage.write('large', large);
      expect(await storage.read('empty')).toEqual(new Uint8Array());
      expect(sameBytes(await storage.read('large'), large)).toBe(true);
    });

    it('writes a part of a larger buffer and nothing around it', async () => {
      await storage.write('part', filled(100, 1).fill(2, 10, 20).subarray(10, 20));
      expect(await storage.read('part')).toEqual(filled(10, 2));
    });

    it('replaces an object whole, also by a shorter one', async () => {
      await storage.write('a', filled(1000, 1));
      await storage.write('a', filled(10, 2));
      expect(await storage.read('a')).toEqual(filled(10, 2));
    });

    it('lists names directly below a prefix, sorted, folders with a slash', async () => {
      for (const key of ['a/two', 'a/one', 'a/b/three', 'a/b/four', 'ab/five', 'a.txt']) {
        await storage.write(key, filled(1, 1));
      }
      expect(await storage.list('a')).toEqual(['b/', 'one', 'two']);
      expect(await storage.list('a/b')).toEqual(['four', 'three']);
      expect(await storage.list('a/b/')).toEqual(['four', 'three']);
      expect(await storage.list('nothing')).toEqual([]);
    });

    it('keeps apart all names that a key segment can have', async () => {
      const everyCharacter = Array.from({ length: 0x180 }, (_, code) => String.fromCodePoint(code));
      const names = ['', '.', '..', '...', '.hidden', 'end.', 'a..b', 'A', 'a', 'a/b', 'a b', 'n%2Fb', '😀', 'ﬁ'];
      const long = ['x'.repeat(80), 'x'.repeat(81), '.'.repeat(300), 'ü'.repeat(300)];
      const joined = everyCharacter.join('');
      const segments = [...new Set([...names, ...long, ...everyCharacter, joined].map(segmentOf))];
      expect(segments.length).toBeGreaterThan(everyCharacter.length);
      await inParallel(segments, (segment) => storage.write(`names/${segment}`, new TextEncoder().encode(segment)));
      expect(await storage.list('names')).toEqual([...segments].sort());
      await inParallel(segments, async (segment) => {
        const bytes = await storage.read(`names/${segment}`);
        expect(new TextDecoder().decode(bytes ?? undefined)).toBe(segment);
      });
    });

    it('lists and removes more objects than one answer holds', async () => {
      const names = Array.from({ length: 1050 }, (_, i) => `object-${String(i).padStart(4, '0')}`);
      await inParallel(names, (name) => storage.write(`many/${name}`, filled(1, 1)));
      expect(await storage.list('many')).toEqual(names);
      await storage.removeAll('many');
      expect(await storage.list('many')).toEqual([]);
    });

    it('removes an object, and does not mind that it is gone', async () => {
      await storage.write('a/b', filled(1, 1));
      await storage.write('a/c', filled(1, 1));
      await storage.remove('a/b');
      await storage.remove('a/b');
      expect(await storage.read('a/b')).toBeNull();
      expect(await storage.list('a')).toEqual(['c']);
    });

    it('removes a folder with all below it, and none whose name only begins like it', async () => {
      for (const key of ['runs/1/x', 'runs/1/deep/er/y', 'runs/10/x', 'runs/1-a/x', 'runs/1.json']) {
        await storage.write(key, filled(1, 1));
      }
      await storage.removeAll('runs/1/');
      await storage.removeAll('runs/2');
      expect(await storage.list('runs')).toEqual(['1-a/', '1.json', '10/']);
      expect(await storage.read('runs/1/deep/er/y')).toBeNull();
    });

    it('shows each reader one whole version while several write the same object', async () => {
      const WRITERS = 4;
      const ROUNDS = 12;
      const bytes = 200_000;
      await storage.write('contested', filled(bytes, 0));
      let isWriting = true;
      const seen = new Set<number>();
      const reading = (async () => {
        const reader = place.open();
        while (isWriting) {
          const version = await reader.read('contested');
          if (version === null && place.missesReplaced === true) continue;
          const fill = version?.[0] ?? -1;
          expect(sameBytes(version, filled(bytes, fill))).toBe(true);
          seen.add(fill);
        }
      })();
      const writing = Array.from({ length: WRITERS }, async (_, writer) => {
        const own = place.open();
        for (let round = 0; round < ROUNDS; round++) {
          await own.write('contested', filled(bytes, 1 + writer * ROUNDS + round));
        }
      });
      const written = Promise.all(writing).finally(() => {
        isWriting = false;
      });
      await Promise.all([reading, written]);
      expect(seen.size).toBeGreaterThan(1);
      const last = (await storage.read('contested'))?.[0] ?? 0;
      expect(last % ROUNDS).toBe(0); // someone's last round
    });

    it('shows a write to others as soon as it is done', async () => {
      const other = place.open();
      expect(await other.list('shared')).toEqual([]);
      for (let i = 0; i < 10; i++) {
        await storage.write(`shared/${i}`, filled(10, i));
        expect(await other.read(`shared/${i}`)).toEqual(filled(10, i));
        expect(await other.list('shared')).toHaveLength(i + 1);
      }
    });

    it.each(['', '/', '/a', 'a//b', '../a', 'a/../b', './a', 'a b', 'ä', 'a\\b'])(
      'refuses the key `%s`',
      async (key) => {
        const refusal = { kind: 'BadSettings', message: expect.stringContaining(`got \`${key}\``) };
        await expect(storage.write(key, filled(1, 1))).rejects.toMatchObject(refusal);
        await expect(storage.read(key)).rejects.toMatchObject(refusal);
        await expect(storage.list(key)).rejects.toMatchObject(refusal);
        await expect(storage.remove(key)).rejects.toMatchObject(refusal);
        await expect(storage.removeAll(key)).rejects.toMatchObject(refusal);
      },
    );

    it('passes the check at the start of a worker, of several at once, and keeps nothing of it', async () => {
      await Promise.all(Array.from({ length: 5 }, () => checkStorage(place.open())));
      expect(await storage.list('.probe')).toEqual([]);
    });
  });
}

export function filled(length: number, value: number): Uint8Array {
  return new Uint8Array(length).fill(value);
}

/** `toEqual` takes a second for a megabyte. */
function sameBytes(a: Uint8Array | null, b: Uint8Array): boolean {
  return a !== null && Buffer.compare(a, b) === 0;
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const AT_ONCE = 16;
  const queue = items.values();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (const item of queue) await work(item);
    }),
  );
}
