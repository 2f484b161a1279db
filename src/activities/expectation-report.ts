import { HalfspaceError } from '../contract/failures.js';
import type { Expectation } from '../contract/pipeline.js';
import type { RunPlan } from '../contract/run-plan.js';
import { checkExpectations, type ExpectationFacts } from '../shape/expectations.js';

/**
 * The expectations that are not met and only warn, as texts.
 * @throws HalfspaceError `ExpectationFailed` naming all that fail the run, with what was found.
 */
export function expectationWarnings(
  stage: 'after_load' | 'after_transform',
  list: readonly Expectation[],
  facts: ExpectationFacts,
  { mode, window }: RunPlan,
): string[] {
  // Nothing can be expected of no time at all.
  if (window.from === window.to) return [];
  // Earlier runs saw the rows before the window, so a quiet window is no older than its beginning.
  const newest = facts.newest ?? (mode === 'incremental' ? BigInt(window.from) : null);
  const shortfalls = checkExpectations(list, { ...facts, newest }, BigInt(window.to));
  const failed = shortfalls.filter(({ kind }) => kind === 'fail').map(({ text }) => text);
  if (failed.length > 0) throw new HalfspaceError('ExpectationFailed', `${stage}: ${failed.join('; ')}`);
  return shortfalls.map(({ text }) => `${stage}: ${text}`);
}
