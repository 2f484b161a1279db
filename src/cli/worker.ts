import { setTimeout as delay } from 'node:timers/promises';
import { connectTemporal } from '../client.js';
import { readEnvironment } from '../config/environment.js';
import { loadSettings, type Settings } from '../config/load.js';
import { compareSchedules } from '../schedules.js';
import { createWorker, GRACE_MS, type HalfspaceWorker } from '../worker.js';
import { endSurely } from './end-surely.js';
import type { CliIo } from './io.js';
import { changeLine, wantedSchedules } from './schedule.js';
import { logTo, withoutRetriedSteps } from './worker-log.js';

export interface WorkerCommandOptions {
  readonly config?: string | undefined;
}

/** How often a Temporal that was away is asked whether it is back. */
const ASK_EVERY_MS = 3000;

/** Runs a worker until SIGINT or SIGTERM. */
export async function runWorker({ config }: WorkerCommandOptions, io: CliIo): Promise<void> {
  const settings = loadSettings({ file: config });
  const { logLevel } = readEnvironment();
  await warnOfScheduleDrift(settings, io);
  let worker: HalfspaceWorker | null = null;
  let isAway = false;
  let isEnding = false;
  const onAway = async () => {
    if (isAway) return;
    isAway = true;
    while (isAway && !isEnding) {
      // A timer that keeps no process.
      await delay(ASK_EVERY_MS, undefined, { ref: false });
      if (isEnding || worker === null || !(await worker.isReachable())) continue;
      isAway = false;
      log('info', 'Temporal answers again', {});
    }
  };
  const everything = logLevel === 'debug';
  const logAll = logTo(io, everything, Date.now, () => void onAway());
  const log = everything ? logAll : withoutRetriedSteps(logAll, () => isEnding);
  worker = await createWorker({ settings, log, ownsSignals: true, logLevel });
  const onSignal = () => {
    if (isEnding) return;
    isEnding = true;
    // Said because it may take seconds; a step or the native part that takes longer is left behind: retries are made for that.
    io.stderr(`ending; steps under way have ${GRACE_MS / 1000} seconds, and runs go on at the next worker\n`);
    endSurely('The worker did not end in time and is ended; the next worker does its steps again', io);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, onSignal);
  io.stderr(`worker polls ${worker.taskQueue} at ${worker.address}; Ctrl-C ends it\n`);
  await worker.run();
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
