import type { TemporalClient } from '../client.js';
import { alarmLevel, useOfNormalised } from '../config/detector-schema.js';
import { influxOptionsOf } from '../config/influx-options.js';
import { loadSettings, type Settings } from '../config/load.js';
import { formatDuration } from '../contract/duration.js';
import type { PipelineSettings } from '../contract/pipeline.js';
import type { Influx } from '../influx/connect.js';
import { Checks } from './checks.js';
import { checkDatabase, checkStore, checkTemporal } from './config-check-live.js';
import type { CliIo } from './io.js';
import type { Outcome } from './outcome.js';

export interface ConfigCheckOptions {
  readonly config?: string | undefined;
  /** Also ask the database and Temporal. */
  readonly live?: boolean | undefined;
  /** Instead of the working directory and the environment. */
  readonly cwd?: string | undefined;
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Instead of Temporal's address in the environment. */
  readonly connect?: (() => Promise<TemporalClient>) | undefined;
}

/**
 * Prints one line a check; `wrongUse` when the settings cannot be used, `failed` when only a live check fails. `live`
 * reads from the database and asks Temporal; nothing is ever written.
 */
export async function configCheck(options: ConfigCheckOptions, io: CliIo): Promise<Outcome> {
  const { config, cwd, env, live = false, connect } = options;
  const checks = new Checks(io);
  const settings = await checks.attempt('settings', () =>
    loadSettings({ file: config, ...(cwd && { cwd }), ...(env && { env }) }),
  );
  const influx = settings === null ? null : await checkUse(settings, checks);
  const { connectTemporal, temporalTarget } = await import('../client.js');
  if (connect === undefined) await checks.attempt('temporal', () => void temporalTarget());
  const usable = checks.firstFailure === null;
  try {
    if (live && settings !== null) {
      if (influx !== null) await checkDatabase(influx, settings, checks);
      await checkStore(settings, checks);
      if (usable) await checkTemporal(connect ?? connectTemporal, checks);
    }
  } finally {
    await influx?.close();
  }
  const error = checks.firstFailure;
  if (io.json) {
    const document = { ok: error === null, file: settings?.file ?? null, checks: checks.made, ...(error && { error }) };
    io.stdout(`${JSON.stringify(document, null, 2)}\n`);
  }
  if (error === null) return 'done';
  return usable ? 'failed' : 'wrongUse';
}

/**
 * Says what the settings hold and makes of them what a worker makes, which connects to nothing: a host, a token or a
 * channel that cannot be used is found here. Null without a usable database.
 */
async function checkUse(settings: Settings, checks: Checks): Promise<Influx | null> {
  const { createInflux } = await import('../influx/connect.js');
  const { createChannels } = await import('../channels.js');
  const { loadDetectorModules } = await import('../detector-modules.js');
  checks.good('settings', `${settings.file}${settings.shipped ? ' (the one that comes with halfspace)' : ''}`);
  const influx = await checks.attempt('influx', () => createInflux(influxOptionsOf(settings.influx)));
  await checks.attempt('detector modules', () => loadDetectorModules(settings));
  for (const [name, pipeline] of Object.entries(settings.pipelines)) {
    const role = name === settings.defaultPipeline ? ', the default' : '';
    checks.good(`pipeline ${name}`, `${summaryOf(pipeline)}${role}`);
    for (const doubt of [doubtOfLimits(pipeline), doubtOfThreshold(pipeline)]) {
      if (doubt !== null) checks.remark(`pipeline ${name}`, doubt);
    }
  }
  for (const [name, channel] of Object.entries(settings.channels)) {
    const isLogged = channel.kind === 'slack' && channel.webhook === null;
    await checks.attempt(`channel ${name}`, () => {
      createChannels({ [name]: channel }, () => {});
      checks.good(`channel ${name}`, `${channel.kind}${isLogged ? ', no webhook: messages go to the log' : ''}`);
    });
  }
  return influx;
}

/** What is allowed and seldom meant; null: nothing. */
function doubtOfLimits({ detector, normalise }: PipelineSettings): string | null {
  const isLearned = normalise === 'running' || normalise === 'robust';
  if (!isLearned || useOfNormalised(detector) !== 'needed') return null;
  return `half_space_trees over \`normalise: ${normalise}\` takes nearly every row of plain noise for odd at its default threshold 0.8; declare limits with room on both sides, or take another detector`;
}

/** A threshold this far above a detector's own level is most likely one that was meant for another. */
const FAR_ABOVE = 0.25;

/** A vote's score is the share that agrees, and a module's is what it says: neither is doubted. */
function doubtOfThreshold({ detector, verdict: { threshold } }: PipelineSettings): string | null {
  const level = alarmLevel(detector);
  if (detector.kind === 'vote' || detector.kind === 'module' || threshold - level < FAR_ABOVE) return null;
  return `verdict.threshold ${threshold} is far above ${level}, where the limit of ${detector.kind} lies: much of what it finds is not told; leave the threshold out to take its own`;
}

function summaryOf({ mode, source, detector, schedule, output, aggregate }: PipelineSettings): string {
  const query = source.language === 'sql' ? 'a query' : 'a query in InfluxQL';
  return [
    mode,
    source.table === null ? query : `table ${source.table}`,
    detector.kind,
    output === null ? 'scores not written' : `scores to ${output.table}`,
    ...(aggregate === null ? [] : [`aggregates a ${formatDuration(aggregate.every)} to ${aggregate.table}`]),
    schedule === null ? 'no schedule' : `schedule ${schedule}`,
  ].join(', ');
}
