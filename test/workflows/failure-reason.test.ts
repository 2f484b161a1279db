import {
  ApplicationFailure,
  DefaultFailureConverter,
  defaultPayloadConverter,
  TimeoutFailure,
} from '@temporalio/common';
import { expect, it } from 'vitest';
import { failureReason } from '../../src/workflows/failure-reason.js';

const GIVEN_UP = 'Not enough time to schedule next retry before activity ScheduleToClose timeout, giving up retrying';

/** As a step's failure comes from the server. */
function received(cause: object | null): Error {
  const failure = {
    message: 'Activity task failed',
    activityFailureInfo: { activityType: { name: 'sendAlert' } },
    cause: { message: GIVEN_UP, timeoutFailureInfo: { timeoutType: 3 }, cause },
  };
  return new DefaultFailureConverter().failureToError(failure, defaultPayloadConverter);
}

it('gives the words of the last attempt when the time for another one is up', () => {
  const error = received({ message: 'the webhook did not answer', applicationFailureInfo: { type: 'TimedOut' } });
  expect(error.cause).toBeInstanceOf(TimeoutFailure);
  expect(failureReason(error)).toBe('the webhook did not answer');
});

it('gives the words of a time-out that has no cause', () => {
  expect(failureReason(received(null))).toBe(GIVEN_UP);
});

it('gives the innermost words, cut', () => {
  const error = new Error('outer', { cause: ApplicationFailure.nonRetryable('x'.repeat(500)) });
  expect(failureReason(error)).toBe(`${'x'.repeat(400)}…`);
});
