/** A place in a bucket, of `s3://bucket/prefix`. */
export interface S3Address {
  readonly bucket: string;
  /** Without slashes at its ends; empty when the whole bucket is meant. */
  readonly prefix: string;
}

/** How to reach S3, as the usual AWS variables say it; null leaves a question to the SDK's own chain. */
export interface S3Access {
  /** Address of a service other than Amazon's. */
  readonly endpoint: string | null;
  readonly region: string | null;
  /** Profile of the AWS configuration files; it comes before keys. */
  readonly profile: string | null;
  readonly accessKeyId: string | null;
  readonly secretAccessKey: string | null;
  readonly sessionToken: string | null;
}

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
const S3_URL = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/;
const PREFIX = /^[A-Za-z0-9_.-]+(?:\/[A-Za-z0-9_.-]+)*$/;

/** The bucket and prefix of `s3://bucket/prefix`, one slash at the end allowed; null for any other text. */
export function parseS3Url(url: string): S3Address | null {
  const match = S3_URL.exec(url);
  if (match === null) return null;
  const [, bucket = '', rest = ''] = match;
  const prefix = rest.replace(/\/$/, '');
  if (prefix === '') return rest === '' ? { bucket, prefix } : null;
  const hasDots = prefix.split('/').some((segment) => segment === '.' || segment === '..');
  return PREFIX.test(prefix) && !hasDots ? { bucket, prefix } : null;
}
