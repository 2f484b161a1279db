import { ActivityFailure, ApplicationFailure, RetryState } from '@temporalio/common';
import { expect, test } from 'vitest';
import { lineOf, logTo, withoutRetriedSteps } from '../../src/cli/worker-log.js';
import { capturedIo } from './captured-io.js';

const SDK = { sdkComponent: 'worker', taskToken: 'x'.repeat(300) };
const ATTEMPT = { ...SDK, activityType: 'loadInfluxData', attempt: 3, workflowId: 'detect/machines' };

test('a failed attempt is one line: which step, which attempt, of which workflow, and why', () => {
  const error = ApplicationFailure.create({ message: 'InfluxDB at http://h cannot be reached.\n Check it.' });
  expect(lineOf('Activity failed', { ...ATTEMPT, error }, false)).toEqual({
    message: 'loadInfluxData failed (attempt 3, detect/machines): InfluxDB at http://h cannot be reached. Check it.',
    fields: {},
  });
});

test('a worker that ends tells of steps that failed for good, not of those that are tried again', () => {
  const entries = ['over', 'away', new Error('away')].map((why) => ({
    ...ATTEMPT,
    error: why instanceof Error ? why : ApplicationFailure.create({ message: why, nonRetryable: why === 'over' }),
  }));
  const linesWhile = (isEnding: boolean): string[] => {
    const io = capturedIo();
    const log = withoutRetriedSteps(logTo(io), () => isEnding);
    for (const entry of entries) log('warn', 'Activity failed', entry);
    log('warn', 'Workflow failed', { ...SDK, error: new Error('away') });
    return io.err().trimEnd().split('\n');
  };
  expect(linesWhile(false)).toHaveLength(4);
  expect(linesWhile(true)).toEqual([
    expect.stringMatching(/loadInfluxData failed .*: over$/),
    expect.stringMatching(/Workflow failed: away$/),
  ]);
});

test('a failed workflow gives the innermost reason', () => {
  const cause = ApplicationFailure.create({ message: 'no such table' });
  const error = new ActivityFailure('Activity task failed', 'a', '2', RetryState.NON_RETRYABLE_FAILURE, 'x', cause);
  const { message } = lineOf('Workflow failed', { ...SDK, workflowId: 'detect/machines', error }, false);
  expect(message).toBe('Workflow failed (detect/machines): no such table');
});

test('a failure that only those who run the worker can mend says how', () => {
  const error = ApplicationFailure.create({ message: 'it is done already', details: ['delete a and b'] });
  expect(lineOf('Activity failed', { ...SDK, error }, false).message).toBe(
    'Activity failed: it is done already, or delete a and b',
  );
});

const NATIVE = { sdkComponent: 'core', target: 'temporalio_client::retry' };

test("an entry of the SDK's native part gives its reason, which is a text", () => {
  const line = (fields: object) => lineOf('It was tried', { ...NATIVE, ...fields }, false);
  expect(line({ error: 'Status { code: 14 }' }).message).toBe('It was tried: Status { code: 14 }');
  expect(line({ failure: 'Failure {\n }' }).message).toBe('It was tried: Failure { }');
  expect(line({})).toEqual({ message: 'It was tried', fields: {} });
});

const REFUSED =
  'Status { code: Unavailable, message: "tcp connect error", Os { code: 111, message: "Connection refused" } }';

test('of a Temporal that is away is said why, whichever call it was', () => {
  const line = (call: string, error: string) =>
    lineOf(`gRPC call ${call} retried 6 times`, { ...NATIVE, error }, false);
  const away = { message: 'Temporal does not answer and is asked again: Connection refused', fields: {} };
  expect(line('poll_activity_task_queue', REFUSED)).toEqual(away);
  expect(line('poll_workflow_task_queue', REFUSED)).toEqual(away);
  expect(line('poll_workflow_task_queue', 'timeout').message).toMatch(/again: timeout$/);
});

const TRANSPORT = (inner: string) =>
  `Status { code: Unavailable, message: "error trying to connect", source: Some(tonic::transport::Error(Transport, ${inner})) }`;

