import { stringify } from 'yaml';
import type { WrittenDetector } from '../../suggest/other-detector.js';

/** Of the one pipeline that it has. */
export const PIPELINE = 'machines';

/** What a new halfspace.yaml is made of. */
export interface NewSettings {
  readonly table: string;
  readonly time: string;
  readonly id: readonly string[];
  readonly values: readonly NewValue[];
  /** In place of Half-Space Trees, when they were tried and do not suit. */
  readonly detector?: WrittenDetector;
}

export interface NewValue {
  readonly name: string;
  /** Null when nothing was observed. */
  readonly observed: readonly [number, number] | null;
  readonly limits: readonly [number, number] | null;
}

/**
 * The text of a halfspace.yaml for one table; connection and secrets come from `.env`.
 * @param schema path of the schema for editors, seen from the file; null when there is none.
 */
export function settingsText({ table, time, id, values, detector }: NewSettings, schema: string | null): string {
  const quoted = (names: readonly string[]) => `[${names.map((name) => JSON.stringify(name)).join(', ')}]`;
  return `${schema === null ? '' : `# yaml-language-server: $schema=${schema}\n`}# \${NAME} and \${NAME:-default} come from the environment or from .env.
influx:
  host: "\${INFLUX_HOST}"
  token: "\${INFLUX_TOKEN}"
  database: "\${INFLUX_DATABASE}"

pipelines:
  ${PIPELINE}:
    source:
      table: ${JSON.stringify(table)}
      id: ${quoted(id)} # together they name a machine
      values: ${quoted(values.map(({ name }) => name))}
      time: ${JSON.stringify(time)}
    window: { history: 24h, settle: 10s, catch_up: 7d }
${detector === undefined ? treesText(values) : detectorText(detector)}
    order: score_then_learn
    output: { table: ${JSON.stringify(`${table}_anomalies`)} }
    alerts: [ops]
    schedule: "*/5 * * * *"

channels:
  ops: { kind: slack, webhook: "\${SLACK_WEBHOOK_URL:-}" } # without a webhook messages go to the log
`;
}

function treesText(values: readonly NewValue[]): string {
  const known = values.every(({ limits }) => limits !== null);
  const normalise = known
    ? ['    normalise: # what each column could ever reach, with room: narrow limits call healthy rows anomalous']
        .concat(values.map(limitLine))
        .join('\n')
    : '    normalise: running # no values seen yet; declared limits such as { power: [0, 500] } give far fewer false alarms';
  return `${normalise}\n    detector: { kind: half_space_trees, n_trees: 10, height: 8, window_size: 250, seed: 1 }`;
}

function detectorText(detector: WrittenDetector): string {
  return `    detector: ${stringify(detector, { collectionStyle: 'flow' }).trim()} # goes by each machine's own values`;
}

function limitLine({ name, observed, limits }: NewValue): string {
  const seen = observed === null ? '' : ` # observed ${observed[0]} to ${observed[1]}`;
  return `      ${JSON.stringify(name)}: [${limits?.join(', ')}]${seen}`;
}
