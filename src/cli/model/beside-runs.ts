import { connectTemporal, isWorkflowRunning, runsGoingOn, type TemporalClient } from '../../client.js';
import { HalfspaceError } from '../../contract/failures.js';
import { machineWorkflowId, runWorkflowId } from '../../contract/names.js';
import { grpcCause, temporalFailure } from '../../temporal-failures.js';
import type { CliIo } from '../io.js';
import { visible } from '../visible.js';
import type { MachineOptions } from './open.js';

/**
 * Models are changed by hand only while no run of their pipeline is going on: it has read the progress already, and would
 * write it and the machine's next snapshot without knowing of the change.
 * @throws HalfspaceError `Superseded` when one is going on. A server that does not answer is said so and taken for none.
 */
export async function refuseBesideRuns(options: MachineOptions, io: CliIo): Promise<void> {
  const { pipeline, connect = connectTemporal } = options;
  let temporal: TemporalClient;
  try {
    temporal = await connect();
  } catch (error) {
    if (!(error instanceof HalfspaceError) || error.kind !== 'Unreachable') throw error;
    io.stderr(`${error.message}; whether a run of ${pipeline} is going on is not known\n`);
    return;
  }
  try {
    const busy = await findBusy(temporal, options);
    if (busy === undefined) return;
    throw new HalfspaceError(
      'Superseded',
      `${visible(busy)} is going on: wait for its end, pause the schedule if there is one (\`halfspace schedule pause ${pipeline}\`), and try again`,
    );
  } catch (error) {
    throw grpcCause(error).code === null || error instanceof HalfspaceError ? error : temporalFailure(temporal, error);
  } finally {
    await temporal.close();
  }
}

/** What is asked for by its id is known at once; the list of runs may be a second old. */
async function findBusy(temporal: TemporalClient, { pipeline, machine }: MachineOptions): Promise<string | undefined> {
  for (const id of [machineWorkflowId(pipeline, machine), runWorkflowId(pipeline)]) {
    if (await isWorkflowRunning(temporal, id)) return id;
  }
  return (await runsGoingOn(temporal, pipeline))[0];
}
