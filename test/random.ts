/** A seed for a test's random cases: HALFSPACE_TEST_SEED to repeat one, else new each time. Tests say it when they fail. */
export function testSeed(): number {
  const given = Number(process.env.HALFSPACE_TEST_SEED ?? 0);
  return given > 0 ? given : 1 + Math.floor(Math.random() * 2 ** 31);
}

/** Doubles in 0..1 that are the same for the same seed: Tommy Ettinger's mulberry32, public domain. */
export function randomFrom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
