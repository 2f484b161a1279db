import { proxyActivities } from '@temporalio/workflow';
import { DETECT, GATE } from '../../src/workflows/policies.js';

interface Steps {
  modelIsCached(): Promise<void>;
  detectAnomalies(): Promise<void>;
}

const { modelIsCached } = proxyActivities<Steps>(GATE);
const { detectAnomalies } = proxyActivities<Steps>(DETECT);

/** What nobody may make of the real one while runs are under way: the first step comes second. */
export async function machineDetection(): Promise<void> {
  await detectAnomalies();
  await modelIsCached();
}
