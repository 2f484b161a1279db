import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowFailedError } from '@temporalio/client';
import { startRun } from '../../dist/client.js';
import { DETECTION_RUN } from '../../dist/contract/names.js';
import { isoFromNanos } from '../../dist/contract/time.js';
import { PIPELINE, TASK_QUEUE } from './plant.mjs';
import { doneUntil } from './progress.mjs';

/** A step gives up after two minutes and a child of the slowest page soon after it: a run that takes longer hangs. */
const LONGEST_RUN_MS = 10 * 60_000;
const MOST_RUNS_A_WINDOW = 20;
const PAUSE_MS = 500;

const TOO_LATE = /: it is done up to \S+ already/;

export function nanosOf(timeMs) {
  return BigInt(timeMs) * 1_000_000n;
}

/** Starts a run until `endMs`, or joins the one that is going on. */
export async function startWindow({ client }, endMs) {
  const input = { pipeline: PIPELINE, until: String(nanosOf(endMs)), taskQueue: TASK_QUEUE };
  return (await startRun(client, input)).handle;
}

/** Runs of one plant, one window after the other, and how they ended. */
export class Runs {
  ended = [];
  failures = [];
  /** Runs that were refused because one before them had done their window: the end of such a one may not have been heard. */
  tooLate = 0;
  #plant;
  #others = [];

  constructor(plant) {
    this.#plant = plant;
  }

  /** Runs the pipeline until the window is done: a run that failed is started again, as the schedule would. */
  async finishWindow(endMs) {
    const until = nanosOf(endMs);
    for (let tries = 0; tries < MOST_RUNS_A_WINDOW; tries++) {
      const handle = await this.#untilItAnswers(() => startWindow(this.#plant, endMs));
      await this.#endOf(handle);
      const done = await doneUntil(this.#plant.storeFolder);
      if (done !== null && done >= until) return;
      await sleep(PAUSE_MS);
    }
    throw new Error(`The window until ${isoFromNanos(until)} is not done after ${MOST_RUNS_A_WINDOW} runs`);
  }

  /** A second run beside the one that is going on, as a schedule starts it; nobody waits for it yet. */
  async startSecond(endMs, name) {
    const handle = await this.#untilItAnswers(() =>
      this.#plant.client.client.workflow.start(DETECTION_RUN, {
        workflowId: `detect/${PIPELINE}-${name}`,
        taskQueue: TASK_QUEUE,
        args: [{ pipeline: PIPELINE, until: String(nanosOf(endMs)) }],
      }),
    );
    this.#others.push(this.#endOf(handle));
  }

  async allEnded() {
    await Promise.all(this.#others);
  }

  async #endOf(handle) {
    const startedMs = Date.now();
    const end = await this.#untilItAnswers(() => resultOf(handle, startedMs + LONGEST_RUN_MS));
    this.ended.push(end);
    if (end.failure === null) return;
    if (end.failure.type === 'BadWindow' && TOO_LATE.test(end.failure.message)) this.tooLate++;
    else this.failures.push(end.failure.message);
  }

  /** Temporal's server may be away at any moment. */
  async #untilItAnswers(call) {
    const untilMs = Date.now() + LONGEST_RUN_MS;
    for (;;) {
      try {
        return await call();
      } catch (error) {
        if (error instanceof HangingRun || Date.now() > untilMs) throw error;
        await sleep(PAUSE_MS);
      }
    }
  }
}

class HangingRun extends Error {}

async function resultOf(handle, untilMs) {
  let timer;
  const limit = new Promise((_, reject) => {
    const hangs = () => reject(new HangingRun(`The run ${handle.workflowId} does not end by itself`));
    timer = setTimeout(hangs, Math.max(0, untilMs - Date.now()));
  });
  try {
    return { result: await Promise.race([handle.result(), limit]), failure: null };
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    let innermost = error;
    while (innermost.cause instanceof Error) innermost = innermost.cause;
    return { result: null, failure: innermost };
  } finally {
    clearTimeout(timer);
  }
}
