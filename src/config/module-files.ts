import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { featureNames } from '../contract/features.js';
import type { ModuleSettings, PipelineSettings } from '../contract/pipeline.js';
import { codeOf } from './text-file.js';
import type { Path } from './yaml-file.js';

/** What is looked at of pipelines by name. */
export type PipelinesWithDetectors = Readonly<Record<string, Pick<PipelineSettings, 'detector' | 'features'>>>;

/** A detector of the user's own, and where the settings name its file. */
export interface ModulePlace {
  readonly path: Path;
  readonly settings: ModuleSettings;
  /** Names of what the pipeline's detectors see. */
  readonly features: readonly string[];
}

/** The detector modules of all pipelines, those that vote included. */
export function modulePlaces(pipelines: PipelinesWithDetectors): ModulePlace[] {
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

/**
 * Finds the files of detector modules: their paths become absolute, from `folder` on, and the hash of their content is
 * noted in the settings, which are changed in place. Returns those that cannot be read.
 */
export function findModules(
  pipelines: PipelinesWithDetectors,
  folder: string,
): { path: Path; message: string; atKey: boolean }[] {
  return modulePlaces(pipelines).flatMap(({ path, settings }) => {
    const file = resolve(folder, settings.path);
    try {
      const sha256 = createHash('sha256').update(readFileSync(file)).digest('hex');
      Object.assign(settings, { path: file, sha256 });
      return [];
    } catch (error) {
      const why = codeOf(error) === 'ENOENT' ? 'there is no such file' : `it cannot be read (${codeOf(error)})`;
      return [{ path, message: `no detector module at ${file}: ${why}`, atKey: false }];
    }
  });
}
