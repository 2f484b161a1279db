import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PIPELINE } from './plant.mjs';

/** Names of each machine's published snapshots, newest last: `<token>-<watermark>-<settings>-<sha256>.snapshot`. */
export async function listSnapshots(storeFolder) {
  const root = join(storeFolder, 'snapshots', PIPELINE);
  const machines = await readdir(root).catch(() => []);
  return Promise.all(
    machines.map(async (machine) => ({ machine, names: (await readdir(join(root, machine))).sort(), root })),
  );
}

/** Share of the first `windows` windows' slices that are published, 0..1. */
export async function shareDone(storeFolder, fleet, windows) {
  let slices = 0;
  for (const { names } of await listSnapshots(storeFolder)) {
    const watermarkMs = Number(BigInt(names.at(-1)?.split('-')[1] ?? 0) / 1_000_000n);
    slices += fleet.ends.slice(0, windows).filter((end) => end <= watermarkMs).length;
  }
  return slices / (fleet.machines.length * windows);
}

/** End of the last window that the pipeline has finished, nanoseconds; null before the first. */
export async function doneUntil(storeFolder) {
  const text = await readFile(join(storeFolder, 'progress', `${PIPELINE}.json`), 'utf8').catch(() => null);
  return text === null ? null : BigInt(JSON.parse(text).to);
}
