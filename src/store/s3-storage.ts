import { HalfspaceError } from '../contract/failures.js';
import { parseS3Url, type S3Access } from '../contract/store-address.js';
import { DiskStorage } from './disk-storage.js';
import type { S3Patience } from './s3-driver.js';
import { explainS3Error, isMissingObject } from './s3-failures.js';
import type { Storage } from './storage.js';

export interface S3StorageOptions {
  readonly access?: S3Access;
  readonly patience?: Partial<S3Patience>;
}

const NO_ACCESS: S3Access = {
  endpoint: null,
  region: null,
  profile: null,
  accessKeyId: null,
  secretAccessKey: null,
  sessionToken: null,
};

/** A service that hangs is given up after three silences, about 35 s: within the minute that the shortest steps have. */
const PATIENCE: S3Patience = {
  connectTimeoutMs: 3000,
  silenceTimeoutMs: 8000,
  answerTimeoutMs: 60_000,
  attempts: 3,
};

/**
 * A store in a bucket. The client is loaded with the first call: it takes half a second and 30 MB, which a store in a
 * folder should not cost.
 * @param url `s3://bucket/prefix`.
 * @throws HalfspaceError `BadSettings` for another address, an endpoint or a region that is none, half a pair of keys.
 */
export function openS3Storage(url: string, { access = NO_ACCESS, patience = {} }: S3StorageOptions = {}): Storage {
  const address = parseS3Url(url);
  if (address === null) {
    throw new HalfspaceError('BadSettings', 'Expected store.url to be s3://bucket/prefix without keys, query or ..');
  }
  if ((access.accessKeyId === null) !== (access.secretAccessKey === null)) {
    const missing = access.accessKeyId === null ? 'AWS_ACCESS_KEY_ID' : 'AWS_SECRET_ACCESS_KEY';
    throw new HalfspaceError('BadSettings', `The store ${url} needs ${missing} too: the two keys are a pair`);
  }
  if (access.region !== null && !/^[A-Za-z0-9-]+$/.test(access.region)) {
    throw new HalfspaceError(
      'BadSettings',
      `The store ${url} needs AWS_REGION (or AWS_DEFAULT_REGION) to be a region such as eu-central-1, got \`${access.region}\``,
    );
  }
  const host = access.endpoint === null ? 'S3' : hostOf(access.endpoint);
  let driver: ReturnType<typeof load> | undefined;
  const load = async () => {
    const { createS3Driver } = await import('./s3-driver.js');
    return createS3Driver(address.bucket, access, { ...PATIENCE, ...patience });
  };
  return new DiskStorage({
    driver: () => {
      driver ??= load();
      return driver;
    },
    place: url.replace(/\/$/, ''),
    ...(access.endpoint === null ? {} : { at: host }),
    prefix: address.prefix,
    isMissing: isMissingObject,
    explain: (error) => explainS3Error(error, host),
  });
}

function hostOf(endpoint: string): string {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : null;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url.host;
  // An address may carry a password: it is not shown.
  throw new HalfspaceError('BadSettings', 'Expected AWS_ENDPOINT_URL_S3 (or AWS_ENDPOINT_URL) to begin with http://');
}
