import { setTimeout as delay } from 'node:timers/promises';
import { WorkflowFailedError } from '@temporalio/client';
import { HalfspaceError } from '../contract/failures.js';
import { DETECTION_RUN, scheduleId } from '../contract/names.js';
import { msFromNanos } from '../contract/time.js';
import type { Influx } from '../influx/connect.js';
import { findTimeRange, listTables } from '../influx/schema.js';
import { writeAll } from '../influx/write-all.js';
import { applySchedules, compareSchedules } from '../schedules.js';
import type { Machine } from '../simulator/machine.js';
import { DEFAULT_TABLE, lines } from '../simulator/outputs.js';
import { liveRanges } from '../simulator/rows.js';
import { failureReason } from '../workflows/failure-reason.js';
import type { detectionRun } from '../workflows/index.js';
import { atClock, demoRunText, shownPath } from './demo-report.js';
import {
  BROKEN_MACHINE,
  DEMO_DATABASE,
  DEMO_PIPELINE,
  type DemoStage,
  demoMachines,
  HISTORY_MS,
} from './demo-stage.js';
import type { CliIo } from './io.js';

/** The shipped schedule runs every five minutes; nobody watches a demo that long. */
const DEMO_SCHEDULE = '@every 20s';

/** The fault begins this long after the start and lasts a minute. */
const FAULT_AFTER_MS = 45_000;
const FAULT_MS = 60_000;

const LOOK_EVERY_MS = 1000;

/** Writes history, keeps data coming, runs the pipeline on a schedule and breaks one machine; until the signal is aborted. */
export async function liveDemo(stage: DemoStage, io: CliIo): Promise<void> {
  const { influx, temporal, worker, signal } = stage;
  const startMs = Date.now();
  const faultMs = startMs + FAULT_AFTER_MS;
  const machines = demoMachines({ fromMs: faultMs, toMs: faultMs + FAULT_MS });
  const fromMs = await continueFrom(stage, startMs);
  const rows = await writeAll(influx, lines(machines, { fromMs, toMs: startMs }), { signal });
  const isFirst = fromMs === startMs - HISTORY_MS;
  const span = isFirst ? 'two hours' : 'the time since the last demo';
  io.stderr(`wrote ${span} of ${machines.length} machines: ${rows.toLocaleString('en-US')} rows\n`);

  const changes = await compareSchedules(temporal, { [DEMO_PIPELINE]: DEMO_SCHEDULE });
  const own = changes.filter(({ pipeline }) => pipeline === DEMO_PIPELINE);
  await applySchedules(temporal, own, worker.taskQueue);
  // A schedule of an earlier demo makes up for what it missed by itself; another run beside that one would find its machines busy.
  if (own.some(({ kind }) => kind === 'create')) {
    await temporal.client.schedule.getHandle(scheduleId(DEMO_PIPELINE)).trigger();
  }
  io.stdout(introduction(stage));
  await Promise.all([feed(stage, machines, startMs, io), reportRuns(stage, startMs, io)]);
}

function introduction({ stack, settings, program, hasStandardPorts }: DemoStage): string {
  const trigger = `${program} trigger`;
  const lines = [
    ['Temporal UI', stack.uiUrl],
    ['InfluxDB', `${stack.influxUrl} (stand-in, database ${DEMO_DATABASE})`],
    [
      'Pipeline',
      `${DEMO_PIPELINE}, every 20 s here (${settings.pipelines?.[DEMO_PIPELINE]?.schedule} in the settings)`,
    ],
    ['Fault', `${BROKEN_MACHINE} breaks in ${FAULT_AFTER_MS / 1000} s for a minute`],
    [
      'Try',
      `${hasStandardPorts ? trigger : `TEMPORAL_ADDRESS=${stack.temporalAddress} ${trigger}`} (in another terminal)`,
    ],
    ['End', `Ctrl-C; what was learned stays in ${shownPath(stack.home, process.cwd())} for the next start`],
  ];
  return `\n${lines.map(([name = '', text]) => `${name.padEnd(13)}${text}\n`).join('')}\n`;
}

/** Where the data of an earlier demo ends, at most two hours ago. */
async function continueFrom({ influx, signal }: DemoStage, startMs: number): Promise<number> {
  const earliest = startMs - HISTORY_MS;
  if (!(await hasTable(influx, signal))) return earliest;
  const range = await findTimeRange(influx, DEFAULT_TABLE, 'time', { signal });
  return range === null ? earliest : Math.max(earliest, msFromNanos(range.last) + 1);
}

async function hasTable(influx: Influx, signal: AbortSignal): Promise<boolean> {
  try {
    return (await listTables(influx, { signal })).includes(DEFAULT_TABLE);
  } catch (error) {
    if (error instanceof HalfspaceError && error.kind === 'MissingDatabase') return false;
    throw error;
  }
}

async function feed(
  { influx, signal }: DemoStage,
  machines: readonly Machine[],
  fromMs: number,
  io: CliIo,
): Promise<void> {
  const faultMs = fromMs + FAULT_AFTER_MS;
  let isBroken = false;
  for await (const range of liveRanges(1000, { fromMs, signal })) {
    await writeAll(influx, lines(machines, range));
    if (!isBroken && range.toMs > faultMs) {
      isBroken = true;
      io.stdout(atClock(new Date(), `${BROKEN_MACHINE} is breaking now`));
    }
  }
}

/** Prints each run that ends. */
async function reportRuns({ temporal, signal }: DemoStage, sinceMs: number, io: CliIo): Promise<void> {
  const { client } = temporal;
  const seen = new Set<string>();
  const since = new Date(sinceMs).toISOString();
  while (!signal.aborted) {
    const query = `WorkflowType = '${DETECTION_RUN}' AND ExecutionStatus != 'Running' AND CloseTime > '${since}'`;
    for await (const { workflowId, runId, closeTime = new Date() } of client.workflow.list({ query })) {
      if (seen.has(runId)) continue;
      seen.add(runId);
      const run = client.workflow.getHandle<typeof detectionRun>(workflowId, runId);
      try {
        io.stdout(atClock(closeTime, demoRunText(await run.result(), process.cwd())));
      } catch (error) {
        if (!(error instanceof WorkflowFailedError)) throw error;
        io.stderr(atClock(closeTime, `the run ${workflowId} failed: ${failureReason(error)}`));
      }
    }
    await delay(LOOK_EVERY_MS, undefined, { signal }).catch(() => {});
  }
}
