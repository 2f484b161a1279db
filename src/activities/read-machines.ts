import type { ArtifactRef } from '../contract/artifact.js';
import type { MachineEntry } from '../contract/run-plan.js';
import type { JsonArtifacts } from './plan-document.js';

export interface ReadMachinesInput {
  readonly manifest: ArtifactRef;
  readonly offset: number;
  readonly limit: number;
}

/** A page must stay below the largest payload whatever the machines are called. */
const PAGE_BYTES = 28 * 1024;

/** The next machines of a run, at most `limit`, fewer when their names are long; at least one. */
export async function readMachines(documents: JsonArtifacts, input: ReadMachinesInput): Promise<MachineEntry[]> {
  const { manifest, offset, limit } = input;
  const machines = await documents.get<MachineEntry[]>(manifest);
  const page: MachineEntry[] = [];
  let bytes = 0;
  for (const machine of machines.slice(offset, offset + limit)) {
    bytes += Buffer.byteLength(JSON.stringify(machine)) + 1;
    if (page.length > 0 && bytes > PAGE_BYTES) break;
    page.push(machine);
  }
  return page;
}
