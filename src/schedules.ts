import {
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
  type ScheduleSpec,
  type ScheduleSpecDescription,
} from '@temporalio/client';
import type { TemporalClient } from './client.js';
import { everyMs } from './config/cron.js';
import { formatDuration } from './contract/duration.js';
import { HalfspaceError } from './contract/failures.js';
import { runWorkflowId, SCHEDULE_PREFIX, scheduleId } from './contract/names.js';

/** What the server has, compared with what the file wants, for one pipeline. */
export interface ScheduleChange {
  readonly pipeline: string;
  readonly kind: 'create' | 'update' | 'delete' | 'same';
  /** Cron text on the server; null when there is none. */
  readonly before: string | null;
  /** Cron text in the file; null when there is none. */
  readonly after: string | null;
}

export interface ScheduleState {
  readonly pipeline: string;
  readonly cron: string;
  readonly paused: boolean;
  /** ISO 8601, the next few starts. */
  readonly next: readonly string[];
}

/** A start that was missed by more than this is not made up for: the next run covers the gap by itself. */
const CATCH_UP_WINDOW = '5m';

/** Names of periods, as the server reads them. */
const PERIODS: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

/** The schedules this project made, in the order of their pipelines. */
export async function listSchedules({ client }: TemporalClient): Promise<ScheduleState[]> {
  const states: ScheduleState[] = [];
  for await (const { scheduleId: id, spec, state, info } of client.schedule.list()) {
    if (!id.startsWith(SCHEDULE_PREFIX)) continue;
    states.push({
      pipeline: id.slice(SCHEDULE_PREFIX.length),
      cron: spec === undefined ? '' : cronOf(spec),
      paused: state.paused,
      next: info.nextActionTimes.slice(0, 3).map((time) => time.toISOString()),
    });
  }
  return states.sort((a, b) => (a.pipeline < b.pipeline ? -1 : 1));
}

/** @param wanted pipeline name to cron text; null for a pipeline without a schedule. */
export async function compareSchedules(
  temporal: TemporalClient,
  wanted: Readonly<Record<string, string | null>>,
): Promise<ScheduleChange[]> {
  const existing = new Map((await listSchedules(temporal)).map((state) => [state.pipeline, state.cron]));
  const names = [...new Set([...Object.keys(wanted), ...existing.keys()])];
  return names.flatMap((pipeline): ScheduleChange[] => {
    const before = existing.get(pipeline) ?? null;
    const cron = Object.hasOwn(wanted, pipeline) ? (wanted[pipeline] ?? null) : null;
    const after = cron === null ? null : canonicalCron(cron);
    if (before === null && after === null) return [];
    const kind = before === null ? 'create' : after === null ? 'delete' : before === after ? 'same' : 'update';
    return [{ pipeline, kind, before, after }];
  });
}

/** Makes the server equal to the file; a paused schedule stays paused. */
export async function applySchedules(
  { client }: TemporalClient,
  changes: readonly ScheduleChange[],
  taskQueue: string,
): Promise<void> {
  for (const { pipeline, kind, after } of changes) {
    const handle = client.schedule.getHandle(scheduleId(pipeline));
    if (kind === 'delete') await handle.delete();
    if (kind === 'update' && after !== null) {
      await handle.update((previous) => ({ ...previous, spec: specOf(after) }));
    }
    if (kind === 'create' && after !== null) {
      await client.schedule.create({
        scheduleId: scheduleId(pipeline),
        spec: specOf(after),
        action: {
          type: 'startWorkflow',
          workflowType: 'detectionRun',
          taskQueue,
          workflowId: runWorkflowId(pipeline),
          args: [{ pipeline }],
          staticSummary: `detect ${pipeline}`,
          memo: { pipeline },
        },
        policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: CATCH_UP_WINDOW },
      });
    }
  }
}

export type ScheduleAction = 'pause' | 'resume' | 'delete';

/** @throws HalfspaceError `UnknownPipeline` when the pipeline has no schedule on the server. */
export async function changeSchedule(
  { client }: TemporalClient,
  pipeline: string,
  action: ScheduleAction,
): Promise<void> {
  const handle = client.schedule.getHandle(scheduleId(pipeline));
  try {
    if (action === 'pause') await handle.pause(`paused by halfspace schedule pause`);
    if (action === 'resume') await handle.unpause(`resumed by halfspace schedule resume`);
    if (action === 'delete') await handle.delete();
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
    throw new HalfspaceError(
      'UnknownPipeline',
      `The server has no schedule for \`${pipeline}\`; \`halfspace schedule list\` shows those it has`,
    );
  }
}

/** The server keeps a cron text only as the comment behind it. */
function specOf(cron: string): ScheduleSpec {
  const every = everyMs(cron);
  return every === null ? { cronExpressions: [`${cron} # ${cron}`] } : { intervals: [{ every }] };
}

function cronOf(spec: Pick<ScheduleSpecDescription, 'calendars' | 'intervals'>): string {
  const [interval] = spec.intervals ?? [];
  if (interval !== undefined) return everyText(Number(interval.every));
  return spec.calendars?.[0]?.comment ?? 'unknown';
}

function canonicalCron(cron: string): string {
  const every = everyMs(cron);
  if (every !== null) return everyText(every);
  const text = cron.trim().replace(/\s+/g, ' ');
  return PERIODS[text] ?? text;
}

function everyText(ms: number): string {
  return `@every ${formatDuration(ms)}`;
}
