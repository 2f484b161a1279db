import { HalfspaceError } from '../contract/failures.js';

/** One thing that is wrong in the settings file. Line and column count from 1. */
export interface SettingsProblem {
  /** Dotted, e.g. `pipelines.machines.detector.window_size`; empty for the file as a whole. */
  readonly path: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
  /** Where it does not stand in the file: how it was asked for instead. */
  readonly said?: string;
}

/** The settings cannot be used. The message has one line a problem: `file:line:column path: what to write instead`. */
export class SettingsError extends HalfspaceError {
  /** As shown in the message. */
  readonly file: string;
  readonly problems: readonly SettingsProblem[];

  constructor(file: string, problems: readonly SettingsProblem[], options: { readonly cause?: unknown } = {}) {
    super('BadSettings', problems.map((problem) => lineOf(file, problem)).join('\n'), options);
    this.file = file;
    this.problems = problems;
  }
}

function lineOf(file: string, { path, line, column, message, said }: SettingsProblem): string {
  return `${said ?? `${file}:${line}:${column}`} ${path === '' ? '' : `${path}: `}${message}`;
}
