/**
 * The kill test: real workers are killed, Temporal's server and InfluxDB end and come back, the store cannot be written,
 * Slack refuses; then scores, models and messages must be those of a run that nothing disturbed.
 */
import { spawn } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createFleet, TIMED_WINDOWS } from './chaos/fleet.mjs';
import { alertCounts } from './chaos/outcome.mjs';
import { drawFaults, planText } from './chaos/plan.mjs';
import { closeHome } from './chaos/plant.mjs';
import { compareRounds, runRound } from './chaos/round.mjs';
import { findNamespace } from './chaos/store-mount.mjs';
import { tableText } from './chaos/table.mjs';

const USAGE = `usage: npm run chaos -- [--seed 1] [--rounds 1] [--kills 20] [--machines 200] [--rows 2000] [--workers 2] [--keep]

  --seed      draws the faults; round n has the seed after that of round n - 1
  --rounds    disturbed rounds, each compared with one that nothing disturbed
  --kills     how often a worker is killed in a round; the other faults go with it
  --machines  machines of the fleet
  --rows      rows of each machine
  --workers   worker processes
  --keep      leaves the folders of rounds that differ

Exits 0 when every round equals the undisturbed one, 1 when one differs, 2 for a wrong option.`;

const { values: options } = readOptions({
  options: {
    seed: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '1' },
    kills: { type: 'string', default: '20' },
    machines: { type: 'string', default: '200' },
    rows: { type: 'string', default: '2000' },
    workers: { type: 'string', default: '2' },
    /** Leaves the folders with logs, database and store of rounds that differ. */
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
    /** Set by this program when it starts itself again where it may mount. */
    mounting: { type: 'boolean', default: false },
  },
});
const say = (text) => process.stderr.write(`${text}\n`);
const namespace = options.mounting || options.help ? null : findNamespace();
if (options.help) process.stdout.write(`${USAGE}\n`);
else if (namespace === null) process.exitCode = await main();
else startInside(namespace);

function readOptions(config) {
  try {
    return parseArgs(config);
  } catch (error) {
    process.stderr.write(`${error.message}\n\n${USAGE}\n`);
    return process.exit(2);
  }
}

/** The same program where a mount is its own and vanishes with it. */
function startInside(flags) {
  const self = [process.execPath, fileURLToPath(import.meta.url), ...process.argv.slice(2), '--mounting'];
  const child = spawn('unshare', [...flags, ...self], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code) => {
    process.exitCode = code ?? 1;
  });
}

async function main() {
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));
  const [seed, rounds, kills, workers] = ['seed', 'rounds', 'kills', 'workers'].map((name) => wholeNumber(name));
  const fleet = createFleet({ machines: wholeNumber('machines'), rows: wholeNumber('rows') });
  if (!options.mounting) say('no file system can be mounted here: the store will be neither read-only nor full');
  const root = await mkdtemp(join(tmpdir(), 'halfspace-chaos-'));
  const common = { fleet, workers, canMount: options.mounting };
  const calm = await runRound({ ...common, workers: 1, home: join(root, 'calm'), faults: [] });
  const events = alertCounts(calm.posts);
  say(
    `undisturbed: ${calm.scoreRows} scores, ${calm.snapshots.size} machines, ${events.size} events, ${calm.seconds} s`,
  );
  const reports = [];
  for (let n = 0; n < rounds; n++) {
    const faults = drawFaults({ seed: seed + n, kills, windows: TIMED_WINDOWS });
    say(`round ${n + 1}, seed ${seed + n}, ${faults.length} faults, each at a share of the published work:`);
    say(planText(faults));
    reports.push(await reportOf({ ...common, home: join(root, `round${n + 1}`), faults }, seed + n, calm));
  }
  const differing = reports.filter(({ problems }) => problems.length > 0).length;
  process.stdout.write(tableText(calm, reports));
  if (options.keep && differing > 0) say(`left for a look: ${root}`);
  else await closeHome(root);
  process.stdout.write(
    `chaos: ${rounds} ${rounds === 1 ? 'round' : 'rounds'}, ${rounds - differing} equal, ${differing} differ\n`,
  );
  return differing === 0 ? 0 : 1;
}

/** A round that cannot be finished differs, too. */
async function reportOf(options, seed, calm) {
  try {
    const round = await runRound(options);
    return { seed, round, ...compareRounds(calm, round, options.fleet) };
  } catch (error) {
    say(error.stack);
    return { seed, round: null, problems: [`not finished: ${error.message}`], duplicates: null };
  }
}

function wholeNumber(name) {
  const value = Number(options[name]);
  if (Number.isInteger(value) && value >= (name === 'seed' ? 0 : 1)) return value;
  say(`Expected --${name} to be a whole number, got \`${options[name]}\``);
  process.exit(2);
}
