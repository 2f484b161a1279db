import { alertCounts, differences } from './outcome.mjs';

/** One line a round: what was done to it, and what it shares with the undisturbed run. */
export function tableText(calm, reports) {
  const rows = [HEAD, ...reports.map((report) => rowOf(calm, report))];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const table = rows.map((row) =>
    row
      .map((text, column) => text.padEnd(widths[column]))
      .join('  ')
      .trimEnd(),
  );
  return `${[...table, LEGEND, ...reports.flatMap(notesOf)].join('\n')}\n`;
}

const LEGEND =
  'kills to slack: faults made; scores, snapshots, learned: machines as in the undisturbed run; twice: messages told twice, where a channel cannot tell + without a reason';

const HEAD = [
  'seed',
  'kills',
  'temporal',
  'influx',
  'store',
  'slack',
  'runs',
  'failed',
  'scores',
  'snapshots',
  'learned',
  'events',
  'twice',
  's',
];

function rowOf(calm, { seed, round, duplicates }) {
  if (round === null) return [String(seed), ...HEAD.slice(1).map(() => '-')];
  const made = (word) => String(round.made.filter(({ kind }) => kind.includes(word)).length);
  const same = (name) => `${round[name].size - differences(calm[name], round[name]).length}/${calm[name].size}`;
  const events = alertCounts(calm.posts).size;
  return [
    String(seed),
    made('kill'),
    made('temporal'),
    made('influx'),
    made('store'),
    made('slack'),
    String(round.runs),
    String(round.failures.length),
    same('scores'),
    same('snapshots'),
    same('learned'),
    `${alertCounts(round.posts).size}/${events}`,
    `${duplicates.inWindow.length}+${duplicates.unexplained.length}`,
    round.seconds.toFixed(0),
  ];
}

function notesOf({ seed, round, problems, duplicates }) {
  const notes = problems.map((problem) => `seed ${seed}: DIFFERS: ${problem}`);
  if (round === null) return notes;
  for (const failure of round.failures) notes.push(`seed ${seed}: a run failed and was started again: ${failure}`);
  if (round.tooLate > 0)
    notes.push(`seed ${seed}: runs that came when their window was done already, and were refused: ${round.tooLate}`);
  for (const { kind, why, count } of countedOf(round.notMade)) {
    const all = count + round.made.filter((made) => made.kind === kind).length;
    notes.push(`seed ${seed}: not made: ${count} of ${all} ${kind} (${why})`);
  }
  if (round.restarts > 0)
    notes.push(`seed ${seed}: workers that ended by themselves and were started again: ${round.restarts}`);
  for (const event of duplicates.inWindow) {
    notes.push(`seed ${seed}: told twice, in the channel's own window between its answer and the record: ${event}`);
  }
  return notes;
}

/** The faults that were not made, those of one kind and reason together. */
function countedOf(notMade) {
  const counts = new Map();
  for (const { kind, why } of notMade) {
    const known = counts.get(`${kind} ${why}`) ?? { kind, why, count: 0 };
    counts.set(`${kind} ${why}`, { ...known, count: known.count + 1 });
  }
  return [...counts.values()];
}
