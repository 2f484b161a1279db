import { describe, expect, it } from 'vitest';
import { homeOf, homeQueue } from '../../src/contract/homes.js';

const HOMES = ['plant-a-101-k3', 'plant-a-102-k3', 'plant-b-101-k4', 'plant-c-7-k5'];
const MACHINES = Array.from({ length: 4000 }, (_, i) => `okafor-hale-machine${i}`);

describe('homeOf', () => {
  it('gives each home about the same number of machines', () => {
    const counts = new Map<string, number>();
    for (const machine of MACHINES) {
      const home = homeOf(machine, HOMES) ?? 'none';
      counts.set(home, (counts.get(home) ?? 0) + 1);
    }
    expect([...counts.keys()].sort()).toEqual([...HOMES].sort());
    // 1,000 each; the spread of fair draws is 27.
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(5 * 27);
  });

  it('moves the machines of a home that leaves, and no other', () => {
    const [gone, ...left] = HOMES;
    const moved = MACHINES.filter((machine) => homeOf(machine, HOMES) !== homeOf(machine, left));
    expect(moved).toEqual(MACHINES.filter((machine) => homeOf(machine, HOMES) === gone));
    const taking = new Set(moved.map((machine) => homeOf(machine, left)));
    expect(taking.size).toBe(left.length);
  });

  it('moves machines only to a home that joins', () => {
    const more = [...HOMES, 'plant-d-9-k9'];
    for (const machine of MACHINES) {
      const after = homeOf(machine, more);
      if (after !== homeOf(machine, HOMES)) expect(after).toBe('plant-d-9-k9');
    }
  });

  it('does not depend on the order of the homes', () => {
    const reversed = [...HOMES].reverse();
    for (const machine of MACHINES) expect(homeOf(machine, reversed)).toBe(homeOf(machine, HOMES));
  });

  it('gives none when there is none', () => {
    expect(homeOf('machine1', [])).toBeNull();
  });
});

it('names a queue after the shared one and the worker', () => {
  expect(homeQueue('halfspace', 'plant-a-101-k3')).toBe('halfspace@plant-a-101-k3');
});
