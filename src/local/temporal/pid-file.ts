import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { commandLine, endProcess } from './running-process.js';

const recordSchema = z.object({ pid: z.int().positive(), command: z.string().min(1) });

/** Notes a server this project started, so that {@link endStaleServer} can find it after its parent was killed. */
export async function writePidFile(path: string, pid: number, command: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `${JSON.stringify({ pid, command })}\n`);
}

export async function removePidFile(path: string): Promise<void> {
  await rm(path, { force: true });
}

/**
 * Ends the server noted in the file if it still runs, and removes the file; its pid, or null when there was none to end.
 * A process counts as that server only when its whole command line is the noted one: the id alone may belong to another by now.
 * The caller makes sure (by a lock) that no living parent needs the server.
 */
export async function endStaleServer(path: string, graceMs: number): Promise<number | null> {
  const record = recordSchema.safeParse(await readRecord(path));
  let ended: number | null = null;
  if (record.success && (await commandLine(record.data.pid)) === record.data.command) {
    await endProcess(record.data.pid, graceMs);
    ended = record.data.pid;
  }
  await removePidFile(path);
  return ended;
}

async function readRecord(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch {
    return null;
  }
}
