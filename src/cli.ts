import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import type { CliIo } from './cli/io.js';
import { UsageError } from './cli/usage-error.js';
import { SettingsError } from './config/settings-error.js';
import { HalfspaceError } from './contract/failures.js';

/** Exit codes of every command. */
const DONE = 0;
const FAILED = 1;
const WRONG_USE = 2;

/** Runs one command and gives its exit code; prints one clear line when something is wrong. */
export async function main(argv: readonly string[]): Promise<number> {
  const io = terminalIo(argv.includes('--json'));
  try {
    let succeeded = true;
    const program = buildProgram(io, (success) => {
      succeeded = success;
    });
    await program.parseAsync([...argv], { from: 'user' });
    return succeeded ? DONE : FAILED;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? DONE : WRONG_USE;
    io.stderr(`halfspace: ${error instanceof Error ? error.message : String(error)}\n`);
    if (error instanceof UsageError || error instanceof SettingsError) return WRONG_USE;
    if (!(error instanceof HalfspaceError) && error instanceof Error) io.stderr(`${error.stack}\n`);
    return FAILED;
  }
}

function terminalIo(json: boolean): CliIo {
  return {
    stdout: (text) => void process.stdout.write(text),
    stderr: (text) => void process.stderr.write(text),
    isTty: process.stderr.isTTY === true && process.stdin.isTTY === true,
    json,
  };
}

/** Each command's module is loaded when it runs, so that --help and small commands start at once. */
function buildProgram(io: CliIo, succeed: (success: boolean) => void): Command {
  const program = new Command('halfspace')
    .description('Durable anomaly detection for machines whose data lives in InfluxDB 3.')
    .exitOverride()
    .showHelpAfterError('(add --help for how to use it)');

  command(program, 'demo', 'Try the whole job on embedded servers: data, detection, a fault, an alert.', [
    'halfspace demo',
    'halfspace demo --once --json',
  ])
    .option('--once', 'one run over data with a fault; exits 0 only if the broken machine, and only it, was alerted')
    .option('--influx-port <port>', 'port of the InfluxDB stand-in', portNumber)
    .option('--temporal-port <port>', 'port of the Temporal server', portNumber)
    .option('--ui-port <port>', "port of Temporal's UI", portNumber)
    .action(async (options) => succeed(await (await import('./cli/demo.js')).demo(options, io)));

  command(program, 'worker', 'Run a worker until Ctrl-C.', ['halfspace worker'])
    .addOption(configOption())
    .action(async (options) => (await import('./cli/worker.js')).runWorker(options, io));

  command(program, 'trigger', 'Run a pipeline now, wait for it and print its result.', [
    'halfspace trigger',
    'halfspace trigger mage-demo --json',
  ])
    .argument('[pipeline]', 'name in halfspace.yaml; the default one when left out')
    .addOption(configOption())
    .option('--no-wait', 'start it and return')
    .option('--until <time>', 'end the window here instead of now, e.g. 2026-01-31T12:00:00Z')
    .action(async (pipeline, options) =>
      succeed(await (await import('./cli/trigger.js')).trigger({ ...options, pipeline }, io)),
    );

  const schedule = program.command('schedule').description("The pipelines' schedules on the Temporal server.");
  command(schedule, 'apply', 'Show how the server differs from halfspace.yaml and make it equal.', [
    'halfspace schedule apply',
  ])
    .addOption(configOption())
    .action(async (options) => (await import('./cli/schedule.js')).scheduleApply(options, io));
  command(schedule, 'list', 'Schedules on the server and their next starts.', ['halfspace schedule list']).action(
    async (options) => (await import('./cli/schedule.js')).scheduleList(options, io),
  );
  for (const action of ['pause', 'resume', 'delete'] as const) {
    command(schedule, action, `${action[0]?.toUpperCase()}${action.slice(1)} a pipeline's schedule.`, [
      `halfspace schedule ${action} machines`,
    ])
      .argument('<pipeline>')
      .action(async (pipeline) => (await import('./cli/schedule.js')).scheduleChange(pipeline, action, io));
  }

  command(program, 'score', 'Score a CSV file, without Temporal or InfluxDB.', [
    'halfspace score data.csv --pipeline mage-demo --out scores.csv',
  ])
    .argument('<file>', 'CSV with the id, value and time columns of the pipeline')
    .requiredOption('--pipeline <name>', 'pipeline of halfspace.yaml')
    .requiredOption('--out <file>', 'CSV to write: date, score, value, is_anomaly, unique_id')
    .option('--time-unit <unit>', 'unit of epoch times: s, ms, us or ns; told by their size when left out')
    .addOption(configOption())
    .action(async (file, options) => (await import('./cli/score.js')).score({ ...options, file }, io));

  command(program, 'import', 'Write a CSV file to InfluxDB.', [
    'halfspace import data.csv --table machine_data --tags provider,machineID --time time',
  ])
    .argument('<file>')
    .requiredOption('--table <name>', 'table to write to')
    .option('--tags <a,b>', 'columns to write as tags; the others become fields', listOf, [])
    .option('--time <column>', 'column that holds the time', 'time')
    .option('--time-unit <unit>', 'unit of epoch times: s, ms, us or ns; told by their size when left out')
    .addOption(configOption())
    .action(async (file, options) => (await import('./cli/import.js')).importCsv({ ...options, file }, io));

  return program;
}

function command(parent: Command, name: string, description: string, examples: readonly string[]): Command {
  return parent
    .command(name)
    .description(description)
    .option('--json', 'print one JSON document on stdout; logs go to stderr')
    .addHelpText(
      'after',
      `\nExample${examples.length === 1 ? '' : 's'}:\n${examples.map((text) => `  $ ${text}\n`).join('')}`,
    )
    .exitOverride();
}

function configOption(): Option {
  return new Option(
    '--config <file>',
    'settings file (default: HALFSPACE_CONFIG, ./halfspace.yaml, else the shipped one)',
  );
}

function listOf(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

function portNumber(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65535) return port;
  throw new InvalidArgumentError('Expected a port, 0 (any free one) to 65535.');
}
