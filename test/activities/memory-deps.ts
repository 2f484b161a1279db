import type { ActivityDeps } from '../../src/activities/deps.js';
import { ModelCache } from '../../src/activities/index.js';
import { MemoryInflux } from './memory-influx.js';
import { MemoryStore } from './memory-store.js';

/** What steps work with, of an empty plant that nobody watches, with what a test changes of it. */
export function memoryDeps(change: Partial<ActivityDeps> = {}): ActivityDeps {
  return {
    influx: new MemoryInflux(),
    storage: new MemoryStore(),
    models: new ModelCache(1),
    pipelines: {},
    channels: new Map(),
    machinesAtOnce: 100,
    homes: async () => [],
    isSearchable: async () => false,
    links: { temporalUi: null, namespace: 'default', plots: null },
    log: () => {},
    ...change,
  };
}
