import { executeChild, proxyActivities, workflowInfo } from '@temporalio/workflow';

const { nothing } = proxyActivities({ startToCloseTimeout: '1m' });

/** The least a child can be: one activity that does nothing. */
export async function bareChild() {
  await nothing();
}

/** Runs `count` bare children, `atOnce` at a time, as a run of a pipeline does. */
export async function bareParent({ count, atOnce }) {
  const { workflowId } = workflowInfo();
  for (let first = 0; first < count; first += atOnce) {
    const page = Array.from({ length: Math.min(atOnce, count - first) }, (_, i) => first + i);
    await Promise.all(page.map((n) => executeChild(bareChild, { workflowId: `${workflowId}/${n}`, args: [] })));
  }
}
