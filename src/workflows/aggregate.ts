import { isCancellation, proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';
import type { RunPlan } from '../contract/run-plan.js';
import type { AggregateOutcome } from '../contract/run-result.js';
import { failureReason } from './failure-reason.js';
import { WRITE } from './policies.js';
import { windowText } from './texts.js';

const { writeAggregates } = proxyActivities<Activities>(WRITE);

/** A write of its own: what fails here for good fails nothing else, and is owed to the next run. */
export async function aggregate(plan: RunPlan): Promise<AggregateOutcome> {
  const { aggregateTable: table = null } = plan;
  if (table === null) return { written: 0, isOwed: false, warnings: [] };
  const summary = `${table}: ${windowText(plan)}`;
  try {
    return await writeAggregates.executeWithOptions({ summary }, [{ plan }]);
  } catch (error) {
    if (isCancellation(error)) throw error;
    const warning = `aggregates were not written, the next run does it: ${failureReason(error)}`;
    return { written: 0, isOwed: true, warnings: [warning] };
  }
}
