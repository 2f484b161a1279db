import { type LoadOptions, loadSettings } from '../../src/config/load.js';
import { SettingsError } from '../../src/config/settings-error.js';
import { folderWith } from './folder.js';

/** A pipeline in few lines, alone in its file. */
export const SMALL = `influx: { host: "http://localhost:8181", database: factory }
pipelines:
  one:
    source: { table: t, id: [m], values: [x] }
    normalise: running
`;

/** The settings of a file with this text. */
export function load(yaml: string, options: LoadOptions = {}) {
  return loadSettings({ env: {}, cwd: folderWith({ 'halfspace.yaml': yaml }), ...options });
}

export function failure(run: () => unknown): SettingsError {
  try {
    run();
  } catch (error) {
    if (error instanceof SettingsError) return error;
    throw error;
  }
  throw new Error('Expected a SettingsError');
}

/** The message for a pipeline whose settings are these lines. */
export function pipelineFailure(lines: string, rest = ''): string {
  const body = lines
    .trim()
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n');
  const yaml = `influx: { host: "http://h", database: d }\npipelines:\n  p:\n${body}\n${rest}`;
  return failure(() => load(yaml)).message;
}

export const SOURCE = 'source: { table: t, id: [m], values: [x] }';
