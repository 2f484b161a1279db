import { HalfspaceError } from '../contract/failures.js';
import { createMachine, type Machine } from './machine.js';
import { randomIntegerAt, streamOf } from './random.js';

/** Invented companies, in the shapes such names have. */
const FIRST = [
  'Larsen',
  'Okafor',
  'Brandt',
  'Moreau',
  'Castillo',
  'Nakano',
  'Whitfield',
  'Petrov',
  'Lindqvist',
  'Ahmadi',
];
const SECOND = ['Hale', 'Duarte', 'Kessler', 'Rossi', 'Varga', 'Ito', 'Quinn', 'Sato', 'Novak', 'Bell'];
const SHAPES: readonly ((first: string, second: string) => string)[] = [
  (first) => `${first} PLC`,
  (first, second) => `${first}-${second}`,
  (first, second) => `${first}, ${second} and Sons`,
  (first, second) => `${second} & ${first} GmbH`,
  (first) => `${first} Group`,
];

/** The providers of the first three machines, the ones of the original demo, whatever the seed. */
const FIRST_PROVIDERS = ['Larsen PLC', 'Okafor-Hale', 'Brandt, Duarte and Sons'];

/** More than any plant has; each machine is an object of its own. */
const MOST_MACHINES = 100_000;

/**
 * `count` healthy machines, `machine1`, `machine2`, … : a larger fleet begins with the smaller one's machines.
 * @throws HalfspaceError `BadSettings` when the count is no integer in 1..100,000 or the seed no integer >= 0.
 */
export function defaultMachines(count: number, seed: number, stepMs?: number): readonly Machine[] {
  if (!Number.isInteger(count) || count < 1 || count > MOST_MACHINES) {
    throw new HalfspaceError(
      'BadSettings',
      `Expected the number of machines to be an integer from 1 to ${MOST_MACHINES}, got \`${count}\``,
    );
  }
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new HalfspaceError('BadSettings', `Expected the seed to be an integer >= 0, got \`${seed}\``);
  }
  const stream = streamOf(seed, 'providers');
  return Array.from({ length: count }, (_, index) =>
    createMachine({
      machineID: `machine${index + 1}`,
      provider: FIRST_PROVIDERS[index] ?? inventProvider(stream, index),
      seed,
      ...(stepMs === undefined ? {} : { stepMs }),
    }),
  );
}

function inventProvider(stream: number, index: number): string {
  const pick = <T>(channel: number, from: readonly T[]): T | undefined =>
    from[randomIntegerAt(stream, index, channel, 0, from.length - 1)];
  return pick(0, SHAPES)?.(pick(1, FIRST) ?? '', pick(2, SECOND) ?? '') ?? '';
}
