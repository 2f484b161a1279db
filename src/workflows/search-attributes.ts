import { defineSearchAttributeKey, type SearchAttributePair } from '@temporalio/common';
import { upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import type { MachinePlan } from '../contract/run-plan.js';
import type { SEARCH_ATTRIBUTES } from '../contract/search-attributes.js';

type Name = keyof typeof SEARCH_ATTRIBUTES;
type Searchable = Pick<MachinePlan, 'pipeline' | 'isSearchable'>;

const PIPELINE = defineSearchAttributeKey('halfspacePipeline' satisfies Name, 'KEYWORD');
const MACHINE = defineSearchAttributeKey('halfspaceMachine' satisfies Name, 'KEYWORD');
const ANOMALIES = defineSearchAttributeKey('halfspaceAnomalies' satisfies Name, 'INT');

/** Lets a run be found by its pipeline; the executions that it continues as have what the first was given. */
export function nameRun({ pipeline, isSearchable }: Searchable): void {
  if (isSearchable !== true || workflowInfo().typedSearchAttributes.get(PIPELINE) === pipeline) return;
  upsertSearchAttributes([{ key: PIPELINE, value: pipeline }]);
}

/** What a machine's workflow can be found by from its start on. */
export function machineNames({ pipeline, isSearchable }: Searchable, uniqueId: string): SearchAttributePair[] {
  if (isSearchable !== true) return [];
  return [
    { key: PIPELINE, value: pipeline },
    { key: MACHINE, value: uniqueId },
  ];
}

/** Lets a run or machine be found by its anomalous rows, where there are any: a healthy one costs nothing. */
export function noteAnomalies({ isSearchable }: Searchable, anomalies: number): void {
  if (isSearchable === true && anomalies > 0) upsertSearchAttributes([{ key: ANOMALIES, value: anomalies }]);
}
