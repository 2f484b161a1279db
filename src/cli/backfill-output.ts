import type { BackfillResult } from '../contract/run-result.js';
import { isoFromNanos } from '../contract/time.js';
import { runDocument } from '../run-document.js';
import { runSummary } from './run-summary.js';
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
