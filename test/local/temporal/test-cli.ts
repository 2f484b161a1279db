import { homedir } from 'node:os';
import { userCacheDir } from '../../../src/local/home.js';
import { findTemporalCli } from '../../../src/local/temporal/find-cli.js';

/** The real binary, found the way users find it; the first call on a new machine downloads 44 MB. */
export function testTemporalCli(): Promise<string> {
  return findTemporalCli({
    cacheDir: userCacheDir(process.env.XDG_CACHE_HOME ?? null, homedir()),
    cliPath: process.env.TEMPORAL_CLI_PATH ?? null,
    pathVariable: process.env.PATH ?? null,
  });
}
