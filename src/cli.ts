import { readFileSync } from 'node:fs';
import { Command, CommanderError, Help, Option } from 'commander';
import type { CliIo } from './cli/io.js';
import { appended, constant, durationMs, listOf, nonEmpty, portNumber, wholeNumber } from './cli/option-values.js';
import { EXIT, failureDocument, type Outcome, outcomeOf } from './cli/outcome.js';
import { createTerminalIo, type TerminalIo } from './cli/terminal-io.js';
import { UsageError } from './cli/usage-error.js';
import { silenceAwsNodeVersion } from './config/environment.js';
import { HalfspaceError } from './contract/failures.js';

/** Runs one command and gives its exit code; prints one clear line when something is wrong. */
export async function main(argv: readonly string[]): Promise<number> {
  silenceAwsNodeVersion();
  const io = createTerminalIo(argv.includes('--json'));
  let outcome: Outcome = 'done';
  try {
    const program = buildProgram(io, (found) => {
      outcome = found;
    });
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    outcome = outcomeOf(error);
    if (outcome !== 'done') reportFailure(error, io);
  }
  const lost = await io.flushed();
  if (lost === null) return EXIT[outcome];
  process.stderr.write(`halfspace: what the command prints cannot be written (${lost})\n`);
  return EXIT[outcome] === EXIT.done ? EXIT.failed : EXIT[outcome];
}

function reportFailure(error: unknown, io: TerminalIo): void {
  if (io.json && !io.hasPrinted()) io.stdout(`${JSON.stringify(failureDocument(error))}\n`);
  // The parser has printed its own.
  if (error instanceof CommanderError) return;
  io.stderr(`halfspace: ${error instanceof Error ? error.message : String(error)}\n`);
  const isKnown = error instanceof HalfspaceError || error instanceof UsageError;
  if (!isKnown && error instanceof Error) io.stderr(`${error.stack}\n`);
}

