import type { LateSettings } from '../contract/pipeline.js';
import { nanosFromMs } from '../contract/time.js';
import { floorTo } from './row-buckets.js';

/** How the search for late rows cuts time: nanoseconds, `within` a multiple of `width`. */
export interface LateClock {
  readonly width: bigint;
  readonly within: bigint;
}

/** Late rows are found to a twelfth of `late.within`: few buckets a snapshot, little to learn again. */
const BUCKETS_WITHIN = 12;
const LEAST_WIDTH_MS = 1000;

/** Null when late rows are not looked for. */
export function lateClockOf(late: LateSettings | null): LateClock | null {
  if (late === null || late.within === 0) return null;
  const widthMs = Math.max(LEAST_WIDTH_MS, Math.ceil(late.within / BUCKETS_WITHIN));
  const width = nanosFromMs(widthMs);
  return { width, within: nanosFromMs(Math.ceil(late.within / widthMs) * widthMs) };
}

/** Rows from here on are compared with what was learned. @param at where the machine's own window begins. */
export function zoneStart({ width, within }: LateClock, at: bigint): bigint {
  return floorTo(at, width) - within;
}

/**
 * Rows from here on are read, so that a model can go back to before anything in the zone. With windows up to `within` the
 * snapshot before a row of the zone has learned all but the last `within` before it; with longer ones there is a
 * checkpoint where the zone begins (see {@link checkpointTime}).
 */
export function sliceStart(clock: LateClock, at: bigint, action: LateSettings['action']): bigint {
  return zoneStart(clock, at) - (action === 'rescore' ? clock.within : 0n);
}

/** Where the buckets of a model begin that has learned up to `watermark`: as far back as a slice ever begins. */
export function recentStart({ width, within }: LateClock, watermark: bigint): bigint {
  return floorTo(watermark, width) - 2n * within;
}

/**
 * A model that learns rows from before this in a window that ends at `to` stays as it is here too, as a checkpoint: the next
 * zone begins here, and what comes late in it must have a snapshot to go back to.
 */
export function checkpointTime(clock: LateClock, to: bigint): bigint {
  return zoneStart(clock, to);
}
