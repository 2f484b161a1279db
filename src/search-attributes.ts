import type { WorkflowService } from '@temporalio/client';
import { SEARCH_ATTRIBUTES } from './contract/search-attributes.js';

const INVALID_ARGUMENT = 3; // gRPC's status code

/**
 * Whether the namespace has every one of `SEARCH_ATTRIBUTES`. It is asked with a query as people type it, because listing them
 * needs a right that workers often lack and a service that not every server has.
 * @throws what the call throws where the server does not answer.
 */
export async function hasSearchAttributes(workflowService: WorkflowService, namespace: string): Promise<boolean> {
  const query = Object.entries(SEARCH_ATTRIBUTES)
    .map(([name, type]) => `${name} = ${type === 'Int' ? '1' : "'-'"}`)
    .join(' AND ');
  try {
    await workflowService.countWorkflowExecutions({ namespace, query });
    return true;
  } catch (error) {
    if ((error as { code?: unknown }).code === INVALID_ARGUMENT) return false;
    throw error;
  }
}

/** What people are told who could have them, in one line. */
export function lackingText(namespace: string): string {
  const names = Object.keys(SEARCH_ATTRIBUTES).join(', ');
  return `Temporal's namespace ${namespace} lacks the search attributes ${names}: runs and machines are found by their ids only (docs/operations.md, "Watching it")`;
}
