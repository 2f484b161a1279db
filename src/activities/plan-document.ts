import { createHash } from 'node:crypto';
import type { ArtifactRef } from '../contract/artifact.js';
import type { DetectorSettings, PipelineSettings } from '../contract/pipeline.js';
import type { Nanos } from '../contract/time.js';
import { getArtifact } from '../store/artifacts.js';
import type { Laggard, LateProgress } from '../store/progress.js';
import type { Storage } from '../store/storage.js';
import { rulesThatLearn } from '../verdict/machine-rules.js';

/** What a run decided at its start, frozen: a settings file that changes meanwhile changes nothing. */
export interface RunPlanDocument {
  readonly settings: PipelineSettings;
  readonly settingsHash: string;
  /**
   * The last run that was finished learned under these settings, and so goes on what it left, whatever a run that died since
   * has published under others. Absent in documents from before this was asked: no.
   */
  readonly isContinued?: boolean;
  readonly laggards: readonly Laggard[];
  /** Null where late rows are not looked for. */
  readonly late: LateProgress | null;
  /** When each machine was last heard of, as the last run left it; absent where none did. */
  readonly heard?: ArtifactRef;
  /** Aggregates from here on are to be written: the window's own, and those that earlier runs owe. Null: none are wanted. */
  readonly aggregateFrom: Nanos | null;
}

/**
 * Twelve hex digits of a hash over everything that a model's bytes depend on. Two settings with one hash learn the same
 * model from the same rows.
 */
export function learningSettingsHash(settings: PipelineSettings): string {
  const { mode, source, resample, features, normalise, detector, model, order, verdict } = settings;
  const rules = rulesThatLearn(verdict);
  const learning = {
    ...{ mode, values: source.values, resample, features, normalise, detector: withoutPlaces(detector), model, order },
    ...(rules === null ? {} : { rules }),
  };
  return createHash('sha256')
    .update(JSON.stringify(sortKeys(learning)))
    .digest('hex')
    .slice(0, 12);
}

/** Of a module its content counts, wherever its file lies. */
function withoutPlaces(detector: DetectorSettings): unknown {
  if (detector.kind === 'vote') {
    return { ...detector, of: detector.of.map((member) => ({ ...member, detector: withoutPlaces(member.detector) })) };
  }
  return detector.kind === 'module' ? { ...detector, path: null } : detector;
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sortKeys(inner)]));
}

/** JSON artifacts, parsed once for the many children that ask for the same ones. */
export class JsonArtifacts {
  readonly #storage: Storage;
  readonly #parsed = new Map<string, Promise<unknown>>();

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  /** The artifact was written by us under this ref, so its shape is `T`. */
  async get<T>(ref: ArtifactRef): Promise<T> {
    let parsed = this.#parsed.get(ref.sha256);
    if (parsed === undefined) {
      parsed = getArtifact(this.#storage, ref).then((bytes) => JSON.parse(new TextDecoder().decode(bytes)));
      parsed.catch(() => this.#parsed.delete(ref.sha256));
      this.#parsed.set(ref.sha256, parsed);
      const oldest = this.#parsed.keys().next().value;
      if (this.#parsed.size > KEPT_DOCUMENTS && oldest !== undefined) this.#parsed.delete(oldest);
    }
    return (await parsed) as T;
  }
}

/** Plans and manifests of the runs in flight. */
const KEPT_DOCUMENTS = 8;
