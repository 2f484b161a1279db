import { connectTemporal } from '../client.js';
import { readEnvironment } from '../config/environment.js';
import { loadSettings, type Settings } from '../config/load.js';
import { compareSchedules } from '../schedules.js';
import { createWorker, GRACE_MS } from '../worker.js';
import type { CliIo } from './io.js';
import { EXIT } from './outcome.js';
import { changeLine, wantedSchedules } from './schedule.js';
import { logTo } from './worker-log.js';

export interface WorkerCommandOptions {
  readonly config?: string | undefined;
}

/** The worker gives its steps seven and a half seconds; whoever told it to end waits ten. */
const ENDS_WITHIN_MS = 9000;

/** Runs a worker until SIGINT or SIGTERM. */
export async function runWorker({ config }: WorkerCommandOptions, io: CliIo): Promise<void> {
  const settings = loadSettings({ file: config });
  const { logLevel } = readEnvironment();
  await warnOfScheduleDrift(settings, io);
  const worker = await createWorker({ settings, log: logTo(io, logLevel === 'debug'), ownsSignals: true, logLevel });
  let isEnding = false;
  const onSignal = () => {
    if (!isEnding) endSurely(io);
    isEnding = true;
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, onSignal);
  io.stderr(`worker polls ${worker.taskQueue} at ${worker.address}; Ctrl-C ends it\n`);
  await worker.run();
}

/**
 * Says that the worker ends, since it may take seconds. Whatever still keeps the process after them, a step or the native
 * part, is left behind: retries are made for that.
 */
function endSurely(io: CliIo): void {
  io.stderr(`ending; steps under way have ${GRACE_MS / 1000} seconds\n`);
  const end = setTimeout(() => {
    io.stderr('halfspace: The worker did not end in time and is ended; the next worker does its steps again\n');
    process.exit(EXIT.failed);
  }, ENDS_WITHIN_MS);
  // Nothing to do where the process ends by itself.
  end.unref();
}

/** A schedule that was changed in the file but not on the server runs on unseen: say so at every start. */
export async function warnOfScheduleDrift(settings: Settings, io: CliIo): Promise<void> {
  const temporal = await connectTemporal();
  try {
    const changes = await compareSchedules(temporal, wantedSchedules(settings.pipelines ?? {}));
    const different = changes.filter(({ kind }) => kind !== 'same');
    if (different.length === 0) return;
    io.stderr(
      `The server's schedules differ from halfspace.yaml; \`halfspace schedule apply\` makes them equal:\n${different.map(changeLine).join('')}`,
    );
  } finally {
    await temporal.close();
  }
}
