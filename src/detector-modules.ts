import { pathToFileURL } from 'node:url';
import { settingsErrorAt } from './config/load.js';
import { modulePlaces, type PipelinesWithDetectors } from './config/module-files.js';
import { HalfspaceError } from './contract/failures.js';
import { provideDetectorModule } from './detectors/module-detector.js';
import { createDetector, detectorFromBytes } from './detectors/registry.js';

/** Settings as they were loaded; the file is named where a module is none. */
export interface ModulesOf {
  readonly file: string;
  readonly pipelines: PipelinesWithDetectors;
}

/**
 * Loads the detector modules of the pipelines, each once in a process, and tries them: a detector is made, and made again
 * from its bytes. Whoever scores does this first; runs later on load nothing.
 * @throws SettingsError with the place in the file, when a module cannot be loaded or is no detector.
 */
export async function loadDetectorModules({ file, pipelines }: ModulesOf): Promise<void> {
  for (const { path, settings, features } of modulePlaces(pipelines)) {
    try {
      const { sha256 = '' } = settings;
      // Node keeps what it loaded by address: another content must have another one.
      provideDetectorModule(sha256, await import(`${pathToFileURL(settings.path).href}?${sha256}`));
      detectorFromBytes(settings, features, createDetector(settings, features).toBytes());
    } catch (error) {
      throw settingsErrorAt(file, path, reasonOf(error), error);
    }
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof HalfspaceError) return error.message;
  const why = error instanceof Error ? error.message : String(error);
  return `the module cannot be loaded: ${why.split('\n')[0] ?? ''}`;
}
