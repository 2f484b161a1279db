import { executeChild, proxyActivities, workflowInfo } from '@temporalio/workflow';
import { SlidingWindow } from '../../dist/workflows/sliding-window.js';

const { nothing } = proxyActivities({ startToCloseTimeout: '1m' });

/** The least a child can be: one activity that does nothing. */
export async function bareChild() {
  await nothing();
}

/** Runs `count` bare children, `atOnce` at a time, in the window that a run of a pipeline has. */
export async function bareParent({ count, atOnce }) {
  const { workflowId } = workflowInfo();
  const window = new SlidingWindow(atOnce);
  for (let n = 0; n < count; n++) {
    await window.start(() => executeChild(bareChild, { workflowId: `${workflowId}/${n}`, args: [] }));
  }
  await window.drain();
}