/** Each command's module is loaded when it runs, so that --help and small commands start at once. */
function buildProgram(io: CliIo, end: (outcome: Outcome) => void): Command {
  const program = new Command('halfspace')
    .description('Durable anomaly detection for machines whose data lives in InfluxDB 3.')
    .version(version(), '--version', 'print the version')
    .helpOption('-h, --help', 'explain how to use it')
    .helpCommand('help [command]', 'explain a command')
    .addHelpText('after', examplesText(['halfspace demo', 'halfspace help trigger']))
    .exitOverride()
    .configureOutput({ writeOut: (text) => io.stdout(text), writeErr: (text) => io.stderr(text) })
    .configureHelp({ optionDescription })
    .showHelpAfterError('(add --help for how to use it)');
  const succeed = (success: boolean) => end(success ? 'done' : 'failed');

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
    .addHelpText(
      'after',
      `
The run uses the halfspace.yaml and the store of the worker that takes it, not those of the caller.
An incremental pipeline begins where its last window ended. Rows that arrive later with earlier times are found up to
\`late.within\` (1h) after their time, and reported or scored again as \`late.then\` says; for older ones (an import, say) there is
\`halfspace backfill\`. To start it over, delete progress/PIPELINE.json and snapshots/PIPELINE/ in the store while no run is
going on. Ctrl-C ends the waiting, not the run. Exit code 0 also for a run that was skipped because it waited in vain (wait_for).`,
    )
    .action(async (pipeline, options) =>
      succeed(await (await import('./cli/trigger.js')).trigger({ ...options, pipeline }, io)),
    );

  command(
    program,
    'backfill',
    'Learn and score a range of the past with models of its own; live runs go on meanwhile.',
    [
      'halfspace backfill --from 2026-01-01T00:00:00Z --to 2026-01-31T00:00:00Z',
      'halfspace backfill machines --from 2026-01-01T00:00:00Z --to 2026-01-31T00:00:00Z --alerts digest --no-wait',
    ],
  )
    .argument('[pipeline]', 'name in halfspace.yaml; the default one when left out')
    .requiredOption('--from <time>', 'beginning of the range, e.g. 2026-01-01T00:00:00Z')
    .requiredOption('--to <time>', 'its end, not after now')
    .addOption(
      new Option('--alerts <how>', 'off, or digest: one message at the end').choices(['off', 'digest']).default('off'),
    )
    .option('--overwrite', "replace scores that the pipeline's own runs have written")
    .option('--again', 'start a backfill of this range over that is finished or was ended')
    .option('--no-wait', 'start it and return')
    .addOption(configOption())
    .addHelpText(
      'after',
      `
Scores go where the pipeline's own go; its models, its progress and its alerts are left alone. A backfill that was ended goes
on where it stood when it is started again. Ctrl-C ends the waiting, not the backfill. It uses the halfspace.yaml and the
store of the worker that takes it, not those of the caller.`,
    )
    .action(async (pipeline, options) =>
      succeed(await (await import('./cli/backfill.js')).backfill({ ...options, pipeline }, io)),
    );

  command(program, 'serve', 'Start runs by HTTP, for callers with the token, until Ctrl-C.', [
    'halfspace serve',
    'halfspace serve --host 0.0.0.0 --port 8088',
  ])
    .option('--port <port>', 'port to listen on, 0 for any free one', portNumber, 8088)
    .option('--host <host>', 'address to listen on; 0.0.0.0 for all of the host', nonEmpty, '127.0.0.1')
    .addOption(configOption())
    .addHelpText(
      'after',
      `
POST /api/pipelines/PIPELINE/runs starts a run; {"key": "...", "until": "TIME"} in the body and an Idempotency-Key header may
be left out. GET /api/pipelines/PIPELINE/runs/KEY tells how it went. Both want \`Authorization: Bearer\` with the value of
HALFSPACE_API_TOKEN. GET /healthz answers as long as the server runs.`,
    )
    .action(async (options) => (await import('./cli/serve.js')).serve(options, io));

  const schedule = group(program, 'schedule', "The pipelines' schedules on the Temporal server.", [
    'halfspace schedule apply',
    'halfspace schedule pause machines',
  ]);
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
      .argument('<pipeline>', 'name in halfspace.yaml')
      .action(async (pipeline) => (await import('./cli/schedule.js')).scheduleChange(pipeline, action, io));
  }

  const model = group(program, 'model', "The machines' models in the store.", [
    'halfspace model list',
    'halfspace model show machines acme-machine1',
  ]);
  const onMachine = (name: string, description: string, example: string) =>
    command(model, name, description, [`halfspace model ${name} machines acme-machine1${example}`])
      .argument('<pipeline>', 'name in halfspace.yaml')
      .argument('<machine>', 'unique_id, as `halfspace model list` prints it')
      .addOption(configOption());
  command(model, 'list', 'Every machine with its newest snapshot.', ['halfspace model list machines'])
    .argument('[pipeline]', 'only of this pipeline of halfspace.yaml')
    .option('--pipeline <name>', 'the same')
    .addOption(configOption())
    .action(async (pipeline, options) => {
      const { pipeline: same = pipeline } = options;
      if (pipeline !== undefined && pipeline !== same) {
        throw new UsageError(`Two pipelines are asked for, \`${pipeline}\` and \`${same}\`; leave --pipeline out`);
      }
      await (await import('./cli/model.js')).modelList({ ...options, pipeline: same }, io);
    });
  onMachine('show', "All snapshots of a machine, newest first, and each one's open event.", '').action(
    async (pipeline, machine, options) =>
      (await import('./cli/model.js')).modelShow({ ...options, pipeline, machine }, io),
  );
  onMachine('export', 'Write a snapshot to a file.', ' --out machine1.snapshot')
    .requiredOption('--out <file>', 'file to write; it must not be there yet')
    .option('--snapshot <name>', 'a name that `model show` prints, or its beginning; the newest when left out')
    .action(async (pipeline, machine, options) =>
      (await import('./cli/model.js')).modelExport({ ...options, pipeline, machine }, io),
    );
  onMachine('rollback', 'Make an older snapshot the newest.', ' --to 001795439758000 --relearn')
    .requiredOption('--to <name>', 'a name that `model show` prints, or its beginning')
    .option('--relearn', 'the next run learns the rows since that snapshot again')
    .option('--skip-to-now', 'the rows since that snapshot are never learned')
    .action(async (pipeline, machine, options) =>
      (await import('./cli/model.js')).modelRollback({ ...options, pipeline, machine }, io),
    );
  onMachine('forget', "Remove a machine's snapshots: the next run begins a new model.", ' --yes')
    .option('--yes', 'do it without asking')
    .action(async (pipeline, machine, options) =>
      succeed(await (await import('./cli/model.js')).modelForget({ ...options, pipeline, machine }, io)),
    );

  command(program, 'score', 'Score a CSV file, without Temporal or InfluxDB.', [
    'halfspace score data.csv --pipeline mage-demo --out scores.csv',
  ])
    .argument('<file>', 'CSV with the id, value and time columns of the pipeline')
    .option('--pipeline <name>', 'pipeline of halfspace.yaml; the default one when left out')
    .requiredOption('--out <file>', 'CSV to write: date, score, value (as normalised), is_anomaly, unique_id')
    .option('--time-unit <unit>', 'unit of epoch times: s, ms, us or ns; told by their size when left out')
    .addOption(decimalOption())
    .addOption(configOption())
    .action(async (file, options) => {
      await (await import('./cli/score.js')).score({ ...options, file }, io);
    });

  command(
    program,
    'backtest',
    'Try settings on history with new models: one HTML report, nothing is written or sent.',
    [
      'halfspace backtest --from 2026-01-01T00:00:00Z --to 2026-01-31T00:00:00Z',
      'halfspace backtest data.csv --pipeline machines --set detector.window_size=100 --labels labels.csv',
      'halfspace backtest data.csv --variant "slow:detector.window_size=1000,verdict.hold_rows=3" --variant "strict:verdict.threshold=0.95"',
    ],
  )
    .argument(
      '[file]',
      "CSV with the id, value and time columns of the pipeline; the pipeline's own source when left out",
    )
    .option('--pipeline <name>', 'pipeline of halfspace.yaml; the default one when left out')
    .option('--from <time>', 'beginning of the range; new models begin here')
    .option('--to <time>', 'its end')
    .option(
      '--set <key=value>',
      'another setting to try, e.g. verdict.threshold=0.9; may be given more than once',
      appended,
    )
    .option(
      '--variant <name:key=value,...>',
      'more settings to try side by side; may be given up to seven times, six with --set',
      appended,
    )
    .option('--labels <file>', 'CSV with unique_id, from, to: stretches that are known to be anomalous')
    .option('--labels-table <name>', 'the same in a table, with unique_id, time, to')
    .option('--out <file>', 'HTML report to write', 'backtest.html')
    .option('--time-unit <unit>', 'unit of epoch times: s, ms, us or ns; told by their size when left out')
    .addOption(decimalOption())
    .addOption(configOption())
    .addHelpText(
      'after',
      `
Tried are detector, model, features, resample, normalise, order and verdict: those of halfspace.yaml; beside them all that --set gives together; and each
--variant. Values are YAML; \`normalise=\` without one leaves a setting out.`,
    )
    .action(async (file, options) => {
      await (await import('./cli/backtest.js')).backtest({ ...options, file }, io);
    });

  command(program, 'suggest', 'Look at the history of machines and propose settings, each with its reason.', [
    'halfspace suggest --from 2026-01-01T00:00:00Z --to 2026-01-31T00:00:00Z',
    'halfspace suggest data.csv --machine acme-machine1',
  ])
    .argument(
      '[file]',
      "CSV with the id, value and time columns of the pipeline; the pipeline's own source when left out",
    )
    .option('--pipeline <name>', 'pipeline of halfspace.yaml; the default one when left out')
    .option('--machine <unique_id>', 'only this machine')
    .option('--from <time>', 'beginning of the range')
    .option('--to <time>', 'its end')
    .option('--time-unit <unit>', 'unit of epoch times: s, ms, us or ns; told by their size when left out')
    .addOption(decimalOption())
    .addOption(configOption())
    .action(async (file, options) => {
      await (await import('./cli/suggest.js')).suggestSettings({ ...options, file }, io);
    });

  command(program, 'import', 'Write a CSV file to InfluxDB.', [
    'halfspace import data.csv --table machine_data --tags provider,machineID --time time',
  ])
    .argument('<file>', 'CSV whose first line names the columns, separated by commas, semicolons or tabs')
    .requiredOption('--table <name>', 'table to write to')
    .option(
      '--tags <a,b>',
      'columns to write as tags; the others become fields; together with the time they tell rows apart',
      listOf,
    )
    .option('--set <name=value>', 'a tag with this value for all rows; may be given more than once', constant)
    .option('--time <column>', 'column that holds the time', 'time')
    .option('--time-unit <unit>', 'unit of epoch times: s, ms, us or ns; told by their size when left out')
    .addOption(decimalOption())
    .addOption(configOption())
    .action(async (file, { set, tags = [], ...options }) => {
      await (await import('./cli/import.js')).importCsv({ ...options, tags, constants: set, file }, io);
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

  const config = group(program, 'config', 'The settings.', ['halfspace config check --live']);
  command(config, 'check', 'Check halfspace.yaml; with --live also the database and Temporal.', [
    'halfspace config check',
    'halfspace config check --live',
  ])
    .addOption(configOption())
    .option('--live', 'also ask the database and Temporal; nothing is written')
    .action(async (options) => end(await (await import('./cli/config-check.js')).configCheck(options, io)));

  command(program, 'simulate', 'Write simulated machines to InfluxDB.', [
    'halfspace simulate --history 2h --live',
    'halfspace simulate --history 1h --fault machine2:overload@59m+1m',
  ])
    .addOption(configOption())
    .option('--machines <n>', 'how many', wholeNumber, 3)
    .option('--seed <n>', 'the same seed gives the same rows', wholeNumber, 1)
    .option('--history <duration>', 'write this much up to now, e.g. 2h', durationMs)
    .option('--live', 'go on writing until Ctrl-C')
    .option('--interval <duration>', 'time between rows (default: 1s)', durationMs)
    .option('--fault <fault>', 'machineID:kind[/field]@offset[+duration]; may be given more than once', appended)
    .option('--table <name>', 'table to write to', 'machine_data')
    .action(async ({ config: file, history, interval, fault, ...options }) => {
      const { influxOptions } = await import('./cli/influx-options.js');
      const { simulate } = await import('./cli/simulate.js');
      const influx = influxOptions(file);
      await simulate({ ...options, influx, historyMs: history, intervalMs: interval, faults: fault }, io);
    });

  const local = group(program, 'local', 'Embedded servers for trying things out.', ['halfspace local up']);
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

function group(parent: Command, name: string, description: string, examples: readonly string[]): Command {
  return parent.command(name).description(description).addHelpText('after', examplesText(examples));
}

function command(parent: Command, name: string, description: string, examples: readonly string[]): Command {
  return group(parent, name, description, examples).option(
    '--json',
    'print one JSON document on stdout; logs go to stderr',
  );
}

function examplesText(examples: readonly string[]): string {
  return `\nExample${examples.length === 1 ? '' : 's'}:\n${examples.map((text) => `  $ ${text}`).join('\n')}`;
}

function optionDescription(option: Option): string {
  const text = new Help().optionDescription(option);
  return option.mandatory ? `${text} (required)` : text;
}

function configOption(): Option {
  return new Option(
    '--config <file>',
    'settings file (default: HALFSPACE_CONFIG, ./halfspace.yaml, else the shipped one)',
  ).argParser(nonEmpty);
}

function decimalOption(): Option {
  return new Option(
    '--decimal <sign>',
    "decimal sign of the file's numbers; left out, it is a point, and a column of numbers with commas is refused",
  ).choices(['.', ',']);
}

function version(): string {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
  return manifest.version;
}
