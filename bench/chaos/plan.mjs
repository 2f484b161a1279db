import { randomAt, randomIntegerAt, streamOf } from '../../dist/simulator/random.js';

/**
 * What is done to a round, drawn from its seed, in the order of `at`: the share of the disturbed work that has been
 * published when the fault begins, after `delayMs` more. It holds for `holdMs`; a worker that was killed and a server that
 * was ended stay away that long.
 *
 * @typedef {{ kind: string, at: number, delayMs: number, holdMs: number, pick: number }} Fault
 */

/** Faults besides kills, how many of each there are for `kills`, and how long they hold. */
const OTHERS = [
  { kind: 'temporal restart', count: (kills) => Math.max(1, Math.round(kills / 10)), holdMs: [0, 4000] },
  { kind: 'influx away', count: (kills) => Math.max(1, Math.round(kills / 10)), holdMs: [2000, 8000] },
  { kind: 'store read-only', count: () => 1, holdMs: [2000, 7000] },
  { kind: 'store full', count: () => 1, holdMs: [2000, 7000] },
  { kind: 'slack 429', count: () => 1, holdMs: [4000, 12_000] },
  { kind: 'slack 500', count: () => 1, holdMs: [4000, 12_000] },
  { kind: 'second run', count: (kills) => Math.max(1, Math.round(kills / 10)), holdMs: [0, 0] },
];

/** Some machines may stay behind until the quiet run: nothing waits for more of the work than this. */
const LATEST = 0.85;
/** So many of the faults begin where a window ends: the next run's plan, load and shape are hit, which publish nothing. */
const AT_A_WINDOW = 0.3;

/** @returns {Fault[]} */
export function drawFaults({ seed, kills, windows }) {
  const stream = streamOf(seed, 'chaos');
  const kinds = [
    ...Array.from({ length: kills }, () => ({ kind: 'kill', holdMs: [0, 3000] })),
    ...OTHERS.flatMap(({ kind, count, holdMs }) => Array.from({ length: count(kills) }, () => ({ kind, holdMs }))),
  ];
  const faults = kinds.map(({ kind, holdMs: [shortest, longest] }, index) => ({
    kind,
    at: drawShare(stream, index, windows),
    delayMs: randomIntegerAt(stream, index, 2, 0, 1500),
    holdMs: randomIntegerAt(stream, index, 3, shortest, longest),
    pick: randomIntegerAt(stream, index, 4, 0, 1_000_000),
  }));
  return faults.sort((a, b) => a.at - b.at || a.delayMs - b.delayMs);
}

function drawShare(stream, index, windows) {
  if (randomAt(stream, index, 0) < AT_A_WINDOW) return randomIntegerAt(stream, index, 1, 0, windows - 1) / windows;
  return randomAt(stream, index, 1) * LATEST;
}

/** One line a fault. */
export function planText(faults) {
  return faults
    .map(({ kind, at, delayMs, holdMs }) => {
      const when = `at ${(at * 100).toFixed(1)} % + ${delayMs} ms`;
      return `  ${when.padEnd(24)} ${kind.padEnd(17)} ${holdMs === 0 ? '' : `for ${holdMs} ms`}`.trimEnd();
    })
    .join('\n');
}
