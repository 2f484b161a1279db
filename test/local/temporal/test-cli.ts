import { readEnvironment } from '../../../src/config/environment.js';
import { findTemporalCli } from '../../../src/local/temporal/find-cli.js';

/** The real binary, found the way users find it; the first call on a new machine downloads 44 MB. */
export function testTemporalCli(): Promise<string> {
  const { cacheHome, temporalCliPath, searchPath } = readEnvironment();
  return findTemporalCli({ cacheDir: cacheHome, cliPath: temporalCliPath, pathVariable: searchPath });
}