test.each([
  ['Network error while completing activity', 'Temporal could not be told how a step ended'],
  ['Error when recording heartbeat', 'Temporal could not be told that a step goes on'],
  ['Network error while responding to legacy query', 'Temporal could not be given the answer to a query'],
  ['Error while completing workflow activation', 'Temporal could not be told what a workflow does next'],
])('of a call that did not come through is said what and why: %s', (message, expected) => {
  const refused = TRANSPORT('ConnectError(Os { code: 111, kind: ConnectionRefused, message: "Connection refused" })');
  expect(lineOf(message, { ...NATIVE, error: refused, task_token: 'x' }, false)).toEqual({
    message: `${expected}: Connection refused`,
    fields: {},
  });
  const broken = TRANSPORT('hyper::Error(Io, Kind(BrokenPipe))');
  expect(lineOf(message, { ...NATIVE, error: broken }, false).message).toBe(`${expected}: Broken pipe`);
});

test('what says that Temporal cannot be reached is passed on, and nothing else', () => {
  let away = 0;
  const log = logTo(capturedIo(), false, Date.now, () => away++);
  log('warn', 'Activity failed', { ...ATTEMPT, error: new Error('why') });
  log('warn', 'Temporal does not answer', {});
  log('warn', 'Workflow cache full', { ...NATIVE });
  log('warn', 'Network error while completing activity', { ...NATIVE, error: 'Status { code: PermissionDenied }' });
  expect(away).toBe(0);
  log('warn', 'Network error while completing activity', { ...NATIVE, error: REFUSED });
  log('warn', 'gRPC call poll_activity_task_queue retried 8 times', { ...NATIVE, error: REFUSED });
  expect(away).toBe(2);
});

test('what the native part repeats is written once in half a minute, and always with everything wanted', () => {
  let nowMs = 1_000_000;
  const count = (everything: boolean) => {
    const words = capturedIo();
    const log = logTo(words, everything, () => nowMs);
    const calls = ['poll_activity_task_queue', 'poll_workflow_task_queue'];
    for (const times of [6, 7]) {
      for (const call of calls) log('warn', `gRPC call ${call} retried ${times} times`, { ...NATIVE, error: REFUSED });
    }
    log('warn', 'gRPC call poll_activity_task_queue retried 8 times', { ...NATIVE, error: 'another reason' });
    nowMs += 30_000;
    log('warn', 'gRPC call poll_activity_task_queue retried 9 times', { ...NATIVE, error: REFUSED });
    return words.err().trimEnd().split('\n').length;
  };
  expect(count(false)).toBe(3);
  expect(count(true)).toBe(6);
});

test('an entry of ours is written as often as it comes', () => {
  const words = capturedIo();
  const log = logTo(words, false, () => 0);
  for (let i = 0; i < 2; i++) log('warn', 'Activity failed', { ...ATTEMPT, error: new Error('why') });
  expect(words.err().trimEnd().split('\n')).toHaveLength(2);
});

test('what was thrown by mistake keeps its name; anything may be thrown', () => {
  const line = (error: unknown) => lineOf('Activity failed', { ...SDK, error }, false).message;
  expect(line(new TypeError('x is undefined'))).toBe('Activity failed: TypeError: x is undefined');
  expect(line('words')).toBe('Activity failed: words');
});

test('with everything wanted the fields come along, the error as its stack', () => {
  const { fields } = lineOf('Activity failed', { ...ATTEMPT, error: new Error('why') }, true);
  expect(fields).toMatchObject({ taskToken: SDK.taskToken, error: expect.stringMatching(/^Error: why\n +at /) });
});

test('an entry of ours keeps its fields, as words or as an object', () => {
  const fields = { channel: 'ops', plotUrl: null, at: 5n };
  const words = capturedIo();
  logTo(words)('info', 'Anomaly on m1', fields);
  expect(words.err()).toMatch(/^\d{4}-\d\d-\d\dT\S+Z info Anomaly on m1 channel="ops" at="5"\n$/);
  const object = capturedIo({ json: true });
  logTo(object)('info', 'Anomaly on m1', fields);
  expect(JSON.parse(object.err())).toMatchObject({ level: 'info', message: 'Anomaly on m1', channel: 'ops', at: '5' });
});
