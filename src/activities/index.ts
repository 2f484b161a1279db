import { asActivity } from './attempt.js';
import { makeDigest, sendDigest } from './backfill-digest.js';
import { closeBackfill, openBackfill } from './backfill-state.js';
import { checkAnomalies } from './check-anomalies.js';
import type { ActivityDeps } from './deps.js';
import { detectAnomalies } from './detect-anomalies.js';
import { closeRun, finishRun, recordLaggards } from './finish-run.js';
import { loadModel, modelIsCached } from './gate.js';
import { loadInfluxData } from './load-influx-data.js';
import { passOverModel } from './pass-over.js';
import { JsonArtifacts } from './plan-document.js';
import { planRun } from './plan-run.js';
import { plotAnomalies } from './plot-anomalies.js';
import { readMachines } from './read-machines.js';
import { rollBackModel } from './roll-back.js';
import { sendAlert } from './send-alert.js';
import { SlicePacks } from './slices.js';
import { transformData } from './transform-data.js';
import { writeAggregates } from './write-aggregates.js';
import { writeScores } from './write-scores.js';

export type { ActivityDeps, Links } from './deps.js';
export { ModelCache } from './model-cache.js';

export type Activities = ReturnType<typeof createActivities>;

/** All steps of the job as Temporal activities; each heartbeats, can be cancelled and sorts its failures. */
export function createActivities(deps: ActivityDeps) {
  const documents = new JsonArtifacts(deps.storage);
  const packs = new SlicePacks(deps.storage);
  type Input<F extends (...args: never[]) => unknown, At extends number> = Parameters<F>[At];
  return {
    planRun: asActivity((input: Input<typeof planRun, 1>, attempt) => planRun(deps, input, attempt)),
    loadInfluxData: asActivity((input: Input<typeof loadInfluxData, 2>, attempt) =>
      loadInfluxData(deps, documents, input, attempt),
    ),
    transformData: asActivity((input: Input<typeof transformData, 2>, attempt) =>
      transformData(deps, documents, input, attempt),
    ),
    readMachines: asActivity((input: Input<typeof readMachines, 1>) => readMachines(documents, input)),
    modelIsCached: asActivity((input: Input<typeof modelIsCached, 2>) => modelIsCached(deps, documents, input)),
    loadModel: asActivity((input: Input<typeof loadModel, 1>) => loadModel(deps, input)),
    passOverModel: asActivity((input: Input<typeof passOverModel, 2>) => passOverModel(deps, documents, input)),
    rollBackModel: asActivity((input: Input<typeof rollBackModel, 3>) => rollBackModel(deps, documents, packs, input)),
    detectAnomalies: asActivity((input: Input<typeof detectAnomalies, 3>, attempt) =>
      detectAnomalies(deps, documents, packs, input, attempt),
    ),
    checkAnomalies: asActivity((input: Input<typeof checkAnomalies, 2>) => checkAnomalies(deps, documents, input)),
    plotAnomalies: asActivity((input: Input<typeof plotAnomalies, 2>, attempt) =>
      plotAnomalies(deps, documents, input, attempt),
    ),
    sendAlert: asActivity((input: Input<typeof sendAlert, 1>, attempt) => sendAlert(deps, input, attempt)),
    writeScores: asActivity((input: Input<typeof writeScores, 2>, attempt) =>
      writeScores(deps, documents, input, attempt),
    ),
    writeAggregates: asActivity((input: Input<typeof writeAggregates, 2>, attempt) =>
      writeAggregates(deps, documents, input, attempt),
    ),
    recordLaggards: asActivity((input: Input<typeof recordLaggards, 2>) => recordLaggards(deps, documents, input)),
    finishRun: asActivity((input: Input<typeof finishRun, 2>) => finishRun(deps, documents, input)),
    openBackfill: asActivity((input: Input<typeof openBackfill, 1>) => openBackfill(deps, input)),
    makeDigest: asActivity((input: Input<typeof makeDigest, 1>, attempt) => makeDigest(deps, input, attempt)),
    sendDigest: asActivity((input: Input<typeof sendDigest, 1>, attempt) => sendDigest(deps, input, attempt)),
    closeBackfill: asActivity((input: Input<typeof closeBackfill, 1>) => closeBackfill(deps, input)),
    closeRun: asActivity((input: Input<typeof closeRun, 1>) => closeRun(deps, input)),
  };
}
