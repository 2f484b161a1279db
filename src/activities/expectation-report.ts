import { HalfspaceError } from '../contract/failures.js';
import type { Expectation } from '../contract/pipeline.js';
import { checkExpectations, type ExpectationFacts } from '../shape/expectations.js';

/**
 * The expectations that are not met and only warn, as texts.
 * @throws HalfspaceError `ExpectationFailed` naming all that fail the run, with what was found.
 */
export function expectationWarnings(
  stage: 'after_load' | 'after_transform',
  list: readonly Expectation[],
  facts: ExpectationFacts,
  nowNs: bigint,
): string[] {
  const shortfalls = checkExpectations(list, facts, nowNs);
  const failed = shortfalls.filter(({ kind }) => kind === 'fail').map(({ text }) => text);
  if (failed.length > 0) throw new HalfspaceError('ExpectationFailed', `${stage}: ${failed.join('; ')}`);
  return shortfalls.map(({ text }) => `${stage}: ${text}`);
}
