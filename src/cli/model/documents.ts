import { HalfspaceError } from '../../contract/failures.js';
import { isoFromNanos, nanosFromMs } from '../../contract/time.js';
import { readSnapshotHeader, type SnapshotHeader } from '../../model/snapshot.js';
import { formatSnapshotName, type SnapshotName, type Snapshots } from '../../store/snapshots.js';
import { eventToJson } from '../../verdict/event-json.js';

/** What is known of one snapshot. */
export interface SeenSnapshot {
  readonly name: SnapshotName;
  /** 0 where it cannot be read. */
  readonly bytes: number;
  /** Null where it cannot be used, for the reason in `problem`. */
  readonly header: SnapshotHeader | null;
  readonly problem: string | null;
}

/** Reads a snapshot of a folder of {@link Snapshots.folders}. @param uniqueId whose it must be; null: anyone's. */
export async function lookAt(
  snapshots: Snapshots,
  folder: string,
  name: SnapshotName,
  uniqueId: string | null,
): Promise<SeenSnapshot> {
  try {
    const bytes = await snapshots.readIn(folder, name);
    const header = readSnapshotHeader(bytes);
    const isForeign = uniqueId !== null && header.uniqueId !== uniqueId;
    const problem = isForeign ? `it is of the machine ${header.uniqueId}` : null;
    return { name, bytes: bytes.length, header: isForeign ? null : header, problem };
  } catch (error) {
    if (!(error instanceof HalfspaceError) || error.kind !== 'CorruptSnapshot') throw error;
    return { name, bytes: 0, header: null, problem: error.message };
  }
}

/** A snapshot as `--json` prints it. */
export function snapshotDocument({ name, bytes, header, problem }: SeenSnapshot): Record<string, unknown> {
  return {
    snapshot: formatSnapshotName(name),
    published: publishedAt(name),
    watermark: isoFromNanos(name.watermark),
    rows: header?.rows ?? null,
    settings_hash: name.settingsHash,
    bytes,
    open_event: header === null || header.openEvent === null ? null : eventDocument(header.openEvent),
    problem,
  };
}

function eventDocument(event: NonNullable<SnapshotHeader['openEvent']>): Record<string, unknown> {
  const { first, last, rows, worst } = eventToJson(event);
  const time = (nanos: string) => isoFromNanos(BigInt(nanos));
  return { first: time(first), last: time(last), rows, worst: { time: time(worst.time), score: worst.score } };
}

/** A token is the time at which the machine's step began, unless clocks ran apart. */
export function publishedAt({ token }: SnapshotName): string {
  return isoFromNanos(nanosFromMs(token));
}

/** Lines of columns, each as wide as its widest cell, below their headings. */
export function tableText(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [headings, ...rows];
  const widths = headings.map((_, column) => Math.max(...lines.map((cells) => (cells[column] ?? '').length)));
  return lines
    .map(
      (cells) =>
        `${cells
          .map((cell, i) => cell.padEnd(widths[i] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}
