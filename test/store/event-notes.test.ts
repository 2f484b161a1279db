import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeEach, expect, it } from 'vitest';
import type { DigestMachine } from '../../src/contract/digest.js';
import { EventNotes } from '../../src/store/event-notes.js';
import { openStorage, type Storage } from '../../src/store/storage.js';

let storage: Storage;
let notes: EventNotes;

beforeEach(async () => {
  storage = openStorage(pathToFileURL(await mkdtemp(join(tmpdir(), 'halfspace-notes-'))).href);
  notes = new EventNotes(storage, 'p~backfill~1~9');
});

function note(uniqueId: string, rows: number): DigestMachine {
  return { uniqueId, rows, events: 1, worst: { time: '5', score: 0.9 } };
}

async function kept(): Promise<string[]> {
  const found: string[] = [];
  for await (const { uniqueId, rows } of notes.read()) found.push(`${uniqueId} ${rows}`);
  return found.sort();
}

it('keep one a machine and place: what is learned again takes the place of the first', async () => {
  await notes.write(null, note('a', 1));
  await notes.write('7', note('a', 2));
  await notes.write('7', note('a', 3));
  await notes.write('7', note('b', 4));
  expect(await kept()).toEqual(['a 1', 'a 3', 'b 4']);
});

it('of one machine from a place on are forgotten when it goes back there', async () => {
  const hostile = ['a', 'a.5', 'a.start', 'A', '../a'];
  for (const machine of hostile) {
    for (const [since, rows] of [
      [null, 1],
      ['7', 2],
      ['70', 3],
      ['700', 4],
    ] as const)
      await notes.write(since, note(machine, rows));
  }
  await notes.forgetFrom('70', 'a');
  const others = hostile.slice(1).flatMap((machine) => [1, 2, 3, 4].map((rows) => `${machine} ${rows}`));
  expect(await kept()).toEqual([...others, 'a 1', 'a 2'].sort());
  await notes.forgetFrom(null, 'a');
  expect(await kept()).toEqual(others.sort());
});

it('of one backfill are forgotten without touching those of another', async () => {
  const other = new EventNotes(storage, 'p~backfill~1~8');
  await other.write(null, note('a', 1));
  await notes.write(null, note('a', 2));
  await other.forget();
  expect(await kept()).toEqual(['a 2']);
});
