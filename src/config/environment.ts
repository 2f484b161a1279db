import { join, resolve } from 'node:path';
import { parse } from 'dotenv';
import { HalfspaceError } from '../contract/failures.js';
import type { S3Access } from '../contract/store-address.js';
import { codeOf, NOT_UTF8, readUtf8 } from './text-file.js';
import type { Variables } from './variables.js';

/** Who reads a variable: the shipped halfspace.yaml names it, halfspace itself, Temporal's client, a store in S3, or docker compose. */
export type Reader = 'settings' | 'halfspace' | 'temporal' | 's3' | 'compose';

export interface EnvironmentVariable {
  readonly name: string;
  readonly reader: Reader;
  /** What serves when it is unset; null when nothing does. */
  readonly fallback: string | null;
  readonly description: string;
}

const row = (reader: Reader, name: string, fallback: string | null, description: string): EnvironmentVariable => ({
  name,
  reader,
  fallback,
  description,
});

/** Every environment variable with a meaning here; `.env.example` lists the same ones. */
export const ENVIRONMENT: readonly EnvironmentVariable[] = [
  row('settings', 'INFLUX_HOST', null, 'Address of InfluxDB 3.'),
  row('settings', 'INFLUX_TOKEN', null, 'Token for InfluxDB; set it to nothing for a server without authorization.'),
  row('settings', 'INFLUX_DATABASE', null, 'Database to read from and write to.'),
  row('settings', 'SLACK_WEBHOOK_URL', '', 'Slack incoming webhook; without one messages go to the log.'),
  row('settings', 'STORE_URL', 'file://./.halfspace/store', 'Folder or bucket for models, artifacts and plots.'),
  row('settings', 'TEMPORAL_UI_URL', '', 'Address of the Temporal UI as people reach it, for links in messages.'),
  row('settings', 'PLOTS_URL', '', "Address at which the store's plots are reachable, for pictures in messages."),
  row('halfspace', 'HALFSPACE_CONFIG', './halfspace.yaml', 'Settings file.'),
  row('halfspace', 'HALFSPACE_HOME', './.halfspace', 'Folder of the embedded servers.'),
  row('halfspace', 'HALFSPACE_API_TOKEN', null, 'What callers of `halfspace serve` must send as their bearer token.'),
  row('halfspace', 'LOG_LEVEL', 'info', 'Least severity that is logged: debug, info, warn or error.'),
  row('halfspace', 'NO_COLOR', null, 'Any value turns colours off.'),
  row('halfspace', 'TEMPORAL_CLI_PATH', null, 'The temporal program to use for the embedded server.'),
  row('temporal', 'TEMPORAL_ADDRESS', 'localhost:7233', 'Address of the Temporal server.'),
  row('temporal', 'TEMPORAL_NAMESPACE', 'default', 'Temporal namespace.'),
  row('temporal', 'TEMPORAL_API_KEY', null, 'API key, for Temporal Cloud.'),
  row('temporal', 'TEMPORAL_TLS', null, 'true or false; on by itself with an API key.'),
  row('temporal', 'TEMPORAL_TLS_CLIENT_CERT_PATH', null, 'Client certificate for mutual TLS.'),
  row('temporal', 'TEMPORAL_TLS_CLIENT_KEY_PATH', null, 'Key of the client certificate.'),
  row('temporal', 'TEMPORAL_TLS_SERVER_CA_CERT_PATH', null, "Certificate authority of the server's certificate."),
  row('temporal', 'TEMPORAL_TLS_SERVER_NAME', null, "Name expected in the server's certificate."),
  row('temporal', 'TEMPORAL_CONFIG_FILE', null, "Temporal's own configuration file (TOML)."),
  row('temporal', 'TEMPORAL_PROFILE', 'default', 'Profile in that file.'),
  row('s3', 'AWS_ACCESS_KEY_ID', null, "Access key; without one the AWS SDK's own chain finds credentials."),
  row('s3', 'AWS_SECRET_ACCESS_KEY', null, 'Secret key that belongs to it.'),
  row('s3', 'AWS_SESSION_TOKEN', null, 'Session token of temporary keys.'),
  row('s3', 'AWS_PROFILE', null, 'Profile of the AWS configuration files; it comes before keys.'),
  row('s3', 'AWS_REGION', null, 'Region of the bucket; us-east-1 with an endpoint.'),
  row('s3', 'AWS_DEFAULT_REGION', null, 'The same, when AWS_REGION is not set.'),
  row('s3', 'AWS_ENDPOINT_URL_S3', null, "Address of an S3 service other than Amazon's, e.g. http://localhost:9000."),
  row('s3', 'AWS_ENDPOINT_URL', null, 'The same, when AWS_ENDPOINT_URL_S3 is not set.'),
  row('compose', 'TEMPORAL_DB_PASSWORD', 'temporal', "Password of Temporal's database in docker-compose.yml."),
];

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface EnvironmentOptions {
  readonly cwd?: string;
  readonly env?: Variables;
}

