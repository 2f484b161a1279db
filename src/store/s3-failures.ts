import type { FailureKind } from '../contract/failures.js';

/** What an error of the S3 client means. */
export interface S3Failure {
  readonly kind: FailureKind;
  /** One line: what is wrong and, where it is known, what to do. */
  readonly why: string;
}

const KEYS = 'check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, or the profile';
const REGION = 'set AWS_REGION to the region of the bucket';

/** By S3's error codes, https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html, and the SDK's error names. */
const BY_NAME: Readonly<Record<string, readonly [FailureKind, string]>> = {
  NoSuchBucket: ['BadSettings', 'there is no such bucket; make it, or correct store.url'],
  InvalidBucketName: ['BadSettings', 'the service does not take such a name for a bucket; correct store.url'],
  PermanentRedirect: ['BadSettings', `the bucket is elsewhere; ${REGION}`],
  AuthorizationHeaderMalformed: ['BadSettings', `the request was signed for another region; ${REGION}`],
  IllegalLocationConstraintException: ['BadSettings', `the bucket is elsewhere; ${REGION}`],
  InvalidAccessKeyId: ['BadCredentials', `the access key is not known there; ${KEYS}`],
  SignatureDoesNotMatch: ['BadCredentials', `the secret key is not that of the access key; ${KEYS}`],
  InvalidToken: ['BadCredentials', `the session token is not valid; ${KEYS}`],
  ExpiredToken: ['BadCredentials', `the session token has expired; ${KEYS}`],
  CredentialsProviderError: ['BadCredentials', `there are no keys to use; ${KEYS}`],
  RequestTimeTooSkewed: [
    'BadCredentials',
    'the clocks of this machine and of the service differ too much; set this one',
  ],
};

const RIGHTS =
  'the keys may not do that; they need s3:GetObject, s3:PutObject and s3:DeleteObject on the objects, s3:ListBucket on the bucket';

/** True when the service says that there is no object of that key: an answer 404 that does not say so is a failure. */
export function isMissingObject(error: unknown): boolean {
  return nameOf(error) === 'NoSuchKey';
}

/** `host` is the service's, for messages. */
export function explainS3Error(error: unknown, host: string): S3Failure {
  const name = nameOf(error);
  const known = BY_NAME[name];
  if (known !== undefined) return { kind: known[0], why: `${known[1]} (${name})` };
  const status = statusOf(error);
  if (status === 401 || status === 403 || name === 'AccessDenied') {
    return { kind: 'BadCredentials', why: `${RIGHTS} (${status ?? 'no status'} ${name})` };
  }
  if (status === 404 || status === 405) {
    return {
      kind: 'BadSettings',
      why: `${host} answered ${status} (${name}); is AWS_ENDPOINT_URL_S3 an S3 service's?`,
    };
  }
  const message = messageOf(error);
  if (message === 'Region is missing') return { kind: 'BadSettings', why: `no region is known; ${REGION}` };
  if (name === 'TimeoutError') return { kind: 'StoreFault', why: `${host} was silent for too long` };
  const answer = status === undefined || status < 300 ? '' : `${host} answered ${status} ${name}: `;
  return { kind: 'StoreFault', why: `${answer}${message}` };
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : '';
}

/** HTTP status of the answer; undefined when there was none. */
function statusOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('$metadata' in error)) return undefined;
  const metadata = error.$metadata;
  if (typeof metadata !== 'object' || metadata === null || !('httpStatusCode' in metadata)) return undefined;
  return typeof metadata.httpStatusCode === 'number' ? metadata.httpStatusCode : undefined;
}

function messageOf(error: unknown): string {
  // A name with several addresses of which none answers: the message is empty, the reasons are inside.
  if (error instanceof AggregateError && error.errors.length > 0) return messageOf(error.errors[0]);
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/\s+/g, ' ').trim().slice(0, LONGEST_MESSAGE) || 'no reason given';
}

const LONGEST_MESSAGE = 300; // a proxy may answer with a page
