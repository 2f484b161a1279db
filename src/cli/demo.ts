import { join } from 'node:path';
import { connectTemporal } from '../client.js';
import { type Environment, readEnvironment } from '../config/environment.js';
import { loadSettings, type Settings, SHIPPED_FILE } from '../config/load.js';
import { createInflux } from '../influx/connect.js';
import { type Stack, startStack } from '../local/stack.js';
import { createWorker } from '../worker.js';
import { calledAs } from './called-as.js';
import { liveDemo } from './demo-live.js';
import { demoOnce } from './demo-once.js';
import { atClock } from './demo-report.js';
import { DEMO_DATABASE, type DemoStage } from './demo-stage.js';
import { endServersSurely } from './end-surely.js';
import type { CliIo } from './io.js';
import { listenForStop } from './stop-signal.js';
import { lineOf } from './worker-log.js';

export interface DemoOptions {
  readonly once?: boolean | undefined;
  readonly influxPort?: number | undefined;
  readonly temporalPort?: number | undefined;
  readonly uiPort?: number | undefined;
}

const STANDARD_PORTS = { influx: 8181, temporal: 7233, ui: 8233 } as const;

/** The worker's part of the ten seconds in which a demo ends. */
const GRACE_MS = 2000;

/** Runs the whole job on embedded servers; false when `--once` did not alert exactly the broken machine. */
export async function demo(options: DemoOptions, io: CliIo): Promise<boolean> {
  const startedAtMs = Date.now();
  const stop = listenForStop(() => endServersSurely(io));
  const environment = readEnvironment();
  // A home of its own each, so that neither gets in the way of the other or of pipelines on the servers of `local up`.
  const home = join(environment.home, options.once ? 'demo-once' : 'demo');
  try {
    return await onStage(options, environment, home, stop.signal, io, async (stage) => {
      if (options.once) return demoOnce(stage, startedAtMs, io);
      await liveDemo(stage, io);
      return true;
    });
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    io.stderr('stopped\n');
    return !options.once;
  } finally {
    stop.release();
  }
}

async function onStage(
  options: DemoOptions,
  environment: Environment,
  home: string,
  signal: AbortSignal,
  io: CliIo,
  play: (stage: DemoStage) => Promise<boolean>,
): Promise<boolean> {
  // A demo that runs once finds its own ports, so that it gets along with one that goes on beside it.
  const standard = (port: number) => (options.once ? 0 : port);
  const stack = await startStack({
    home,
    fresh: options.once === true,
    influxPort: options.influxPort ?? standard(STANDARD_PORTS.influx),
    temporalPort: options.temporalPort ?? standard(STANDARD_PORTS.temporal),
    uiPort: options.uiPort ?? standard(STANDARD_PORTS.ui),
    token: null,
    environment,
    onProgress: (text) => io.stderr(`${text}\n`),
    signal,
  });
  try {
    const settings = demoSettings(stack, environment);
    const influx = createInflux({ host: stack.influxUrl, token: null, database: DEMO_DATABASE });
    const temporal = await connectTemporal({ embedded: stack.temporalAddress });
    const worker = await createWorker({
      settings,
      embedded: stack.temporalAddress,
      ownsSignals: false,
      graceMs: GRACE_MS,
      log: (_level, message, fields) => {
        if (message === 'Workflow failed') return; // whoever waits for the run says so
        const text = lineOf(message, fields, false).message;
        io.stderr(options.once ? `${text}\n` : atClock(new Date(), text));
      },
    });
    const running = worker.run();
    try {
      const call = { script: process.argv[1] ?? '', npmCommand: environment.variables.npm_command, cwd: process.cwd() };
      const hasStandardPorts = stack.temporalAddress === `127.0.0.1:${STANDARD_PORTS.temporal}`;
      const stage = { stack, settings, influx, temporal, worker, program: calledAs(call), hasStandardPorts, signal };
      return await Promise.race([play(stage), failureOf(stack)]);
    } finally {
      // A terminal has just shown ^C.
      io.stderr(`${signal.aborted && io.isTty ? '\n' : ''}ending the worker and the servers\n`);
      worker.shutdown();
      await running;
      await temporal.close();
      await influx.close();
    }
  } finally {
    await stack.close();
  }
}

async function failureOf(stack: Stack): Promise<never> {
  throw await stack.failed;
}

/** The shipped settings, whatever file lies in the working directory, pointed at the embedded servers. */
function demoSettings(stack: Stack, { variables }: Environment): Settings {
  return loadSettings({
    file: SHIPPED_FILE,
    env: {
      ...variables,
      INFLUX_HOST: stack.influxUrl,
      INFLUX_TOKEN: '',
      INFLUX_DATABASE: DEMO_DATABASE,
      STORE_URL: `file://${stack.storeDir}`,
      TEMPORAL_UI_URL: stack.uiUrl,
    },
  });
}
