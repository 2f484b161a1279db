import { open, rename, rm } from 'node:fs/promises';
import { HalfspaceError } from '../../contract/failures.js';

/** Characters gathered before they are written. */
const WRITE_CHARACTERS = 1 << 20;

/**
 * Writes a file that appears whole or not at all: texts go to `<file>.<pid>.part`, which takes the file's place at the end.
 * @throws HalfspaceError `BadSettings` when the file cannot be written; what `texts` throws, with nothing left behind.
 */
export async function writeWhole(file: string, texts: Iterable<string>): Promise<void> {
  const part = `${file}.${process.pid}.part`;
  try {
    const handle = await open(part, 'w');
    try {
      let pending = '';
      for (const text of texts) {
        pending += text;
        if (pending.length < WRITE_CHARACTERS) continue;
        await handle.writeFile(pending);
        pending = '';
      }
      await handle.writeFile(pending);
    } finally {
      await handle.close();
    }
    await rename(part, file);
  } catch (error) {
    await rm(part, { force: true });
    if (!(error instanceof Error && 'code' in error && typeof error.code === 'string')) throw error;
    throw new HalfspaceError(
      'BadSettings',
      `${file} cannot be written (${error.code}). Give another path with --out.`,
      {
        cause: error,
      },
    );
  }
}
