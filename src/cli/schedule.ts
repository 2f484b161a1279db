import { connectTemporal } from '../client.js';
import { loadSettings } from '../config/load.js';
import { NAME_PATTERN } from '../config/schema.js';
import {
  applySchedules,
  changeSchedule,
  compareSchedules,
  listSchedules,
  type ScheduleAction,
  type ScheduleChange,
} from '../schedules.js';
import type { CliIo } from './io.js';
import { UsageError } from './usage-error.js';

const LONGEST_SHOWN = 60;

export interface ScheduleOptions {
  readonly config?: string | undefined;
}

/** Shows how the server differs from the file, then makes it equal. */
export async function scheduleApply({ config }: ScheduleOptions, io: CliIo): Promise<void> {
  const settings = loadSettings({ file: config, sections: ['pipelines', 'worker'] });
  const temporal = await connectTemporal();
  try {
    const changes = await compareSchedules(temporal, wantedSchedules(settings.pipelines));
    if (!io.json) io.stdout(changes.length === 0 ? 'no schedules\n' : changes.map(changeLine).join(''));
    await applySchedules(temporal, changes, settings.worker.task_queue);
    if (io.json) io.stdout(`${JSON.stringify(changes)}\n`);
  } finally {
    await temporal.close();
  }
}

export async function scheduleList(_options: ScheduleOptions, io: CliIo): Promise<void> {
  const temporal = await connectTemporal();
  try {
    const states = await listSchedules(temporal);
    if (io.json) return io.stdout(`${JSON.stringify(states)}\n`);
    if (states.length === 0)
      return io.stdout('no schedules; `halfspace schedule apply` makes those of halfspace.yaml\n');
    for (const { pipeline, cron, paused, next } of states) {
      io.stdout(`${pipeline}  ${cron}  ${paused ? 'paused' : `next ${next[0] ?? 'never'}`}\n`);
    }
  } finally {
    await temporal.close();
  }
}

export async function scheduleChange(pipeline: string, action: ScheduleAction, io: CliIo): Promise<void> {
  if (!NAME_PATTERN.test(pipeline)) {
    const shown = JSON.stringify(pipeline.length > LONGEST_SHOWN ? `${pipeline.slice(0, LONGEST_SHOWN)}…` : pipeline);
    throw new UsageError(`${shown} is no pipeline's name; \`halfspace schedule list\` shows those with a schedule`);
  }
  const temporal = await connectTemporal();
  try {
    await changeSchedule(temporal, pipeline, action);
    const done = { pause: 'paused', resume: 'resumed', delete: 'deleted' }[action];
    io.stdout(io.json ? `${JSON.stringify({ pipeline, [done]: true })}\n` : `${pipeline} ${done}\n`);
  } finally {
    await temporal.close();
  }
}

export function wantedSchedules(
  pipelines: Readonly<Record<string, { readonly schedule: string | null }>>,
): Record<string, string | null> {
  return Object.fromEntries(Object.entries(pipelines).map(([name, { schedule }]) => [name, schedule]));
}

export function changeLine({ pipeline, kind, before, after }: ScheduleChange): string {
  switch (kind) {
    case 'create':
      return `+ ${pipeline}  ${after}\n`;
    case 'delete':
      return `- ${pipeline}  ${before}\n`;
    case 'update':
      return `~ ${pipeline}  ${before} → ${after}\n`;
    case 'same':
      return `= ${pipeline}  ${after}\n`;
  }
}
