import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export interface Compiled {
  /** Imports the compiled form of a file under src/, given without `.ts`, as an expression of JavaScript. */
  importOf(name: string): string;
  remove(): Promise<void>;
}

/** Files under src/ with all they import, as plain JavaScript that a process of its own can run. */
export async function compileSources(names: readonly string[]): Promise<Compiled> {
  // inside the project, so that the compiled modules find its packages
  const cache = join(ROOT, 'node_modules/.cache');
  await mkdir(cache, { recursive: true });
  const js = await mkdtemp(join(cache, 'halfspace-test-'));
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  const flags = ['--ignoreConfig', '--module', 'nodenext', '--target', 'es2022', '--lib', 'es2023', '--types', 'node'];
  const files = names.map((name) => join(ROOT, 'src', `${name}.ts`));
  const places = ['--skipLibCheck', '--rootDir', join(ROOT, 'src'), '--outDir', js];
  await promisify(execFile)(process.execPath, [tsc, ...flags, ...places, ...files], { cwd: ROOT });
  await writeFile(join(js, 'package.json'), '{"type":"module"}');
  return {
    importOf: (name) => `await import(${JSON.stringify(join(js, `${name}.js`))})`,
    remove: () => rm(js, { recursive: true, force: true }),
  };
}
