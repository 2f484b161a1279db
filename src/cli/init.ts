import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readEnvironment } from '../config/environment.js';
import type { Variables } from '../config/variables.js';
import { HalfspaceError } from '../contract/failures.js';
import { createInflux, type Influx } from '../influx/connect.js';
import { describeTable, listTables } from '../influx/schema.js';
import { proposeLimits } from '../suggest/limits.js';
import { calledAs } from './called-as.js';
import { type Ask, createAsk } from './init/ask.js';
import { envText } from './init/env-file.js';
import { profileTable, proposeId, type TableProfile, type TextProfile } from './init/propose.js';
import { type NewSettings, PIPELINE, settingsText } from './init/settings-text.js';
import { type TriedSettings, withTriedModel } from './init/tried-settings.js';
import type { CliIo } from './io.js';
import { plural } from './run-summary.js';
import { untilStopped } from './until-stopped.js';
import { UsageError } from './usage-error.js';

export interface InitOptions {
  readonly host?: string | undefined;
  /** Empty for a server without authorization. */
  readonly token?: string | undefined;
  readonly database?: string | undefined;
  readonly table?: string | undefined;
  readonly id?: readonly string[] | undefined;
  readonly values?: readonly string[] | undefined;
  /** Take every proposal without asking. */
  readonly yes?: boolean | undefined;
  /** Replace files that are there. */
  readonly force?: boolean | undefined;
  readonly cwd?: string | undefined;
  /** The program that was started, for hints. */
  readonly script?: string | undefined;
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
}

export interface InitIo extends CliIo {
  /** Questions on something other than the terminal. */
  readonly ask?: Ask;
}

const SETTINGS_FILE = 'halfspace.yaml';
const ENV_FILE = '.env';

/** Where the schema for editors may be, seen from the settings: beside the installed program, or in its own repository. */
const SCHEMA_FILES = ['./node_modules/halfspace/halfspace.schema.json', './halfspace.schema.json'];

/**
 * Writes halfspace.yaml and `.env` for one table of a database: what the flags say, what `.env` says already, and what
 * the table itself proposes; asks for the rest on a terminal, and takes proposals without asking only with `--yes`. Nothing is
 * written before everything is known.
 * @throws UsageError when a file is in the way or something must be asked and nobody is there; HalfspaceError as the
 * database's reads do.
 */
export async function init(options: InitOptions, io: InitIo): Promise<void> {
  const { cwd = process.cwd(), script = process.argv[1] ?? '', force = false } = options;
  const settingsFile = join(cwd, SETTINGS_FILE);
  if (existsSync(settingsFile) && !force) {
    throw new UsageError(
      `${SETTINGS_FILE} is there already; start in a folder of its own for your settings, or replace it with --force`,
    );
  }
  const asks = io.isTty && options.yes !== true;
  const ask = asks ? (io.ask ?? (await createAsk())) : null;

  const { variables: known } = readEnvironment({ cwd, ...(options.env && { env: options.env }) });
  const program = calledAs({ script, npmCommand: known.npm_command, cwd });
  const address = await chooseDatabase(options, ask, known);
  const variables = {
    INFLUX_HOST: address.host,
    INFLUX_TOKEN: address.token,
    INFLUX_DATABASE: address.database,
  };
  const envFile = join(cwd, ENV_FILE);
  const env = envText(existsSync(envFile) ? readFileSync(envFile, 'utf8') : '', variables, force);

  const influx = createInflux({ ...address, token: address.token === '' ? null : address.token });
  let chosen: TriedSettings;
  try {
    const source = await chooseSource({ ...options, database: address.database }, influx, ask, program, io);
    chosen = await untilStopped((signal) => withTriedModel(source.settings, source.profile, influx, signal, io));
  } finally {
    await influx.close();
  }

  replaceFile(envFile, env, 0o600); // it holds the token
  const schema = SCHEMA_FILES.find((file) => existsSync(join(cwd, file))) ?? null;
  replaceFile(settingsFile, settingsText(chosen.settings, schema), 0o644);
  report(chosen, program, io);
}

interface Address {
  readonly host: string;
  readonly token: string;
  readonly database: string;
}

async function chooseDatabase(options: InitOptions, ask: Ask | null, variables: Variables): Promise<Address> {
  const known = (flag: string | undefined, name: string) => flag ?? variables[name];

  const host = known(options.host, 'INFLUX_HOST');
  const token = known(options.token, 'INFLUX_TOKEN');
  const database = known(options.database, 'INFLUX_DATABASE');
  if (ask === null) {
    const missing = [...(host ? [] : ['--host']), ...(database ? [] : ['--database'])];
    if (!host || !database) {
      throw new UsageError(`Nobody is there to answer questions: give ${missing.join(' and ')} (see --help)`);
    }
    return { host, token: token ?? '', database };
  }
  return {
    host: options.host ?? (await ask.text('Address of InfluxDB 3', host || 'http://localhost:8181')),
    token: token ?? (await ask.secret('Token (empty for a server without authorization)')),
    database: options.database ?? (await ask.text('Database', database || undefined)),
  };
}

