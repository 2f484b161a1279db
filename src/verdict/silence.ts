import type { VerdictSettings } from '../contract/pipeline.js';
import { nanosFromMs } from '../contract/time.js';
import { rulesOf } from './machine-rules.js';

/** When a machine was last heard of. */
export interface HeardMachine {
  /** Exact values of the id columns. */
  readonly ids: readonly string[];
  /** Its last row, nanoseconds. */
  readonly last: bigint;
  /** A run has found it silent since. */
  readonly isSilent: boolean;
}

export type Heard = ReadonlyMap<string, HeardMachine>;

/** What became of a fleet's silences. */
export interface Silences {
  readonly heard: Heard;
  /** Silent for `stale_after` and more, in the order of `heard`; `isNew`: since this look. */
  readonly silent: readonly { readonly uniqueId: string; readonly isNew: boolean }[];
  /** Were silent at the look before, and have sent rows since. */
  readonly returned: readonly string[];
}

/** A machine that is silent for so long beyond `stale_after`, or nobody asks for, is not kept in mind any longer. */
const FORGOTTEN_MS = 90 * 24 * 3_600_000;

/** Whether silences matter to any machine of a pipeline. */
export function seeksSilence({ machines, ...rules }: VerdictSettings): boolean {
  return [rules, ...Object.values(machines ?? {})].some(({ stale_after: after = null }) => after !== null);
}

/**
 * Who is silent at `now`, nanoseconds, from what was known before and the rows that came since.
 * @param isLook false: rows are only noted, nobody is found silent; a past that is being caught up says nothing of today.
 */
export function findSilences(
  before: Heard,
  came: ReadonlyMap<string, Pick<HeardMachine, 'ids' | 'last'>>,
  verdict: VerdictSettings,
  now: bigint,
  isLook: boolean,
): Silences {
  const heard = new Map<string, HeardMachine>();
  const silent: { uniqueId: string; isNew: boolean }[] = [];
  const returned: string[] = [];
  for (const uniqueId of new Set([...before.keys(), ...came.keys()])) {
    const known = before.get(uniqueId);
    const sent = came.get(uniqueId);
    const newest = known === undefined || (sent !== undefined && sent.last > known.last) ? sent : known;
    if (newest === undefined) continue;
    const { ids, last } = newest;
    const hasReturned = known?.isSilent === true && last > known.last;
    const wasSilent = known?.isSilent === true && !hasReturned;
    if (hasReturned) returned.push(uniqueId);
    const { stale_after: after = null } = rulesOf(verdict, uniqueId);
    const isSilent = isLook ? after !== null && now - last >= nanosFromMs(after) : wasSilent;
    if (isLook && isSilent) silent.push({ uniqueId, isNew: !wasSilent });
    const isForgotten = now - last >= nanosFromMs((after ?? 0) + FORGOTTEN_MS) && (wasSilent || after === null);
    if (!isForgotten) heard.set(uniqueId, { ids, last, isSilent });
  }
  return { heard, silent, returned };
}
