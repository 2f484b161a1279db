import { proxyActivities, setCurrentDetails, sleep, upsertMemo, workflowInfo } from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';
import { WAITS_FOR } from '../contract/names.js';
import type { ContinuedRun } from '../contract/run-input.js';
import type { RunPlan, RunSkip, RunWait } from '../contract/run-plan.js';
import { BOOKKEEPING } from './policies.js';
import type { RunJob } from './run-chunk.js';
import { timeText } from './texts.js';

const { planRun } = proxyActivities<Activities>(BOOKKEEPING);

/** `run` begins with its plan: the time it waited is no part of its work. */
export interface Planned {
  readonly kind: 'plan';
  readonly plan: RunPlan;
  readonly run: ContinuedRun;
}

/**
 * The plan of the next chunk, as soon as what the pipeline waits for is there. Comes back without one when the run is
 * skipped, or is to go on waiting in another execution (`wait`).
 */
export async function planWhenReady(job: RunJob, run: ContinuedRun): Promise<Planned | RunSkip | RunWait> {
  const { pipeline, scope, events, until } = job;
  const { span, earlier, startedAtMs } = run;
  const runId = workflowInfo().firstExecutionRunId;
  for (let looks = 0; ; looks++) {
    const nowMs = Date.now();
    const chunksDone = earlier?.chunks ?? 0;
    const input = {
      pipeline,
      scope,
      events,
      until,
      span,
      chunksDone,
      nowMs,
      waitedMs: nowMs - startedAtMs,
      looks,
      runId,
    };
    const planned = await planRun.executeWithOptions({ summary: pipeline }, [input]);
    const isWaiting = 'kind' in planned && planned.kind === 'wait';
    showWait(isWaiting ? planned : null, startedAtMs);
    if (!('kind' in planned)) {
      return { kind: 'plan', plan: planned, run: earlier === null ? { ...run, startedAtMs: nowMs } : run };
    }
    if (planned.kind === 'skip') return planned;
    await sleep(planned.nextLookMs, { summary: planned.missing });
    if (looks + 1 >= planned.looksPerExecution) return planned;
  }
}

/** In the details for people who look at the run, and in the memo for those who ask the server alone. */
function showWait(wait: RunWait | null, startedAtMs: number): void {
  const shown = workflowInfo().memo?.[WAITS_FOR] ?? null;
  const text = wait === null ? null : `${wait.missing}, until ${timeText(wait.untilMs)} at the latest`;
  if (text !== shown) upsertMemo({ [WAITS_FOR]: text });
  if (wait === null) return;
  setCurrentDetails(
    `- waits for: ${text}\n- since: ${timeText(startedAtMs)}\n- next look: ${timeText(Date.now() + wait.nextLookMs)}`,
  );
}