/** What the environment and `.env` say, apart from what halfspace.yaml takes from them. */
export interface Environment {
  /** All variables, those of `.env` included; the real environment wins. Pass it on to Temporal's client. */
  readonly variables: Variables;
  /** HALFSPACE_CONFIG; null when not set. */
  readonly configFile: string | null;
  /** Absolute folder of the embedded servers. */
  readonly home: string;
  /** HALFSPACE_API_TOKEN; null when not set. */
  readonly apiToken: string | null;
  readonly logLevel: LogLevel;
  readonly color: boolean;
  /** TEMPORAL_CLI_PATH; null when not set. */
  readonly temporalCliPath: string | null;
  /** PATH; null when not set. */
  readonly searchPath: string | null;
  /** Folder for downloads that several checkouts share. */
  readonly cacheHome: string;
  /** The usual AWS variables, for a store in a bucket. */
  readonly s3: S3Access;
}

/**
 * The one reader of `process.env`. `.env` is looked for in `cwd` and never overrides the real environment.
 * @throws HalfspaceError `BadSettings` when `.env` cannot be read or LOG_LEVEL is no level.
 */
export function readEnvironment({ cwd = process.cwd(), env = process.env }: EnvironmentOptions = {}): Environment {
  const variables: Variables = { ...readDotenv(join(cwd, '.env')), ...env };
  const text = (name: string) => (variables[name] === undefined || variables[name] === '' ? null : variables[name]);

  const level = text('LOG_LEVEL') ?? 'info';
  const logLevel = LOG_LEVELS.find((known) => known === level.toLowerCase());
  if (logLevel === undefined) {
    throw new HalfspaceError(
      'BadSettings',
      `Expected LOG_LEVEL to be one of ${LOG_LEVELS.join(', ')}, got \`${level}\``,
    );
  }
  const userHome = text('HOME') ?? text('USERPROFILE');
  const cache = text('XDG_CACHE_HOME') ?? (userHome === null ? null : join(userHome, '.cache'));
  const home = resolve(cwd, text('HALFSPACE_HOME') ?? '.halfspace');
  return {
    variables,
    configFile: text('HALFSPACE_CONFIG'),
    home,
    apiToken: text('HALFSPACE_API_TOKEN'),
    logLevel,
    color: text('NO_COLOR') === null,
    temporalCliPath: text('TEMPORAL_CLI_PATH'),
    searchPath: text('PATH') ?? text('Path'),
    cacheHome: cache === null ? join(home, 'cache') : join(cache, 'halfspace'),
    s3: {
      endpoint: text('AWS_ENDPOINT_URL_S3') ?? text('AWS_ENDPOINT_URL'),
      region: text('AWS_REGION') ?? text('AWS_DEFAULT_REGION'),
      profile: text('AWS_PROFILE'),
      accessKeyId: text('AWS_ACCESS_KEY_ID'),
      secretAccessKey: text('AWS_SECRET_ACCESS_KEY'),
      sessionToken: text('AWS_SESSION_TOKEN'),
    },
  };
}

function readDotenv(file: string): Variables {
  let content: string;
  try {
    content = readUtf8(file);
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT') return {};
    const message =
      code === NOT_UTF8
        ? `${file} is not a UTF-8 text; save it as UTF-8`
        : `Cannot read ${file} (${code}); make it readable or remove it`;
    throw new HalfspaceError('BadSettings', message, { cause: error });
  }
  return parse(content);
}

/**
 * Keeps the AWS SDK from printing, at each command with a store in a bucket, eight lines on which Node.js it will want some
 * day: `engines` in package.json says what is wanted now. The SDK asks this variable alone; what the user set stays.
 */
export function silenceAwsNodeVersion(): void {
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
}
