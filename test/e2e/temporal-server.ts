import { execFileSync } from 'node:child_process';
import type { TestProject } from 'vitest/node';
import { readEnvironment } from '../../src/config/environment.js';
import { findTemporalCli } from '../../src/local/temporal/find-cli.js';
import { startTemporalServer } from '../../src/local/temporal/server.js';

declare module 'vitest' {
  interface ProvidedContext {
    temporalAddress: string;
    temporalUi: string;
  }
}

/** Builds the program that command tests start, and one real Temporal server for all tests, each with task queues of its own. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  execFileSync('npm', ['run', '-s', 'build'], { stdio: 'inherit' });
  const { temporalCliPath, searchPath, cacheHome } = readEnvironment();
  const cliPath = await findTemporalCli({
    cacheDir: cacheHome,
    cliPath: temporalCliPath,
    pathVariable: searchPath,
  });
  const server = await startTemporalServer({ cliPath, port: 0, uiPort: 0, dbFile: null });
  project.provide('temporalAddress', server.address);
  project.provide('temporalUi', server.uiUrl);
  return () => server.close();
}
