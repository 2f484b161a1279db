import type { Environment } from '../config/environment.js';
import { startStack } from '../local/stack.js';
import { endServersSurely } from './end-surely.js';
import type { CliIo } from './io.js';
import { listenForStop, stopped } from './stop-signal.js';

export interface LocalUpOptions {
  /** Folder of state and logs. */
  readonly home: string;
  /** Each port: 0 takes a free one. */
  readonly influxPort?: number;
  readonly temporalPort?: number;
  readonly uiPort?: number;
  /** What the InfluxDB stand-in asks of its clients; null lets everyone in. */
  readonly token?: string | null;
  readonly environment: Pick<Environment, 'cacheHome' | 'temporalCliPath' | 'searchPath'>;
  /** Ends it, besides SIGINT, SIGTERM and SIGHUP. */
  readonly signal?: AbortSignal;
}

/**
 * Runs the embedded servers until it is told to stop, then ends them within 10 s.
 * @throws HalfspaceError when they cannot be started, or when one of them dies.
 */
export async function localUp(options: LocalUpOptions, io: CliIo): Promise<void> {
  const { home, influxPort = 8181, temporalPort = 7233, uiPort = 8233, token = null, environment } = options;
  const stop = listenForStop(() => endServersSurely(io));
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
  try {
    const onProgress = (text: string): void => io.stderr(`${text}\n`);
    const stack = await startStack({ home, influxPort, temporalPort, uiPort, token, environment, onProgress, signal });
    try {
      const { influxUrl, temporalAddress, uiUrl } = stack;
      if (io.json) io.stdout(`${JSON.stringify({ influx: influxUrl, temporal: temporalAddress, ui: uiUrl, home })}\n`);
      else
        io.stdout(
          `InfluxDB stand-in  ${influxUrl}\nTemporal           ${temporalAddress}\nTemporal UI        ${uiUrl}\n`,
        );
      io.stderr('Ctrl-C ends both; what they hold stays for the next start.\n');
      const failure = await Promise.race([stack.failed, stopped(signal)]);
      if (failure !== null) throw failure;
      io.stderr('ending the servers\n');
    } finally {
      await stack.close();
    }
  } catch (error) {
    // stopped while it was still starting: what had been started is ended, and that is what was asked for
    if (!signal.aborted || error !== signal.reason) throw error;
  } finally {
    stop.release();
  }
}
