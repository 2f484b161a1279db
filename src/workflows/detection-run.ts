import { continueAsNew } from '@temporalio/workflow';
import type { RunInput } from '../contract/run-input.js';
import type { RunResult } from '../contract/run-result.js';
import { runChunk } from './run-chunk.js';

/** One execution of a pipeline: from the last window done to now, once its data is there, in as many chunks as that takes. */
export async function detectionRun({ pipeline, until, continued }: RunInput): Promise<RunResult> {
  const end = await runChunk({ pipeline, scope: pipeline, events: 'told', until, range: undefined }, continued);
  if (end.isLast) return end.result;
  return continueAsNew<typeof detectionRun>({ pipeline, until, continued: end.run });
}
