import { createHash } from 'node:crypto';

const LONGEST_NAME = 80;

/**
 * A key segment for an arbitrary name (unique ids are hostile input). Distinct names give distinct segments also where
 * a file system folds case; names of lower-case letters, digits, `-`, `_` and `.` stay as they are.
 */
export function segmentOf(name: string): string {
  const safe = name.replace(/[^a-z0-9_.-]/g, '-').replace(/^\.+|\.+$/g, '-');
  if (name !== '' && safe === name && name.length <= LONGEST_NAME && !/-[0-9a-f]{12}$/.test(name)) return name;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 12);
  return `${safe.slice(0, LONGEST_NAME)}-${hash}`;
}
