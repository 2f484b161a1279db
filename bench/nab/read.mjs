/** Series, labelled windows and stored scores in the layout of the Numenta Anomaly Benchmark. */
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { nanosFromIso } from '../../dist/contract/time.js';
import { rowsInside } from '../../dist/evaluation/nab-score.js';

/**
 * What `folder`/windows.json names (the benchmark's combined_windows.json for those files): `{file, times, values, windows}`
 * each, times in nanoseconds, windows as first and last row.
 */
export async function readSeries(folder) {
  const labels = JSON.parse(await readFile(join(folder, 'windows.json'), 'utf8'));
  const series = [];
  for (const [file, windows] of Object.entries(labels)) {
    const table = await readTable(join(folder, file));
    const times = BigInt64Array.from(table.column('timestamp'), nanosOf);
    const rows = windows.map(([from, to]) => rowsInside(times, nanosOf(from), nanosOf(to)));
    if (rows.includes(null)) throw new Error(`${file}: windows.json labels a window without rows`);
    series.push({ file, times, values: Float64Array.from(table.column('value'), Number), windows: rows });
  }
  return series;
}

/** Folders with stored scores: `folder` itself when it holds those of `file`, else those inside that do. */
export async function resultFolders(folder, file) {
  if (resultPath(folder, file) !== null) return [folder];
  const inside = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isDirectory());
  const found = inside.map(({ name }) => join(folder, name)).filter((path) => resultPath(path, file) !== null);
  if (found.length === 0) throw new Error(`${folder} has no scores of ${file}, nor has a folder in it`);
  return found.sort();
}

/** Stored scores of `file`, a row each: its column `anomaly_score`. */
export async function readScores(folder, file) {
  const path = resultPath(folder, file);
  if (path === null) throw new Error(`${folder} has no scores of ${file}`);
  return Float64Array.from((await readTable(path)).column('anomaly_score'), Number);
}

/** The benchmark itself puts the detector's name before the file's. */
function resultPath(folder, file) {
  const own = join(folder, dirname(file), `${basename(folder)}_${basename(file)}`);
  const plain = join(folder, file);
  return [plain, `${plain}.gz`, own, `${own}.gz`].find((path) => existsSync(path)) ?? null;
}

async function readTable(path) {
  const bytes = await readFile(path);
  const text = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  const [head, ...rows] = text
    .trim()
    .split(/\r?\n/)
    .map((line) => line.split(','));
  return {
    column(name) {
      const at = head.indexOf(name);
      if (at < 0) throw new Error(`${path} has no column \`${name}\`, only ${head.join(', ')}`);
      return rows.map((row) => row[at]);
    },
  };
}

function nanosOf(text) {
  const nanos = nanosFromIso(text);
  if (nanos === null) throw new Error(`Expected a time such as 2014-04-10 16:15:00, got \`${text}\``);
  return nanos;
}
