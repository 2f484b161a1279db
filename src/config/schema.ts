import { z } from 'zod';
import { parseS3Url } from '../contract/store-address.js';
import { address, duration, group, integer, optional, text } from './fields.js';
import { pipelineSchema } from './pipeline-schema.js';

/** The form of a pipeline's or channel's name: it becomes part of workflow ids and file names. */
export const NAME_PATTERN = /^[a-z0-9][a-z0-9_-]{0,62}$/;
const NAME_ERROR =
  'expected a name of lower-case letters, digits, - and _, 1 to 63 long, starting with a letter or digit';

/** What `store.url` is when the file does not say; variables in it are resolved like any other. */
export const DEFAULT_STORE_URL = `\${STORE_URL:-file://./.halfspace/store}`;

/** Node's timers hold 24 days; a call that takes a day is none that anyone waits for. */
const LONGEST_CALL_MS = 24 * 3_600_000;

const STORE_HOST_ERROR =
  'a folder on this computer has three slashes (file:///srv/models) or begins with a dot (file://./models)';
const STORE_KEYS_ERROR = 'keys have no place in the address; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY instead';

const influx = group({
  host: address().describe('Address of InfluxDB 3, e.g. http://localhost:8181.'),
  token: optional(text('a token')).describe(
    'Token with the right to read and write; empty for a server without authorization.',
  ),
  database: text('a database name').describe('Database to read from and write to.'),
  query_timeout: duration(1, LONGEST_CALL_MS).prefault('60s').describe('Longest time one query may take.'),
  write_timeout: duration(1, LONGEST_CALL_MS).prefault('30s').describe('Longest time one write may take.'),
});

const slack = group({
  kind: z.literal('slack').describe('A Slack incoming webhook.'),
  webhook: optional(address()).describe('Address of the incoming webhook; empty writes messages to the log instead.'),
});

const webhook = group({
  kind: z.literal('webhook').describe('A JSON POST to an address of yours.'),
  url: address().describe('Address that events are posted to.'),
  headers: z
    .record(z.string(), z.string({ error: 'expected a text' }), { error: 'expected names and texts' })
    .default({})
    .describe('Headers sent along, e.g. Authorization.'),
});

const channel = z.discriminatedUnion('kind', [slack, webhook], {
  error: 'expected a channel of kind slack or webhook',
});

const storeError =
  'expected a folder such as file:///var/lib/halfspace or file://./.halfspace/store, or a bucket such as s3://bucket/prefix';
const store = group({
  url: z
    .string({ error: storeError })
    // Told without the address, which holds the keys.
    .refine((url) => !/^s3:.*@/.test(url), { error: STORE_KEYS_ERROR, abort: true })
    .refine((url) => !/^file:\/\/[^/.]/.test(url), { error: STORE_HOST_ERROR, abort: true })
    .refine((url) => /^file:\/\/./.test(url) || parseS3Url(url) !== null, { error: storeError })
    .default(DEFAULT_STORE_URL)
    .describe('Folder or bucket for models and artifacts; a relative folder starts at the working directory.'),
});

const links = group({
  temporal_ui: optional(address()).describe('Address of the Temporal UI as people reach it; messages link to the run.'),
  plots: optional(address()).describe("Address at which the store's plots are reachable; messages show the picture."),
});

const worker = group({
  task_queue: text('a task queue name')
    .default('halfspace')
    .describe('Temporal task queue of workflows and activities.'),
  model_cache_mb: integer(1, 1_000_000).default(256).describe('Memory for models kept between runs, in MB.'),
  max_machines_at_once: integer(1, 1000)
    .default(100)
    .describe('Most machines one run works on at the same time; a worker takes no more than 40 of them.'),
});

function named<T extends z.ZodType>(what: string, value: T): z.ZodRecord<z.ZodString, T> {
  return z.record(z.string().regex(NAME_PATTERN, { error: NAME_ERROR }), value, {
    error: `expected ${what} by name`,
  });
}

/** The sections of halfspace.yaml, each checked on its own: a command asks only for those it needs. */
export const SECTIONS = {
  influx: influx.describe('InfluxDB 3 (Core, Enterprise or Cloud).'),
  pipelines: named('pipelines', pipelineSchema)
    .refine((pipelines) => Object.keys(pipelines).length > 0, { error: 'expected at least one pipeline' })
    .describe('Detection jobs by name; the first is the default one.'),
  channels: named('channels', channel).prefault({}).describe('Where alerts go, by name.'),
  store: store.prefault({}).describe('Where models, artifacts and plots are kept.'),
  links: links.prefault({}).describe('Public addresses that messages point to.'),
  worker: worker.prefault({}).describe('The worker process.'),
} as const;

/** The whole file, for the JSON Schema and the documentation. */
export const fileSchema = group({
  default: z
    .exactOptional(z.string().regex(NAME_PATTERN, { error: NAME_ERROR }))
    .describe('Name of the default pipeline; the first one when left out.'),
  ...SECTIONS,
});

export type Section = keyof typeof SECTIONS;

/** The sections' settings with every default filled in; durations in milliseconds. */
export type SectionSettings = { readonly [S in Section]: z.output<(typeof SECTIONS)[S]> };

export type InfluxSettings = SectionSettings['influx'];
export type ChannelSettings = SectionSettings['channels'][string];
export type LinkSettings = SectionSettings['links'];
export type WorkerSettings = SectionSettings['worker'];
