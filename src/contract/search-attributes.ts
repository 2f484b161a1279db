/** By what the Temporal UI finds runs and machines, where the namespace has all of these; see docs/operations.md. */
export const SEARCH_ATTRIBUTES = {
  halfspacePipeline: 'Keyword',
  halfspaceMachine: 'Keyword',
  /** Anomalous rows of a run or of a machine's window; not there where there are none. */
  halfspaceAnomalies: 'Int',
} as const;
