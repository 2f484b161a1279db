/** Task queue of one worker's own: steps sent there run in the process that holds the machine's model. */
export function homeQueue(taskQueue: string, identity: string): string {
  return `${taskQueue}@${identity}`;
}

/**
 * The home of a machine, one of `homes`; null when there is none. The home with the highest weight wins (rendezvous
 * hashing, Thaler and Ravishankar 1998): each home gets about the same number of machines, the order of `homes` does not
 * matter, and when one leaves only its own machines move.
 */
export function homeOf(uniqueId: string, homes: readonly string[]): string | null {
  let best: string | null = null;
  let bestWeight = -1;
  for (const home of homes) {
    const weight = weightOf(home, uniqueId);
    if (weight > bestWeight || (weight === bestWeight && best !== null && home < best)) {
      best = home;
      bestWeight = weight;
    }
  }
  return best;
}

const FNV_OFFSET = 0x811c9dc5; // FNV-1a, 32 bits: http://www.isthe.com/chongo/tech/comp/fnv/
const FNV_PRIME = 0x01000193;

/** 0..2^32 - 1. FNV-1a alone gives names that differ in their last letter weights close to each other; the finish mixes them. */
function weightOf(home: string, uniqueId: string): number {
  const text = `${home}\n${uniqueId}`;
  let hash = FNV_OFFSET;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), FNV_PRIME);
  // MurmurHash3's 32-bit finaliser: https://github.com/aappleby/smhasher/blob/master/src/MurmurHash3.cpp
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
