import { execFileSync, spawnSync } from 'node:child_process';
import { statfsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const SIZE = '1g'; // of memory at most; a round of 200 machines x 2,000 rows keeps about 100 MB
const TRIES = 100;
const PAUSE_MS = 20;

/**
 * How this program must start itself to be allowed a mount that nobody else sees: root in a mount namespace, others in a
 * user namespace of their own; null where neither works.
 * @returns {string[] | null} arguments of `unshare`
 */
export function findNamespace() {
  const mountIt = ['sh', '-c', 'mount -t tmpfs none /mnt'];
  for (const flags of [['--mount'], ['--mount', '--user', '--map-root-user']]) {
    if (spawnSync('unshare', [...flags, ...mountIt], { stdio: 'ignore' }).status === 0) return flags;
  }
  return null;
}

/** A folder in memory, because a file system of its own can be made read-only and full for root, too. */
export function mountStore(folder) {
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE}`, 'halfspace-chaos', folder]);
  return {
    makeReadOnly: () => remount(() => 'ro'),
    makeWritable: () => remount(() => 'rw'),
    /** No block is left from here on. */
    makeFull: () =>
      remount(() => {
        const { blocks, bfree, bsize } = statfsSync(folder);
        return `size=${Math.max(1, blocks - bfree) * bsize}`; // 0 would be without a limit, for good
      }),
    makeRoomy: () => remount(() => `size=${SIZE}`),
    unmount: () => execFileSync('umount', ['--lazy', folder]),
  };

  /** A file that is open for writing, or written between the look and the call, makes it fail: then again. */
  async function remount(option) {
    for (let left = TRIES; ; left--) {
      const { status, stderr } = spawnSync('mount', ['-o', `remount,${option()}`, folder], { encoding: 'utf8' });
      if (status === 0) return;
      if (left === 0) throw new Error(`Cannot remount ${folder}: ${stderr.trim()}`);
      await sleep(PAUSE_MS);
    }
  }
}
