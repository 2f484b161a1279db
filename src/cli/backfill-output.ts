import type { BackfillProgress, BackfillResult } from '../contract/run-result.js';
import { isoFromNanos } from '../contract/time.js';
import { runDocument } from '../run-document.js';
import { plural, runSummary } from './run-summary.js';
import { visible } from './visible.js';

/** What a backfill did, in a few lines for people. */
export function backfillSummary(result: BackfillResult): string {
  const { pipeline, range, window, wasFinished, lagging } = result;
  const span = `${isoFromNanos(BigInt(range.from))} to ${isoFromNanos(BigInt(range.to))}`;
  const lines = wasFinished
    ? [`${pipeline}: ${span} was filled before; --again starts it over`]
    : [
        ...(window.from === range.from ? [] : [`resumed at ${isoFromNanos(BigInt(window.from))}, of ${span}`]),
        ...runSummary(result).trimEnd().split('\n'),
        ...(lagging > 0 ? [`  not finished: ${lagging} of the machines; the same command tries them again`] : []),
      ];
  const digest = result.digest.map(
    ({ channel, status, reason }) => `  digest ${status}: ${channel}${reason === undefined ? '' : ` (${reason})`}`,
  );
  return [...lines, ...digest].map((line) => `${visible(line)}\n`).join('');
}

/** A backfill's result as `--json` prints it. */
export function backfillDocument(result: BackfillResult): Record<string, unknown> {
  const { range, wasFinished, digest } = result;
  return {
    range: { from: isoFromNanos(BigInt(range.from)), to: isoFromNanos(BigInt(range.to)) },
    was_finished: wasFinished,
    digest,
    ...runDocument(result),
  };
}

/** Of the chunk under way a share as large as that of its machines that are done counts as filled, nanoseconds. */
export function filledTo({ done, underWay }: BackfillProgress): bigint {
  const from = BigInt(done);
  if (underWay === undefined || underWay.ofMachines === 0) return from;
  return from + ((BigInt(underWay.to) - from) * BigInt(underWay.machines)) / BigInt(underWay.ofMachines);
}

/** Of a chunk with one machine no share is known until it is done: that it is at it must do. */
export function placeOf({ chunk, underWay }: BackfillProgress): string | undefined {
  if (chunk === null || underWay === undefined) return undefined;
  return `chunk ${chunk.index} of ${chunk.count}, ${underWay.machines} of its ${plural(underWay.ofMachines, 'machine')} done`;
}
