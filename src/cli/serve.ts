import { temporalTarget } from '../client.js';
import { readEnvironment } from '../config/environment.js';
import { loadSettings } from '../config/load.js';
import { createRuns } from '../console/runs.js';
import { startWebServer } from '../console/server.js';
import { HalfspaceError } from '../contract/failures.js';
import type { CliIo } from './io.js';
import { listenForStop, stopped } from './stop-signal.js';
import { visible } from './visible.js';

export interface ServeOptions {
  readonly config?: string | undefined;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
}

/** Starts runs for callers with the token, until SIGINT or SIGTERM; then what is under way is answered. */
export async function serve({ config, host, port }: ServeOptions, io: CliIo): Promise<void> {
  const { pipelines, worker, links } = loadSettings({ file: config, sections: ['pipelines', 'worker', 'links'] });
  const token = requireApiToken(readEnvironment().apiToken);
  temporalTarget();
  const log = (line: string): void => io.stderr(`${visible(line)}\n`);
  const runs = createRuns({ taskQueue: worker.task_queue, temporalUi: links.temporal_ui });
  const stop = listenForStop();
  try {
    const server = await startWebServer({ host, port, token, pipelines: Object.keys(pipelines), runs, log });
    io.stdout(io.json ? `${JSON.stringify({ url: server.url })}\n` : `${server.url}\n`);
    io.stderr('Ctrl-C ends it; runs that were started go on.\n');
    // Callers hear of it too; who starts it should not have to wait for the first one.
    runs.connect().catch((error: unknown) => log(error instanceof Error ? error.message : String(error)));
    await stopped(stop.signal);
    io.stderr('ending; what is under way is answered\n');
    await server.close();
  } finally {
    await runs.close();
    stop.release();
  }
}

/** @throws HalfspaceError `BadSettings` without a token, or with one that no header can carry. */
function requireApiToken(token: string | null): string {
  if (token === null) {
    throw new HalfspaceError(
      'BadSettings',
      'HALFSPACE_API_TOKEN is not set; whoever starts runs must send it, so set it in the environment or .env (`openssl rand -hex 32` makes one)',
    );
  }
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new HalfspaceError(
    'BadSettings',
    'HALFSPACE_API_TOKEN holds a space, a line break or another character that no bearer token has; make another',
  );
}
