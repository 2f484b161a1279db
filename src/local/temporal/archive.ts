import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { unzipSync } from 'fflate';
import { HalfspaceError } from '../../contract/failures.js';

const TAR_BLOCK = 512; // POSIX ustar: headers and contents are padded to 512 bytes
const TAR_NAME = [0, 100] as const; // offset and length of a header's fields, POSIX ustar
const TAR_SIZE = [124, 12] as const;
const TAR_TYPE = 156;
const REGULAR_FILE = new Set(['0', '\0']);

/**
 * The contents of the archive's one file called `name` in any folder; a gzipped tar or a zip (a wheel is one), told by its first bytes.
 * @throws HalfspaceError `ServerFault` when the bytes are neither, are damaged or hold no such file.
 */
export async function extractFile(archive: Uint8Array, name: string): Promise<Uint8Array> {
  const isWanted = (path: string): boolean => path === name || path.endsWith(`/${name}`);
  let file: Uint8Array | null;
  try {
    file = await findFile(archive, isWanted);
  } catch (error) {
    throw new HalfspaceError(
      'ServerFault',
      `the archive is damaged: ${error instanceof Error ? error.message : error}`,
      {
        cause: error,
      },
    );
  }
  if (file === null) throw new HalfspaceError('ServerFault', `the archive holds no file ${name}`);
  return file;
}

async function findFile(archive: Uint8Array, isWanted: (path: string) => boolean): Promise<Uint8Array | null> {
  if (archive[0] === 0x1f && archive[1] === 0x8b) return fileFromTar(await promisify(gunzip)(archive), isWanted);
  if (archive[0] === 0x50 && archive[1] === 0x4b) {
    const files = unzipSync(archive, { filter: (entry) => isWanted(entry.name) });
    return Object.values(files)[0] ?? null;
  }
  throw new Error('neither gzip nor zip');
}

function fileFromTar(tar: Uint8Array, isWanted: (path: string) => boolean): Uint8Array | null {
  let at = 0;
  while (at + TAR_BLOCK <= tar.length) {
    const header = tar.subarray(at, at + TAR_BLOCK);
    const path = textField(header, TAR_NAME);
    if (path === '') return null;
    const size = Number.parseInt(textField(header, TAR_SIZE).trim(), 8);
    if (!Number.isInteger(size)) throw new Error(`a tar header gives no size for ${path}`);
    const start = at + TAR_BLOCK;
    if (start + size > tar.length) throw new Error(`the tar ends inside ${path}`);
    if (REGULAR_FILE.has(String.fromCharCode(header[TAR_TYPE] ?? 0)) && isWanted(path)) {
      return tar.subarray(start, start + size);
    }
    at = start + Math.ceil(size / TAR_BLOCK) * TAR_BLOCK;
  }
  return null;
}

function textField(header: Uint8Array, [offset, length]: readonly [number, number]): string {
  const field = Buffer.from(header.subarray(offset, offset + length)).toString('latin1');
  const end = field.indexOf('\0');
  return end === -1 ? field : field.slice(0, end);
}
