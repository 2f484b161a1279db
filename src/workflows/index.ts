export { backfillRun } from './backfill-run.js';
export { detectionRun } from './detection-run.js';
export { machineDetection } from './machine-detection.js';
