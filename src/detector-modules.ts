import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { settingsErrorAt } from './config/load.js';
import { SettingsError } from './config/settings-error.js';
import { codeOf } from './config/text-file.js';
import type { Path } from './config/yaml-file.js';
import { HalfspaceError } from './contract/failures.js';
import { featureNames } from './contract/features.js';
import type { ModuleSettings, PipelineSettings } from './contract/pipeline.js';
import type { Batch } from './detectors/detector.js';
import { provideDetectorModule } from './detectors/module-detector.js';
import { createDetector, detectorFromBytes } from './detectors/registry.js';

const NO_ROWS: Batch = {
  rows: 0,
  times: null,
  values: new Float64Array(0),
  raw: new Float64Array(0),
  missing: null,
};

/** Settings as they were loaded; the file is named where a module is none. */
export interface ModulesOf {
  readonly file: string;
  readonly pipelines: Readonly<Record<string, Pick<PipelineSettings, 'detector' | 'features'>>>;
}

/**
 * Loads the detector modules of the pipelines, each once in a process, and tries them: a detector is made, takes no rows,
 * and is made again from its bytes. Their absolute paths and the hashes of their content are noted in the settings. Whoever scores, or asks
 * what a model was learned with, does this first; runs load nothing later.
 * @throws SettingsError with the place in the file of every module that cannot be loaded or is no detector.
 */
export async function loadDetectorModules({ file, pipelines }: ModulesOf): Promise<void> {
  const refused: SettingsError[] = [];
  for (const { path, settings, features } of modulePlaces(pipelines)) {
    try {
      await loadModule(settings, dirname(file));
      const made = createDetector(settings, features);
      made.process(NO_ROWS, 0, 0, 'score_then_learn', { scores: new Float64Array(0), explained: null });
      detectorFromBytes(settings, features, made.toBytes());
    } catch (error) {
      refused.push(settingsErrorAt(file, path, reasonOf(error), error));
    }
  }
  const [first] = refused;
  if (first === undefined) return;
  const problems = refused.flatMap((error) => error.problems);
  throw new SettingsError(first.file, problems, { cause: first.cause });
}

interface ModulePlace {
  readonly path: Path;
  readonly settings: ModuleSettings;
  /** Names of what the pipeline's detectors see. */
  readonly features: readonly string[];
}

/** Those that vote included. */
function modulePlaces(pipelines: ModulesOf['pipelines']): ModulePlace[] {
  return Object.entries(pipelines).flatMap(([name, { detector, features }]) => {
    const root = ['pipelines', name, 'detector'];
    const isVote = detector.kind === 'vote';
    return (isVote ? detector.of.map((member) => member.detector) : [detector]).flatMap((settings, i) => {
      if (settings.kind !== 'module') return [];
      const path = [...root, ...(isVote ? ['of', i, 'detector'] : []), 'path'];
      return [{ path, settings, features: featureNames({ features }) }];
    });
  });
}

async function loadModule(settings: ModuleSettings, folder: string): Promise<void> {
  const path = resolve(folder, settings.path);
  const content = await readFile(path).catch((error: unknown) => {
    const why = codeOf(error) === 'ENOENT' ? 'there is no such file' : `it cannot be read (${codeOf(error)})`;
    throw new HalfspaceError('BadSettings', `no detector module at ${path}: ${why}`, { cause: error });
  });
  const sha256 = createHash('sha256').update(content).digest('hex');
  // Node keeps what it loaded by address: another content must have another one.
  provideDetectorModule(sha256, await import(`${pathToFileURL(path).href}?${sha256}`));
  Object.assign(settings, { path, sha256 });
}

function reasonOf(error: unknown): string {
  if (error instanceof HalfspaceError) return error.message;
  const why = error instanceof Error ? error.message : String(error);
  return `the module cannot be loaded: ${why.split('\n')[0] ?? ''}`;
}
