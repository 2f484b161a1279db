import { setTimeout as sleep } from 'node:timers/promises';

const LIMIT_MS = 120_000;
const LOOK_EVERY_MS = 100;

/** Waits until `isSo` says so; what it throws counts as "not yet". @throws Error after two minutes. */
export async function eventually(isSo, what) {
  const untilMs = Date.now() + LIMIT_MS;
  let last;
  while (Date.now() < untilMs) {
    try {
      if (await isSo()) return;
    } catch (error) {
      last = error;
    }
    await sleep(LOOK_EVERY_MS);
  }
  throw new Error(`Expected that ${what} within ${LIMIT_MS / 1000} s`, { cause: last });
}