async function chooseSource(
  options: InitOptions & Pick<Address, 'database'>,
  influx: Influx,
  ask: Ask | null,
  program: string,
  io: CliIo,
): Promise<{ settings: NewSettings; profile: TableProfile }> {
  const tables = await listTables(influx);
  if (tables.length === 0) {
    throw new HalfspaceError(
      'MissingTable',
      `The database ${options.database} has no tables; write data first (\`${program} simulate --history 2h\`, \`${program} import --help\`)`,
    );
  }
  const table = await chooseTable(options.table, tables, ask);
  const columns = await describeTable(influx, table);
  const profile = await profileTable(influx, table, columns);
  if (!io.json) io.stderr(`${profileLine(profile)}\n`);

  const texts = profile.texts.map(({ name }) => name);
  const id = await chooseColumns(
    '--id',
    'Columns that together name a machine',
    options.id,
    texts,
    proposeId(profile),
    options,
    ask,
  );
  const numbers = profile.numbers.map(({ name }) => name);
  const { values: wanted } = options;
  const watchable = profile.texts.filter(({ name }) => wanted?.includes(name) ?? numbers.length === 0);
  const values = await chooseColumns('--values', 'Values to watch', wanted, numbers, numbers, options, ask).catch(
    (error: unknown) => {
      throw error instanceof UsageError ? withNumerals(error, watchable, program) : error;
    },
  );
  const limited = values.map((name) => {
    const observed = profile.numbers.find((number) => number.name === name)?.range ?? null;
    return { name, observed, limits: observed === null ? null : proposeLimits(observed) };
  });
  return { settings: { table, time: profile.time, id, values: limited }, profile };
}

async function chooseTable(given: string | undefined, tables: readonly string[], ask: Ask | null): Promise<string> {
  if (given !== undefined) {
    if (tables.includes(given)) return given;
    throw new UsageError(`There is no table \`${given}\`; the database has: ${tables.join(', ')}`);
  }
  const [only] = tables;
  if (only !== undefined && tables.length === 1) return only;
  if (ask === null) throw new UsageError(`Say which table with --table; the database has: ${tables.join(', ')}`);
  return ask.one('Table', tables);
}

async function chooseColumns(
  flag: string,
  question: string,
  given: readonly string[] | undefined,
  possible: readonly string[],
  proposed: readonly string[],
  { yes = false }: InitOptions,
  ask: Ask | null,
): Promise<readonly string[]> {
  const listed = possible.length === 0 ? 'none' : possible.join(', ');
  if (given !== undefined && given.length > 0) {
    const unknown = given.filter((column) => !possible.includes(column));
    if (unknown.length === 0) return given;
    throw new UsageError(`${flag} cannot be ${unknown.join(', ')}; columns of that kind: ${listed}`);
  }
  if (possible.length === 0) throw new UsageError(`The table has no column for ${flag}; choose another with --table`);
  if (ask === null) {
    if (proposed.length > 0 && yes) return proposed;
    if (proposed.length > 0) {
      throw new UsageError(
        `Nobody is there to answer questions: give ${flag} (proposed: ${proposed.join(',')}), or --yes to take every proposal`,
      );
    }
    throw new UsageError(`No column looks right for ${flag}; give it yourself, one or more of: ${listed}`);
  }
  // The proposal's order is part of it: the last id column stays as it is in a machine's name.
  const order = [...proposed, ...possible.filter((column) => !proposed.includes(column))];
  return ask.several(question, order, proposed);
}

/** Columns of texts that look like numbers are the likely reason why a column cannot be watched. */
function withNumerals(error: UsageError, texts: readonly TextProfile[], program: string): UsageError {
  const numerals = texts.filter(({ numeral }) => numeral !== undefined);
  const [first] = numerals;
  if (first === undefined) return error;
  const names = numerals.map(({ name }) => name).join(', ');
  const what = `${names} ${numerals.length === 1 ? 'holds' : 'hold'} texts that look like numbers, such as ${JSON.stringify(first.numeral)}`;
  const remedy = `Write them as numbers to another table (--decimal in \`${program} import --help\`)`;
  return new UsageError(`${error.message}. ${what}. ${remedy}`, { cause: error });
}

function profileLine({ table, rows, texts, numbers }: TableProfile): string {
  const named = texts.map(({ name, kind, distinct }) => `${name} (${kind}, ${plural(distinct, 'value')})`);
  const measured = numbers.map(({ name, range }) => (range === null ? name : `${name} (${range[0]} to ${range[1]})`));
  return `${table}, last day with rows: ${rows} rows; ${[...named, ...measured].join(', ')}`;
}

/** Whole or not at all, whenever the process dies. */
function replaceFile(file: string, text: string, mode: number): void {
  const next = `${file}.${process.pid}.tmp`;
  try {
    writeFileSync(next, text, { mode });
    renameSync(next, file);
  } catch (error) {
    rmSync(next, { force: true });
    throw new HalfspaceError('BadSettings', `Cannot write ${file} (${(error as NodeJS.ErrnoException).code})`, {
      cause: error,
    });
  }
}

function report({ settings, isTried }: TriedSettings, program: string, io: CliIo): void {
  const { table, id, values, detector } = settings;
  if (io.json) {
    const limits =
      detector === undefined ? Object.fromEntries(values.map((value) => [value.name, value.limits])) : null;
    const kind = detector?.kind ?? 'half_space_trees';
    const document = { files: [SETTINGS_FILE, ENV_FILE], pipeline: PIPELINE, table, id, detector: kind, limits };
    io.stdout(`${JSON.stringify(document, null, 2)}\n`);
    return;
  }
  io.stdout(
    `Wrote ${SETTINGS_FILE} and ${ENV_FILE}: pipeline ${PIPELINE} watches ${values.map(({ name }) => name).join(', ')} `,
  );
  io.stdout(`of ${table}, one machine for each ${id.join(' and ')}.\n`);
  const untried = `; once there are more rows, \`${program} suggest --from … --to …\`, which tries the limits on them (there were too few now): narrow ones call healthy rows anomalous`;
  io.stdout(
    `Next: \`${program} config check --live\`${isTried ? '' : untried}; then \`${program} worker\`, and \`${program} trigger\` in another terminal.\n`,
  );
}
