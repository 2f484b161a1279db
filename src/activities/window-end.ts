import { HalfspaceError } from '../contract/failures.js';
import type { PipelineSettings } from '../contract/pipeline.js';
import { isoFromNanos, LAST_TIME, nanosFromMs } from '../contract/time.js';
import { damagedProgress, howToStartOver, type Progress } from '../store/progress.js';
import type { Storage } from '../store/storage.js';

/** Clocks of one plant differ by less. */
const CLOCK_SKEW_MS = 60_000;

/** What {@link windowEnd} needs to know of a run. */
export interface EndRequest {
  readonly scope: string;
  /** Nanoseconds since the epoch; now minus `settle` when left out. */
  readonly until: string | undefined;
  /** The workflow's own clock. */
  readonly nowMs: number;
}

/**
 * The end of a run's window, nanoseconds since the epoch.
 * @throws HalfspaceError `BadWindow` for an end that 64 bits do not hold, and in incremental mode for one after now (the rows
 * until then would count as read before they came) or not after the last window done.
 */
export function windowEnd(
  storage: Storage,
  settings: PipelineSettings,
  { scope, until, nowMs }: EndRequest,
  progress: Progress | null,
): bigint {
  if (until === undefined) return nanosFromMs(nowMs - (settings.mode === 'replay' ? 0 : settings.window.settle));
  if (!/^\d{1,19}$/.test(until) || BigInt(until) > LAST_TIME) {
    throw new HalfspaceError(
      'BadWindow',
      `Expected the window of \`${scope}\` to end at nanoseconds since the epoch, 0 to ${LAST_TIME}, got ${JSON.stringify(until)}`,
    );
  }
  const to = BigInt(until);
  if (settings.mode === 'replay') return to;
  if (isAhead(to, nowMs)) {
    throw new HalfspaceError(
      'BadWindow',
      `The window of \`${scope}\` cannot end at ${isoFromNanos(to)}, after now (${now(nowMs)}): rows that come until then would never be read; ask for an earlier end or none`,
    );
  }
  if (progress !== null && to <= BigInt(progress.to)) {
    throw new HalfspaceError(
      'BadWindow',
      `The window of \`${scope}\` cannot end at ${isoFromNanos(to)}: it is done up to ${isoFromNanos(BigInt(progress.to))} already; ask for a later end or none`,
      { remedy: howToStartOver(storage, scope) },
    );
  }
  return to;
}

/**
 * @throws HalfspaceError `CorruptStore` when the scope is done up to, or set out for, a time after now (until then it would
 * read nothing), and when it names a machine by other ids than the source has.
 */
export function checkProgress(
  storage: Storage,
  { source }: PipelineSettings,
  { scope, nowMs }: EndRequest,
  progress: Progress | null,
): void {
  if (progress === null) return;
  const target = BigInt(progress.target);
  if (isAhead(target, nowMs)) {
    const done = BigInt(progress.to);
    const how = isAhead(done, nowMs) ? 'is done up to' : 'set out for';
    throw new HalfspaceError(
      'CorruptStore',
      `The store says that \`${scope}\` ${how} ${isoFromNanos(isAhead(done, nowMs) ? done : target)}, after now (${now(nowMs)}): set the clock right, or ${howToStartOver(storage, scope)}`,
    );
  }
  const odd = progress.lagging.find(({ ids }) => ids.length !== source.id.length);
  if (odd === undefined) return;
  const how = `names the machine ${JSON.stringify(odd.uniqueId)} by ${odd.ids.length} ids where source.id has ${source.id.length}`;
  throw damagedProgress(storage, scope, how);
}

/** True for a time after now that no difference between clocks explains. */
export function isAhead(time: bigint, nowMs: number): boolean {
  return time > nanosFromMs(nowMs + CLOCK_SKEW_MS);
}

function now(nowMs: number): string {
  return isoFromNanos(nanosFromMs(nowMs));
}
