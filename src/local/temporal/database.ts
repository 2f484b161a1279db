import { access, open, rm, writeFile } from 'node:fs/promises';

/** SQLite's files of one database: itself, and what belongs to it while it is open or after a crash. */
const SUFFIXES = ['', '-wal', '-shm', '-journal'];

/** Stands beside a database whose server has never served: it may have died before all the tables were made. */
const unservedMark = (dbFile: string): string => `${dbFile}.unserved`;

/** Removes a database with whatever belongs to it; one that is not there counts as removed. */
export async function removeDatabase(dbFile: string): Promise<void> {
  for (const suffix of SUFFIXES) await rm(`${dbFile}${suffix}`, { force: true });
  await rm(unservedMark(dbFile), { force: true });
}

/**
 * To be called before each start of a server. A database that has never served is removed, since the server makes its tables
 * only where there is no file, and one that is to be made is marked. Any other one is left as it is.
 */
export async function prepareDatabase(dbFile: string): Promise<void> {
  if (await isThere(unservedMark(dbFile))) await removeDatabase(dbFile);
  else if (await isThere(dbFile)) return;
  await writeFile(unservedMark(dbFile), '');
}

/** To be called once the server serves: from now on the database is kept. */
export async function keepDatabase(dbFile: string): Promise<void> {
  if (!(await isThere(unservedMark(dbFile)))) return;
  // A power cut must not take the tables and leave the mark away.
  for (const suffix of SUFFIXES) await flush(`${dbFile}${suffix}`);
  await rm(unservedMark(dbFile), { force: true });
}

async function flush(file: string): Promise<void> {
  if (!(await isThere(file))) return;
  const handle = await open(file, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function isThere(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
