import { defaultMachines } from '../../dist/simulator/fleet.js';

const START_MS = Date.parse('2026-01-05T00:00:00Z');
const STEP_MS = 1000;
/** Windows by whose work the faults are timed. */
export const TIMED_WINDOWS = 4;
/**
 * Windows during which faults are made. Machines that failed in the timed ones catch up in the last of these, so the faults that
 * wait for their work have their turn, too.
 */
export const DISTURBED_WINDOWS = TIMED_WINDOWS + 1;
/** One more is quiet, so that each machine has rows in it and comes up to date. */
const WINDOWS = DISTURBED_WINDOWS + 1;
/** Every so many machines one has a fault, and so one event. */
const FAULTY_EVERY = 4;
const LARGEST_WINDOW_SIZE = 250;

/** The same rows in every round and in the undisturbed run: machines, their range, and where the windows end. */
export function createFleet({ machines: count, rows }) {
  const machines = defaultMachines(count, 1, STEP_MS).map((machine, index) =>
    index % FAULTY_EVERY === 0 ? machine.withFault(overload(index, count, rows)) : machine,
  );
  const ends = Array.from({ length: WINDOWS }, (_, n) => START_MS + Math.round((rows * (n + 1)) / WINDOWS) * STEP_MS);
  return {
    machines,
    rows,
    range: { fromMs: START_MS, toMs: START_MS + rows * STEP_MS },
    startMs: START_MS,
    ends,
    windowSize: Math.min(LARGEST_WINDOW_SIZE, Math.floor(rows / 6)),
    // longer than a faulty machine's scores take to settle, so that one fault is one event
    clearAfterS: Math.round(rows / 4),
  };
}

/** Spread over the second to the fourth fifth of the rows: some events go on into the next window. */
function overload(index, count, rows) {
  const first = Math.round(rows * (0.3 + (0.45 * index) / count));
  const fromMs = START_MS + first * STEP_MS;
  return { kind: 'overload', fromMs, toMs: fromMs + Math.max(10, Math.round(rows / 50)) * STEP_MS };
}
