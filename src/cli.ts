import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import type { CliIo } from './cli/io.js';
import { UsageError } from './cli/usage-error.js';
import { parseDuration } from './config/duration.js';
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

  const demo = command(program, 'demo', 'Try the whole job on embedded servers: data, detection, a fault, an alert.', [
    'halfspace demo',
    'halfspace demo --once --json',
  ]).option('--once', 'one run over data with a fault; exits 0 only if the broken machine, and only it, was alerted');
  portOptions(demo).action(async (options) => succeed(await (await import('./cli/demo.js')).demo(options, io)));

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
    .action(async (file, options) => {
      await (await import('./cli/score.js')).score({ ...options, file }, io);
    });

  command(program, 'import', 'Write a CSV file to InfluxDB.', [
    'halfspace import data.csv --table machine_data --tags provider,machineID --time time',
  ])
    .argument('<file>')
    .requiredOption('--table <name>', 'table to write to')
    .option('--tags <a,b>', 'columns to write as tags; the others become fields', listOf, [])
    .option('--set <name=value>', 'a tag with this value for all rows; may be given more than once', constant, {})
    .option('--time <column>', 'column that holds the time', 'time')
    .option('--time-unit <unit>', 'unit of epoch times: s, ms, us or ns; told by their size when left out')
    .addOption(configOption())
    .action(async (file, { set, ...options }) => {
      await (await import('./cli/import.js')).importCsv({ ...options, constants: set, file }, io);
    });

  command(program, 'init', 'Write halfspace.yaml and .env for a table of your database.', [
    'halfspace init',
    'halfspace init --host http://localhost:8181 --database factory --table machine_data --yes',
  ])
    .option('--host <url>', 'address of InfluxDB 3')
    .option('--token <token>', 'its token; empty for a server without authorization')
    .option('--database <name>', 'database to read from and write to')
    .option('--table <name>', 'table with the measurements')
    .option('--id <a,b>', 'columns that name a machine', listOf)
    .option('--values <a,b>', 'columns to watch', listOf)
    .option('--yes', 'take every proposal without asking')
    .option('--force', 'replace files that are there')
    .action(async (options) => (await import('./cli/init.js')).init(options, io));

  const config = program.command('config').description('The settings.');
  command(config, 'check', 'Check halfspace.yaml; with --live also the database and Temporal.', [
    'halfspace config check',
    'halfspace config check --live',
  ])
    .addOption(configOption())
    .option('--live', 'also ask the database and Temporal; nothing is written')
    .action(async (options) => succeed(await (await import('./cli/config-check.js')).configCheck(options, io)));

  command(program, 'simulate', 'Write simulated machines to InfluxDB.', [
    'halfspace simulate --history 2h --live',
    'halfspace simulate --history 1h --fault machine2:overload@59m+1m',
  ])
    .addOption(configOption())
    .option('--machines <n>', 'how many', wholeNumber, 3)
    .option('--seed <n>', 'the same seed gives the same rows', wholeNumber, 1)
    .option('--history <duration>', 'write this much up to now, e.g. 2h', durationMs)
    .option('--live', 'go on writing until Ctrl-C')
    .option('--interval <duration>', 'time between rows', durationMs, 1000)
    .option('--fault <fault>', 'machineID:kind[/field]@offset[+duration]; may be given more than once', appended, [])
    .option('--table <name>', 'table to write to', 'machine_data')
    .action(async ({ config: file, history, interval, fault, ...options }) => {
      const { influxOptions } = await import('./cli/influx-options.js');
      const { simulate } = await import('./cli/simulate.js');
      const influx = influxOptions(file);
      await simulate({ ...options, influx, historyMs: history ?? null, intervalMs: interval, faults: fault }, io);
    });

  const local = program.command('local').description('Embedded servers for trying things out.');
  const up = command(local, 'up', "Run the InfluxDB stand-in and Temporal's development server until Ctrl-C.", [
    'halfspace local up',
  ]);
  portOptions(up).action(async (options) => {
    const { readEnvironment } = await import('./config/environment.js');
    const environment = readEnvironment();
    const { localUp } = await import('./cli/local-up.js');
    await localUp({ ...options, home: environment.home, environment }, io);
  });

  return program;
}

function portOptions(parent: Command): Command {
  return parent
    .option('--influx-port <port>', 'port of the InfluxDB stand-in, 0 for any (default 8181)', portNumber)
    .option('--temporal-port <port>', 'port of the Temporal server, 0 for any (default 7233)', portNumber)
    .option('--ui-port <port>', "port of Temporal's UI, 0 for any (default 8233)", portNumber);
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

function appended(text: string, before: readonly string[]): string[] {
  return [...before, text];
}

function constant(text: string, before: Readonly<Record<string, string>>): Record<string, string> {
  const at = text.indexOf('=');
  if (at < 1 || at === text.length - 1) throw new InvalidArgumentError('Expected name=value.');
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}

function wholeNumber(text: string): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(number)) return number;
  throw new InvalidArgumentError('Expected a whole number.');
}

function durationMs(text: string): number {
  const duration = parseDuration(text);
  if (duration !== null && duration > 0) return duration;
  throw new InvalidArgumentError('Expected a duration such as 90s, 5m, 2h or 1h30m.');
}

function portNumber(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65535) return port;
  throw new InvalidArgumentError('Expected a port, 0 (any free one) to 65535.');
}
