/**
 * Rows per second read from InfluxDB's wire protocol: the client's public `query()` against the columnar read of
 * src/influx, alternating in one run. The server is the local stand-in, in a process of its own.
 *
 *   npm run build && node bench/read.mjs [--rows 1000000] [--rounds 3] [--json]
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { InfluxDBClient } from '@influxdata/influxdb3-client';
import { createInflux } from '../dist/influx/connect.js';
import { lineFormatter } from '../dist/influx/line-protocol.js';
import { writeAll } from '../dist/influx/write-all.js';

const MACHINES = 50;
const DATABASE = 'bench';
const SQL = 'SELECT "provider", "machineID", "power", "time" FROM "machine_data" ORDER BY "time"';
const START_NS = 1_767_225_600_000_000_000n; // 2026-01-01T00:00:00Z
const SECOND_NS = 1_000_000_000n;
const SEED = 1;

const double = new Float64Array(1);
const words = new Int32Array(double.buffer);

const { values: options } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
    serve: { type: 'boolean', default: false },
  },
});

if (options.serve) await serve();
else await run(Number(options.rows), Number(options.rounds));

/** The server's process: tells its address and lives as long as its parent. */
async function serve() {
  const { startStandIn } = await import('../dist/local/standin/server.js');
  const { url } = await startStandIn({ host: '127.0.0.1', port: 0, dataDir: null, token: null });
  process.on('disconnect', () => process.exit(0));
  process.send({ url });
}

async function run(rows, rounds) {
  const child = fork(fileURLToPath(import.meta.url), ['--serve']);
  try {
    const [{ url }] = await once(child, 'message');
    const influx = createInflux({ host: url, token: null, database: DATABASE, queryTimeoutMs: 600_000 });
    const client = new InfluxDBClient({ host: url, token: '', database: DATABASE, queryTimeout: 600_000 });
    const wroteInMs = await timed(() => writeAll(influx, lines(rows), { batchSize: 20_000 }));
    note(`wrote ${rows} rows of ${MACHINES} machines at ${perSecond(rows, wroteInMs)} rows/s`);

    const readers = { query: () => readRows(client), columnar: () => readColumns(influx) };
    const rates = { query: [], columnar: [] };
    const checks = new Set();
    for (let round = 0; round <= rounds; round++) {
      for (const [name, read] of Object.entries(readers)) {
        const ms = await timed(async () => checks.add(JSON.stringify(await read())));
        // The first round only warms up compiler and server.
        if (round > 0) rates[name].push(perSecond(rows, ms));
        note(`${round === 0 ? 'warm-up' : `round ${round}`}: ${name} ${perSecond(rows, ms)} rows/s`);
      }
    }
    if (checks.size !== 1) throw new Error(`The two reads differ: ${[...checks].join(' and ')}`);
    report(rows, rounds, rates);
    await Promise.all([influx.close(), client.close()]);
  } finally {
    if (child.exitCode === null) {
      child.disconnect();
      await once(child, 'exit');
    }
  }
}

function* lines(rows) {
  const formatters = Array.from({ length: MACHINES }, (_, machine) =>
    lineFormatter('machine_data', { provider: `provider ${machine % 5}`, machineID: `machine${machine}` }),
  );
  const random = mulberry32(SEED);
  for (let row = 0; row < rows; row++) {
    yield formatters[row % MACHINES](
      { power: 500 * random() },
      START_NS + BigInt(Math.trunc(row / MACHINES)) * SECOND_NS,
    );
  }
}

async function readRows(client) {
  let rows = 0;
  let characters = 0;
  let bits = 0;
  for await (const row of client.query(SQL, DATABASE)) {
    rows++;
    characters += row.provider.length + row.machineID.length;
    bits = foldDouble(bits, row.power);
  }
  return { rows, characters, bits };
}

async function readColumns(influx) {
  let rows = 0;
  let characters = 0;
  let bits = 0;
  for await (const table of influx.query(SQL)) {
    rows += table.rows;
    for (const name of ['provider', 'machineID']) {
      const { dictionary, codes } = table.columns.get(name);
      for (let row = 0; row < table.rows; row++) characters += dictionary[codes[row]].length;
    }
    const { values } = table.columns.get('power');
    for (let row = 0; row < table.rows; row++) bits = foldDouble(bits, values[row]);
  }
  return { rows, characters, bits };
}

/** A sum of the doubles' bits that does not depend on the order of equal times. */
function foldDouble(bits, value) {
  double[0] = value;
  return (bits + words[0] + words[1]) | 0;
}

/** Tommy Ettinger's generator of 32 bits, public domain. */
function mulberry32(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

async function timed(work) {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

function perSecond(rows, ms) {
  return Math.round((rows / ms) * 1000);
}

function median(numbers) {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
}

function report(rows, rounds, rates) {
  const result = {
    rows,
    machines: MACHINES,
    rounds,
    query_rows_per_s: median(rates.query),
    columnar_rows_per_s: median(rates.columnar),
    ratio: Number((median(rates.columnar) / median(rates.query)).toFixed(2)),
    peak_rss_mb: Math.round(process.resourceUsage().maxRSS / 1024),
  };
  const text = [
    `client.query()   ${result.query_rows_per_s} rows/s (${Math.min(...rates.query)} to ${Math.max(...rates.query)})`,
    `columnar read    ${result.columnar_rows_per_s} rows/s (${Math.min(...rates.columnar)} to ${Math.max(...rates.columnar)})`,
    `ratio            ${result.ratio}`,
    `peak memory      ${result.peak_rss_mb} MB (this process, both reads)`,
  ];
  process.stdout.write(options.json ? `${JSON.stringify(result)}\n` : `${text.join('\n')}\n`);
}

function note(text) {
  process.stderr.write(`${text}\n`);
}
