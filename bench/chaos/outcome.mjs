import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInflux } from '../../dist/influx/connect.js';
import { DATABASE, SCORES } from './plant.mjs';
import { listSnapshots } from './progress.mjs';

const ROWS_LEARNED_AT = 16; // src/model/snapshot.ts

/**
 * What a plant has come to.
 * @returns scores: machine to a hash of all its score rows in time order; scoreRows: how many; snapshots: machine to a
 * hash of its newest snapshot's bytes; learned: machine to the snapshot's own count of rows.
 */
export async function readOutcome(plant) {
  const snapshots = new Map();
  const learned = new Map();
  for (const { machine, names, root } of await listSnapshots(plant.storeFolder)) {
    const bytes = await readFile(join(root, machine, names.at(-1)));
    snapshots.set(machine, createHash('sha256').update(bytes).digest('hex'));
    learned.set(machine, bytes.readDoubleLE(ROWS_LEARNED_AT));
  }
  return { snapshots, learned, ...(await readScores(plant.influx.url())) };
}

async function readScores(url) {
  const influx = createInflux({ host: url, token: null, database: DATABASE });
  const hashes = new Map();
  let scoreRows = 0;
  try {
    for await (const table of influx.query(`SELECT * FROM ${SCORES} ORDER BY unique_id, time`)) {
      const names = [...table.columns.keys()].sort();
      scoreRows += table.rows;
      for (let row = 0; row < table.rows; row++) {
        const machine = cell(table.columns.get('unique_id'), row);
        if (!hashes.has(machine)) hashes.set(machine, createHash('sha256'));
        const line = names.map((name) => `${name}=${cell(table.columns.get(name), row)}`).join(' ');
        hashes.get(machine).update(`${line}\n`);
      }
    }
  } finally {
    await influx.close();
  }
  return { scoreRows, scores: new Map([...hashes].map(([machine, hash]) => [machine, hash.digest('hex')])) };
}

function cell(column, row) {
  return column.kind === 'string' ? (column.dictionary[column.codes[row]] ?? null) : column.values[row];
}

/** How many messages Slack took for each event. */
export function alertCounts(posts) {
  const counts = new Map();
  for (const { event, status } of posts) if (status === 200) counts.set(event, (counts.get(event) ?? 0) + 1);
  return counts;
}

/** Keys whose values differ or that only one side has. */
export function differences(one, other) {
  return [...new Set([...one.keys(), ...other.keys()])].filter((key) => one.get(key) !== other.get(key)).sort();
}

/** A killed worker dies this soon after Slack answered, or never wrote the record for another reason. */
const RECORD_WITHIN_MS = 2000;
/** The record is tried for so long while the store cannot be written. */
const RECORD_TRIED_MS = 16_000;

/**
 * Messages beyond the first of their event: `inWindow` those whose worker was killed, or whose store could not be written,
 * between Slack's answer and the record of it; no webhook can close that window. `unexplained` are all others.
 */
export function sortDuplicates({ posts, kills, faults }) {
  const taken = posts.filter(({ status }) => status === 200);
  const sorted = { inWindow: [], unexplained: [] };
  for (const event of new Set(taken.map((post) => post.event))) {
    const messages = taken.filter((post) => post.event === event);
    for (const { worker, atMs } of messages.slice(0, -1)) {
      const isKilled = kills.some((kill) => kill.worker === worker && isWithin(kill.atMs, atMs, RECORD_WITHIN_MS));
      const isUnwritable = faults.some(
        ({ kind, fromMs, toMs }) => kind.startsWith('store') && fromMs <= atMs + RECORD_TRIED_MS && atMs <= toMs,
      );
      (isKilled || isUnwritable ? sorted.inWindow : sorted.unexplained).push(event);
    }
  }
  return sorted;
}

function isWithin(time, from, length) {
  return from <= time && time <= from + length;
}
