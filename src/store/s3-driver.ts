import { DeleteObjectsCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { S3Driver } from 'flydrive/drivers/s3';
import type { DriverContract } from 'flydrive/types';
import type { S3Access } from '../contract/store-address.js';

/** How long S3 may take. */
export interface S3Patience {
  readonly connectTimeoutMs: number;
  /** Longest silence of a connection, before the answer and in the middle of it. */
  readonly silenceTimeoutMs: number;
  /** Longest time from a request's first byte to its answer's. */
  readonly answerTimeoutMs: number;
  /** Tries of one request, the first one counted. */
  readonly attempts: number;
}

/** A bucket without ACLs behind flydrive's interface. Throws the SDK's own errors. */
export function createS3Driver(bucket: string, access: S3Access, patience: S3Patience): DriverContract {
  const { endpoint, region, profile, accessKeyId, secretAccessKey, sessionToken } = access;
  const client = new S3Client({
    maxAttempts: patience.attempts,
    requestHandler: {
      connectionTimeout: patience.connectTimeoutMs,
      socketTimeout: patience.silenceTimeoutMs,
      requestTimeout: patience.answerTimeoutMs,
      throwOnRequestTimeout: true,
    },
    ...(profile === null ? {} : { profile }),
    ...(profile !== null || accessKeyId === null || secretAccessKey === null
      ? {}
      : { credentials: { accessKeyId, secretAccessKey, ...(sessionToken === null ? {} : { sessionToken }) } }),
    ...(region === null ? {} : { region }),
    // Other services have one host for all buckets, few of them regions, and not all know the newer checksums; what is
    // read back is checked against the SHA-256 in its name anyway.
    ...(endpoint === null
      ? {}
      : {
          endpoint,
          region: region ?? 'us-east-1',
          forcePathStyle: true,
          requestChecksumCalculation: 'WHEN_REQUIRED',
          responseChecksumValidation: 'WHEN_REQUIRED',
        }),
  });
  return new BucketDriver(client, bucket);
}

class BucketDriver extends S3Driver {
  readonly #client: S3Client;
  readonly #bucket: string;

  constructor(client: S3Client, bucket: string) {
    super({ client, bucket, visibility: 'private', supportsACL: false });
    this.#client = client;
    this.#bucket = bucket;
  }

  /** Flydrive's own takes `runs/1` for the beginning of `runs/10`, and does not look at what could not be removed. */
  override async deleteAll(prefix: string): Promise<void> {
    const place = { Bucket: this.#bucket };
    let next: string | undefined;
    do {
      const page = await this.#client.send(
        new ListObjectsV2Command({ ...place, Prefix: `${prefix}/`, ContinuationToken: next }),
      );
      next = page.NextContinuationToken;
      const Objects = (page.Contents ?? []).map(({ Key }) => ({ Key }));
      if (Objects.length === 0) continue;
      const { Errors = [] } = await this.#client.send(
        new DeleteObjectsCommand({ ...place, Delete: { Objects, Quiet: true } }),
      );
      const [first] = Errors;
      if (first !== undefined) throw Object.assign(new Error(first.Message), { name: first.Code });
    } while (next !== undefined);
  }
}
