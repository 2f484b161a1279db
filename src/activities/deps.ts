import type { Channel } from '../alerts/channel.js';
import type { PipelineSettings } from '../contract/pipeline.js';
import type { Influx } from '../influx/connect.js';
import type { Storage } from '../store/storage.js';
import type { ModelCache } from './model-cache.js';

/** Everything the activities touch, made once by the worker. */
export interface ActivityDeps {
  readonly influx: Influx;
  readonly storage: Storage;
  readonly models: ModelCache;
  readonly pipelines: Readonly<Record<string, PipelineSettings>>;
  readonly channels: ReadonlyMap<string, Channel>;
  /** Children one run has open at a time. */
  readonly machinesAtOnce: number;
  /** Task queues of the workers that are there now, one each; a hint that may be minutes old. */
  readonly homes: () => Promise<readonly string[]>;
  /** Whether the namespace has the search attributes. */
  readonly isSearchable: () => Promise<boolean>;
  readonly links: Links;
  readonly log: (level: 'info' | 'warn', message: string, fields: Record<string, unknown>) => void;
}

export interface Links {
  /** Address of the Temporal UI with the namespace; null when people cannot reach one. */
  readonly temporalUi: string | null;
  readonly namespace: string;
  /** Address under which the store's objects can be fetched; null when they cannot. */
  readonly plots: string | null;
}
