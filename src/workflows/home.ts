import {
  ActivityFailure,
  type ActivityInterfaceFor,
  type ActivityOptions,
  ApplicationFailure,
  isCancellation,
  proxyActivities,
  proxyLocalActivities,
  TimeoutFailure,
} from '@temporalio/workflow';
import type { GateInput } from '../activities/gate.js';
import type { Activities } from '../activities/index.js';
import type { ModelGate } from '../contract/machine-run.js';
import { atHome, DETECT, GATE, GATE_HERE, WRITE } from './policies.js';

/** The steps that profit from a worker with the machine's model in memory. */
export type ModelSteps = Pick<
  ActivityInterfaceFor<Activities>,
  'loadModel' | 'passOverModel' | 'rollBackModel' | 'detectAnomalies' | 'writeScores'
> & {
  modelIsCached(summary: string, input: GateInput): Promise<ModelGate>;
};

const anywhere = stepsAt(null);

/**
 * Where a machine's model steps run: on its home worker's queue, and once that has failed for any reason that another
 * attempt may mend, on the shared queue for the rest of the child.
 */
export class Home {
  #steps: ModelSteps;
  readonly #queue: string | null;
  #isDead = false;

  /** @param queue null: there is no home, everything runs on the shared queue. */
  constructor(queue: string | null) {
    this.#queue = queue;
    this.#steps = queue === null ? anywhere : stepsAt(queue);
  }

  /** The home's queue when nobody answered there. */
  get dead(): string | null {
    return this.#isDead ? this.#queue : null;
  }

  async run<T>(step: (steps: ModelSteps) => Promise<T>): Promise<T> {
    if (this.#steps === anywhere) return step(anywhere);
    try {
      return await step(this.#steps);
    } catch (error) {
      if (isCancellation(error) || isFinal(error)) throw error;
      this.#isDead = isNobodyThere(error);
      this.#steps = anywhere;
      return step(anywhere);
    }
  }
}

function stepsAt(queue: string | null): ModelSteps {
  const at = (policy: ActivityOptions) => (queue === null ? policy : atHome(policy, queue));
  const { modelIsCached, loadModel, passOverModel, rollBackModel } = proxyActivities<Activities>(at(GATE));
  const { detectAnomalies } = proxyActivities<Activities>(at(DETECT));
  const { writeScores } = proxyActivities<Activities>(at(WRITE));
  const gate = queue === null ? proxyLocalActivities<Activities>(GATE_HERE).modelIsCached : modelIsCached;
  return {
    modelIsCached: (summary, input) => gate.executeWithOptions({ summary }, [input]),
    loadModel,
    passOverModel,
    rollBackModel,
    detectAnomalies,
    writeScores,
  };
}

/** The step itself failed, and would fail the same anywhere. */
export function isFinal(error: unknown): boolean {
  return (
    error instanceof ActivityFailure && error.cause instanceof ApplicationFailure && error.cause.nonRetryable === true
  );
}

/** Nobody took the step, or whoever did fell silent. */
function isNobodyThere(error: unknown): boolean {
  if (!(error instanceof ActivityFailure) || !(error.cause instanceof TimeoutFailure)) return false;
  return error.cause.timeoutType === 'SCHEDULE_TO_START' || error.cause.timeoutType === 'HEARTBEAT';
}
