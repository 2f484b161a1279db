import { HalfspaceError } from '../contract/failures.js';
import type { ModuleSettings } from '../contract/pipeline.js';
import { ByteReader, ByteWriter } from './byte-codec.js';
import { checkRows } from './check-rows.js';
import type { Batch, Detector, DetectorOutput, Explanations, LearningOrder } from './detector.js';
import { fingerprint } from './feature-order.js';

/**
 * Detectors of the user's own. A process loads their modules once, when it starts, and makes them known here by the hash of
 * their content; nothing is loaded later, and nothing from a snapshot.
 */

const MAGIC = 0x4c444f4d; // 'MODL' read as bytes
const VERSION = 1;

/** What a module exports. `options` are those of the settings, `features` the columns of the batches to come. */
export interface DetectorModule {
  createDetector(options: ModuleSettings['options'], features: readonly string[]): unknown;
  /** The detector that `toBytes` was called on. */
  fromBytes(bytes: Uint8Array, options: ModuleSettings['options'], features: readonly string[]): unknown;
}

const known = new Map<string, DetectorModule>();

/** Makes a loaded module known. @throws HalfspaceError BadSettings unless it exports the two functions. */
export function provideDetectorModule(sha256: string, exported: unknown): void {
  const missing = ['createDetector', 'fromBytes'].filter((name) => !hasFunction(exported, name));
  if (missing.length > 0) throw bad(`it exports no ${missing.map((name) => `function \`${name}\``).join(' and no ')}`);
  known.set(sha256, exported as DetectorModule);
}

/** A new detector of a module. Throws BadSettings when the module is not known or makes no detector. */
export function createModuleDetector(settings: ModuleSettings, features: readonly string[]): Detector {
  const { createDetector } = moduleOf(settings);
  const made = attempt(settings, 'createDetector', () => createDetector(settings.options, features));
  return new ModuleDetector(settings, features, checked(settings, 'createDetector', made));
}

/** The detector that `toBytes` was called on. Throws CorruptSnapshot for bytes of another kind, settings or features. */
export function moduleDetectorFromBytes(
  settings: ModuleSettings,
  features: readonly string[],
  bytes: Uint8Array,
): Detector {
  const { fromBytes } = moduleOf(settings);
  const reader = new ByteReader(bytes, 'a detector of a module', MAGIC);
  reader.expect('the version', reader.u32(), VERSION);
  reader.expect('the mark of module, options and features', reader.u32(), markOf(settings, features));
  const own = reader.bytes(reader.u32());
  reader.end();
  const made = attempt(settings, 'fromBytes', () => fromBytes(own, settings.options, features));
  return new ModuleDetector(settings, features, checked(settings, 'fromBytes', made));
}

/** Keeps what a module's detector says within what every detector promises. */
class ModuleDetector implements Detector {
  readonly views: readonly string[];
  readonly #settings: ModuleSettings;
  readonly #inner: Detector;
  readonly #stride: number;
  readonly #mark: number;

  constructor(settings: ModuleSettings, features: readonly string[], inner: Detector) {
    this.views = inner.views;
    this.#settings = settings;
    this.#inner = inner;
    this.#stride = features.length;
    this.#mark = markOf(settings, features);
  }

  get rows(): number {
    return this.#inner.rows;
  }

  get sizeBytes(): number {
    return this.#inner.sizeBytes;
  }

  /** Scores outside 0..1 are cut to it; one that is no number ends the machine's run. */
  process(batch: Batch, from: number, to: number, order: LearningOrder, out: DetectorOutput): void {
    checkRows(batch, from, to, this.#stride, out.scores);
    attempt(this.#settings, 'process', () => this.#inner.process(batch, from, to, order, out));
    for (let row = from; row < to; row++) {
      const score = out.scores[row]!;
      if (!Number.isFinite(score)) {
        throw fault(this.#settings, `\`process\` failed: it gave a row the score \`${score}\`; scores are 0 to 1`);
      }
      out.scores[row] = Math.min(Math.max(score, 0), 1);
      if (out.explained !== null) this.#dropUnknown(out.explained, row);
    }
  }

  toBytes(): Uint8Array {
    const own: unknown = attempt(this.#settings, 'toBytes', () => this.#inner.toBytes());
    if (!(own instanceof Uint8Array)) throw fault(this.#settings, '`toBytes` of its detector gave no Uint8Array');
    const writer = new ByteWriter();
    writer.u32(MAGIC);
    writer.u32(VERSION);
    writer.u32(this.#mark);
    writer.u32(own.length);
    writer.bytes(own);
    return writer.finish();
  }

  /** An explanation by a feature or view that there is not is none. */
  #dropUnknown(explained: Explanations, row: number): void {
    const isKnown = explained.feature[row]! < this.#stride && explained.view[row]! < this.views.length;
    if (!isKnown) explained.feature[row] = -1;
  }
}

function moduleOf({ path, sha256 }: ModuleSettings): DetectorModule {
  const module = known.get(sha256 ?? '');
  if (module !== undefined) return module;
  throw new HalfspaceError(
    'BadSettings',
    `The detector module ${path} is not loaded as it was when the run was planned. Restart the workers whose files differ.`,
  );
}

function markOf({ sha256, options }: ModuleSettings, features: readonly string[]): number {
  return fingerprint([sha256, options, features]);
}

function checked(settings: ModuleSettings, from: string, made: unknown): Detector {
  const missing = ['process', 'toBytes'].filter((name) => !hasFunction(made, name));
  const problems = missing.map((name) => `no function \`${name}\``);
  // The module's own code is outside of the types: each part is looked at before it is believed.
  const { rows, sizeBytes, views } = (made ?? {}) as Partial<Record<keyof Detector, unknown>>;
  if (typeof rows !== 'number') problems.push('no number `rows`');
  if (typeof sizeBytes !== 'number') problems.push('no number `sizeBytes`');
  if (!Array.isArray(views) || views.some((view) => typeof view !== 'string'))
    problems.push('no list of texts `views`');
  if (problems.length > 0) throw fault(settings, `what \`${from}\` gives has ${problems.join(', ')}`);
  return made as Detector;
}

function hasFunction(value: unknown, name: string): boolean {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, name) === 'function';
}

/** What a function of the module gives, at once. A promise would settle when its rows are scored long since. */
function attempt<T>(settings: ModuleSettings, name: string, call: () => T): T {
  let given: T;
  try {
    given = call();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw fault(settings, `\`${name}\` failed: ${why.split('\n')[0] ?? ''}`, error);
  }
  if (!hasFunction(given, 'then')) return given;
  // Nobody waits for it, and a rejection that nobody takes would end the process with all its machines.
  Promise.resolve(given).catch(() => undefined);
  throw fault(settings, `\`${name}\` gave a promise; it must be done when it returns, so not \`async\``);
}

function bad(what: string): HalfspaceError {
  return new HalfspaceError('BadSettings', `The module is no detector: ${what}`);
}

function fault({ path }: ModuleSettings, what: string, cause?: unknown): HalfspaceError {
  return new HalfspaceError('BadSettings', `The module ${path}: ${what}`, { cause });
}
