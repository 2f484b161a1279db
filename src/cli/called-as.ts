import { basename, relative } from 'node:path';

export interface Call {
  /** Path of the program that was started. */
  readonly script: string;
  /** npm's own variable: set when npx or `npm run` started the program. */
  readonly npmCommand: string | undefined;
  readonly cwd: string;
}

/** What to type before a command, as the program was called: `npx halfspace`, `halfspace` or `node bin/halfspace.js`. */
export function calledAs({ script, npmCommand, cwd }: Call): string {
  if (npmCommand !== undefined) return 'npx halfspace';
  if (basename(script) === 'halfspace') return 'halfspace';
  const path = relative(cwd, script);
  return `node ${path.includes(' ') ? JSON.stringify(path) : path}`;
}
