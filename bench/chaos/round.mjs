import { mkdir } from 'node:fs/promises';
import { Disturbance } from './faults.mjs';
import { DISTURBED_WINDOWS } from './fleet.mjs';
import { alertCounts, differences, readOutcome, sortDuplicates } from './outcome.mjs';
import { buildPlant } from './plant.mjs';
import { Runs } from './runs.mjs';

/** Runs all windows of the fleet, the first ones disturbed by the faults, and gives what came of it. */
export async function runRound({ home, fleet, workers, canMount, faults }) {
  await mkdir(home, { recursive: true });
  const startedMs = Date.now();
  const plant = await buildPlant({ home, fleet, workers, canMount });
  try {
    const runs = new Runs(plant);
    const disturbance = new Disturbance({ plant, fleet, runs, faults });
    const watching = disturbance.watch();
    for (const endMs of fleet.ends.slice(0, DISTURBED_WINDOWS)) await runs.finishWindow(endMs);
    await disturbance.end();
    await watching;
    await runs.allEnded();
    for (const endMs of fleet.ends.slice(DISTURBED_WINDOWS)) await runs.finishWindow(endMs);
    return {
      seconds: (Date.now() - startedMs) / 1000,
      made: disturbance.made,
      notMade: disturbance.notMade,
      runs: runs.ended.length,
      failures: runs.failures,
      tooLate: runs.tooLate,
      lagging: runs.ended.at(-1).result?.lagging ?? null,
      restarts: plant.workers.reduce((sum, worker) => sum + worker.endedByItself, 0),
      kills: plant.workers.flatMap((worker) => worker.kills),
      posts: plant.slack.posts,
      ...(await readOutcome(plant)),
    };
  } finally {
    await plant.close();
  }
}

/** What a disturbed round has that the undisturbed one has not, one line each; none when they are equal. */
export function compareRounds(calm, round, fleet) {
  const problems = [];
  const report = (what, names) => {
    if (names.length > 0) problems.push(`${what}: ${names.length} (${names.slice(0, 3).join(', ')})`);
  };
  report('machines whose scores differ', differences(calm.scores, round.scores));
  report('machines whose newest snapshot differs', differences(calm.snapshots, round.snapshots));
  report('machines that learned too few or too many rows', miscounted(round.learned, fleet.rows));
  const duplicates = sortDuplicates({ posts: round.posts, kills: round.kills, faults: round.made });
  const [expected, got] = [calm, round].map(({ posts }) => new Map([...alertCounts(posts)].map(([key]) => [key, 1])));
  report('events told in only one of the two', differences(expected, got));
  report('events told twice without a reason', duplicates.unexplained);
  if (round.lagging !== 0) problems.push(`machines behind after the quiet run: ${round.lagging}`);
  return { problems, duplicates };
}

function miscounted(learned, rows) {
  return [...learned].filter(([, count]) => count !== rows).map(([machine]) => machine);
}
