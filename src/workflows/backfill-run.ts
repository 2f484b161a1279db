import {
  continueAsNew,
  defineQuery,
  isCancellation,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';
import type { BackfillDigest } from '../contract/digest.js';
import { BACKFILL_PROGRESS, backfillScope } from '../contract/names.js';
import type { BackfillInput, ContinuedRun } from '../contract/run-input.js';
import type { BackfillProgress, BackfillResult, DigestOutcome, RunResult } from '../contract/run-result.js';
import { failureReason } from './failure-reason.js';
import { ALERT, BOOKKEEPING } from './policies.js';
import { runChunk } from './run-chunk.js';
import { nothingDone } from './run-totals.js';
import { rangeText } from './texts.js';

const { openBackfill, makeDigest, closeBackfill } = proxyActivities<Activities>(BOOKKEEPING);
const { sendDigest } = proxyActivities<Activities>(ALERT);

/** Learns and scores a range of the past, chunk by chunk, with models of its own; live runs go on meanwhile. */
export async function backfillRun(input: BackfillInput): Promise<BackfillResult> {
  const { continued, ...request } = input;
  const { pipeline, range } = request;
  let progress = progressOf(input, continued);
  setHandler(defineQuery<BackfillProgress>(BACKFILL_PROGRESS), () => progress);
  if (continued === undefined) {
    const summary = `${pipeline}: ${rangeText(range)}`;
    const { isFinished } = await openBackfill.executeWithOptions({ summary }, [{ ...request, nowMs: Date.now() }]);
    if (isFinished) return finish(input, nothingDone(pipeline, { from: range.to, to: range.to }));
  }
  const scope = backfillScope(pipeline, range);
  const end = await runChunk({ pipeline, scope, events: 'noted', until: undefined, range }, continued, (run) => {
    progress = progressOf(input, run);
  });
  if (!end.isLast) return continueAsNew<typeof backfillRun>({ ...request, continued: end.run });
  return finish(input, end.result);
}

/** Also after a backfill that was finished before: its digest may be missing still. */
async function finish(input: BackfillInput, result: RunResult): Promise<BackfillResult> {
  const { pipeline, range, alerts } = input;
  const scope = backfillScope(pipeline, range);
  let digest: DigestOutcome[] = [];
  if (alerts === 'digest') {
    const args = { pipeline, scope, range, unfinished: result.lagging };
    const made = await makeDigest.executeWithOptions({ summary: pipeline }, [args]);
    digest = await tellChannels(made.digest, made.channels);
  }
  await closeBackfill.executeWithOptions({ summary: pipeline }, [{ scope }]);
  return { ...result, range, wasFinished: result.chunks === 0, digest };
}

/** A channel that is down for good fails nothing but its digest; the same backfill started again tries it again. */
async function tellChannels(digest: BackfillDigest, channels: readonly string[]): Promise<DigestOutcome[]> {
  const { workflowId, runId } = workflowInfo();
  const outcomes: DigestOutcome[] = [];
  for (const channel of channels) {
    const args = { digest, channel, run: { workflowId, runId } };
    try {
      const status = await sendDigest.executeWithOptions({ summary: `${digest.pipeline}: ${channel}` }, [args]);
      outcomes.push({ channel, status });
    } catch (error) {
      if (isCancellation(error)) throw error;
      outcomes.push({ channel, status: 'failed', reason: failureReason(error) });
    }
  }
  return outcomes;
}

function progressOf({ range }: BackfillInput, run: ContinuedRun | undefined): BackfillProgress {
  const { earlier, chunk } = run ?? { earlier: null, chunk: null };
  return {
    range,
    done: chunk?.plan.window.from ?? earlier?.window.to ?? range.from,
    chunk: chunk?.plan.chunk ?? null,
    ...(chunk === null
      ? {}
      : {
          underWay: {
            to: chunk.plan.window.to,
            machines: chunk.totals.machines,
            ofMachines: chunk.shaped.machines,
          },
        }),
    rows: (earlier?.rows ?? 0) + (chunk?.totals.rows ?? 0),
    anomalies: (earlier?.anomalies ?? 0) + (chunk?.totals.anomalies ?? 0),
  };
}
