import { startRun } from '../client.js';
import { nanosFromMs } from '../contract/time.js';
import { writeAll } from '../influx/write-all.js';
import { runDocument } from '../run-document.js';
import { lines } from '../simulator/outputs.js';
import { shownPath } from './demo-report.js';
import { BROKEN_MACHINE, DEMO_PIPELINE, type DemoStage, demoMachines, HISTORY_MS } from './demo-stage.js';
import type { CliIo } from './io.js';
import { runSummary } from './run-summary.js';
import { waitForResult } from './wait-for-result.js';

/** The fault takes the last minute of the data. */
const FAULT_MS = 60_000;

/** One run over two hours of data that end in a fault; true when the broken machine, and only it, was alerted. */
export async function demoOnce(stage: DemoStage, startedAtMs: number, io: CliIo): Promise<boolean> {
  const { influx, temporal, worker, signal } = stage;
  const endMs = Math.floor(Date.now() / 1000) * 1000;
  const machines = demoMachines({ fromMs: endMs - FAULT_MS, toMs: endMs });
  const rows = await writeAll(influx, lines(machines, { fromMs: endMs - HISTORY_MS, toMs: endMs }), { signal });
  io.stderr(
    `wrote two hours of ${machines.length} machines: ${rows.toLocaleString('en-US')} rows; ${BROKEN_MACHINE} breaks in the last minute\n`,
  );

  const until = String(nanosFromMs(endMs));
  const started = await startRun(temporal, { pipeline: DEMO_PIPELINE, until, taskQueue: worker.taskQueue });
  const result = await Promise.race([
    waitForResult(started, { temporal, taskQueue: worker.taskQueue }, io, signal),
    stopped(signal),
  ]);
  const alerted = result.alerts.filter(({ status }) => status !== 'failed').map(({ uniqueId }) => uniqueId);
  const isRight = alerted.length === 1 && alerted.every((id) => id.endsWith(`-${BROKEN_MACHINE}`));
  if (io.json) {
    const { machines: count, anomalies, plots, scoresWritten } = result;
    const document = {
      rows: result.rows,
      machines: count,
      anomalies,
      alerts: runDocument(result).alerts,
      plots,
      scores_written: scoresWritten,
      seconds: (Date.now() - startedAtMs) / 1000,
    };
    io.stdout(`${JSON.stringify(document)}\n`);
  } else {
    io.stdout(runSummary({ ...result, plots: result.plots.map((plot) => shownPath(plot, process.cwd())) }));
  }
  if (!isRight) {
    io.stderr(`Expected an alert for ${BROKEN_MACHINE} and no other, got: ${alerted.join(', ') || 'none'}\n`);
  }
  return isRight;
}

async function stopped(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
