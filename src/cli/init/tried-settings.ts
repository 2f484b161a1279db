import { pipelineSchema } from '../../config/pipeline-schema.js';
import { parseYamlFile } from '../../config/yaml-file.js';
import type { Influx } from '../../influx/connect.js';
import { generalModel } from '../../suggest/general-model.js';
import { factsOf } from '../../suggest/machine-facts.js';
import type { WrittenDetector } from '../../suggest/other-detector.js';
import { historyOfDatabase } from '../backtest/history.js';
import type { CliIo } from '../io.js';
import { gather } from '../suggest/gather.js';
import { createTrial } from '../suggest/trial.js';
import { PROFILE_SPAN_NS, type TableProfile } from './propose.js';
import { type NewSettings, PIPELINE, settingsText } from './settings-text.js';

/** Read at most, whatever the table holds: a few seconds. */
const MOST_ROWS = 200_000n;

export interface TriedSettings {
  readonly settings: NewSettings;
  /** False where there are too few rows to say anything. */
  readonly isTried: boolean;
}

/**
 * New settings that were tried on the table's newest rows, a day of them at most: the proposed limits where those do, else ones that
 * suit the rows better, else another detector.
 * @throws HalfspaceError as the database's reads do.
 */
export async function withTriedModel(
  settings: NewSettings,
  { last, rows }: TableProfile,
  influx: Influx,
  signal: AbortSignal,
  io: CliIo,
): Promise<TriedSettings> {
  if (last === null || settings.values.some(({ limits }) => limits === null)) {
    return { settings, isTried: false };
  }
  // What would be written is tried, all of it.
  const written = parseYamlFile(settingsText(settings, null)).value as { pipelines: Record<string, unknown> };
  const pipeline = pipelineSchema.parse(written.pipelines[PIPELINE]);
  const span = BigInt(rows) <= MOST_ROWS ? PROFILE_SPAN_NS : (PROFILE_SPAN_NS * MOST_ROWS) / BigInt(rows);
  const history = await historyOfDatabase(influx, pipeline, { from: last - span, to: last + 1n }, signal);
  const slices = await gather(history, undefined, signal, { stderr: () => undefined });
  const trial = createTrial(slices);
  const facts = slices.map((slice) => factsOf(slice, pipeline.source.values));
  const [found] = generalModel(facts, pipeline, trial);
  const isTried = trial(pipeline) !== null;
  if (found === undefined) return { settings, isTried };
  const [setting] = found.path;
  if (!io.json) io.stderr(`${setting === 'normalise' ? 'limits' : setting}: ${found.reason}\n`);
  if (setting === 'detector') return { settings: { ...settings, detector: found.value as WrittenDetector }, isTried };
  const limits = found.value as Readonly<Record<string, readonly [number, number]>>;
  const values = settings.values.map((value) => ({ ...value, limits: limits[value.name] ?? value.limits }));
  return { settings: { ...settings, values }, isTried };
}
