import { describe, expect, it } from 'vitest';
import { createDetector } from '../../src/detectors/registry.js';
import type { Fault } from '../../src/simulator/fault.js';
import { defaultMachines } from '../../src/simulator/fleet.js';
import { bandOf, createMachine, type Machine, type MachineRow } from '../../src/simulator/machine.js';
import { historyRows } from '../../src/simulator/rows.js';

const START_MS = Date.UTC(2026, 0, 5);
const MINUTE_MS = 60_000;

function machine(faults: readonly Fault[] = [], seed = 1): Machine {
  return createMachine({ machineID: 'machine1', provider: 'Larsen PLC', seed, faults });
}

function rows(of: Machine, fromMs: number, toMs: number): MachineRow[] {
  return [...historyRows(of, { fromMs, toMs })];
}

function powers(of: readonly MachineRow[]): (number | null)[] {
  return of.map((row) => row.power);
}

describe('a simulated machine', () => {
  it('gives the same rows for the same seed, and others for another seed or machine', () => {
    const range = [START_MS, START_MS + MINUTE_MS] as const;
    expect(rows(machine(), ...range)).toEqual(rows(machine(), ...range));
    expect(powers(rows(machine([], 2), ...range))).not.toEqual(powers(rows(machine(), ...range)));
    const [one, two] = defaultMachines(2, 1);
    if (one === undefined || two === undefined) throw new Error('two machines');
    expect(powers(rows(two, ...range))).not.toEqual(powers(rows(one, ...range)));
  });

  it('gives in two halves what it gives in one, wherever the cut lies, faults included', () => {
    const faults: Fault[] = [
      { kind: 'overload', fromMs: START_MS + 20_500, toMs: START_MS + 40_000 },
      { kind: 'drift', field: 'temperature', by: 9, fromMs: START_MS + 5_000, toMs: START_MS + 90_000 },
      { kind: 'gap', field: null, fromMs: START_MS + 70_000, toMs: START_MS + 75_000 },
    ];
    const of = machine(faults);
    const endMs = START_MS + 2 * MINUTE_MS;
    const whole = rows(of, START_MS, endMs);
    for (let cutMs = START_MS; cutMs <= endMs; cutMs += 777) {
      expect([...rows(of, START_MS, cutMs), ...rows(of, cutMs, endMs)]).toEqual(whole);
    }
  });

  it('has one row a second with ascending whole times', () => {
    const some = rows(machine(), START_MS + 1, START_MS + 10_001);
    expect(some.map((row) => row.time)).toEqual(
      Array.from({ length: 10 }, (_, i) => BigInt(START_MS + (i + 1) * 1000) * 1_000_000n),
    );
  });

  it.each(defaultMachines(3, 1))('walks its load between 50 and 99 in steps of 5 every 5 rows ($machineID)', (of) => {
    const loads = rows(of, START_MS, START_MS + 10 * MINUTE_MS).map((row) => row.load ?? Number.NaN);
    expect(Math.min(...loads)).toBeGreaterThanOrEqual(50);
    expect(Math.max(...loads)).toBeLessThanOrEqual(99);
    const changes = loads.flatMap((load, i) => (i > 0 && load !== loads[i - 1] ? [i] : []));
    expect(changes.every((at) => Math.abs((loads[at] ?? 0) - (loads[at - 1] ?? 0)) === 5)).toBe(true);
    expect(changes.slice(1).every((at, i) => at - (changes[i] ?? 0) === 5)).toBe(true);
  });

  it("keeps every reading in its load's band, healthy and in an overload", () => {
    const of = machine([{ kind: 'overload', fromMs: START_MS + MINUTE_MS, toMs: START_MS + 2 * MINUTE_MS }]);
    for (const row of rows(of, START_MS, START_MS + 3 * MINUTE_MS)) {
      const band = bandOf(row.load ?? Number.NaN);
      for (const name of ['temperature', 'power', 'vibration'] as const) {
        expect(row[name]).toBeGreaterThanOrEqual(band[name][0]);
        expect(row[name]).toBeLessThanOrEqual(band[name][1]);
      }
    }
  });

  it.each([
    [0, { temperature: [20, 20], power: [0, 0], vibration: [0, 0] }],
    [39, { temperature: [29, 34], power: [180, 199], vibration: [50, 79] }],
    [40, { temperature: [35, 40], power: [200, 220], vibration: [80, 90] }],
    [110, { temperature: [35, 40], power: [200, 220], vibration: [80, 90] }],
    [111, { temperature: [80, 90], power: [300, 320], vibration: [300, 500] }],
    [189, { temperature: [80, 90], power: [300, 320], vibration: [300, 500] }],
    [190, { temperature: [95, 120], power: [400, 500], vibration: [500, 600] }],
  ])('reads at load %i what the original demo reads', (load, band) => {
    expect(bandOf(load)).toEqual(band);
  });

  it('refuses a step that is no whole number of milliseconds and a fault that does not last', () => {
    const options = { machineID: 'm', provider: 'p', seed: 1 };
    expect(() => createMachine({ ...options, stepMs: 0.5 })).toThrow('got `0.5`');
    expect(() => machine([{ kind: 'overload', fromMs: 5, toMs: 5 }])).toThrow('overload of machine1 to last');
  });
});

describe('a fault', () => {
  const FROM_MS = START_MS + MINUTE_MS;
  const TO_MS = FROM_MS + 30_000;
  const healthy = rows(machine(), START_MS, START_MS + 3 * MINUTE_MS);

  function broken(fault: Fault): MachineRow[] {
    return rows(machine().withFault(fault), START_MS, START_MS + 3 * MINUTE_MS);
  }

  it('overload lifts the load by 20 a row up to 200 and lets it start again from 50 when it is repaired', () => {
    const loads = broken({ kind: 'overload', fromMs: FROM_MS, toMs: TO_MS }).map((row) => row.load ?? Number.NaN);
    const before = loads[59] ?? Number.NaN;
    expect(loads.slice(0, 60)).toEqual(healthy.slice(0, 60).map((row) => row.load));
    expect(loads.slice(60, 90)).toEqual(Array.from({ length: 30 }, (_, i) => Math.min(200, before + 20 * (i + 1))));
    expect(new Set(loads.slice(90, 95)).size).toBe(1);
    expect(loads[90]).toBeGreaterThanOrEqual(50);
    expect(loads[90]).toBeLessThan(55);
    expect(loads[95]).toBe((loads[90] ?? 0) + 5);
  });

  it('overload lasts when it has no end', () => {
    const last = broken({ kind: 'overload', fromMs: FROM_MS, toMs: Number.POSITIVE_INFINITY }).at(-1);
    expect(last?.load).toBe(200);
  });

  it('spike adds to one sensor for its time and to nothing else', () => {
    const expected = healthy.map((row, i) => (i >= 60 && i < 90 ? { ...row, power: (row.power ?? 0) + 240 } : row));
    expect(broken({ kind: 'spike', field: 'power', by: 240, fromMs: FROM_MS, toMs: TO_MS })).toEqual(expected);
  });

  it('drift adds ever more until its end, then the sensor is well again', () => {
    const expected = healthy.map((row, i) => (i >= 60 && i < 90 ? { ...row, power: (row.power ?? 0) + i - 60 } : row));
    expect(broken({ kind: 'drift', field: 'power', by: 30, fromMs: FROM_MS, toMs: TO_MS })).toEqual(expected);
  });

  it('stuck repeats the last value before it', () => {
    const value = healthy[59]?.temperature ?? null;
    const expected = healthy.map((row, i) => (i >= 60 && i < 90 ? { ...row, temperature: value } : row));
    expect(broken({ kind: 'stuck', field: 'temperature', fromMs: FROM_MS, toMs: TO_MS })).toEqual(expected);
  });

  it('gap leaves one reading out, or the whole row', () => {
    const one = healthy.map((row, i) => (i >= 60 && i < 90 ? { ...row, vibration: null } : row));
    expect(broken({ kind: 'gap', field: 'vibration', fromMs: FROM_MS, toMs: TO_MS })).toEqual(one);
    const all = healthy.filter((_, i) => i < 60 || i >= 90);
    expect(broken({ kind: 'gap', field: null, fromMs: FROM_MS, toMs: TO_MS })).toEqual(all);
  });
});

describe('the simulated fleet', () => {
  it('begins with the three machines of the original demo, and a larger one with the smaller one', () => {
    const name = (of: Machine) => [of.machineID, of.provider];
    const three = defaultMachines(3, 1).map(name);
    expect(three.map(([machineID]) => machineID)).toEqual(['machine1', 'machine2', 'machine3']);
    expect(new Set(three.map(([, provider]) => provider)).size).toBe(3);
    const many = defaultMachines(200, 1).map(name);
    expect(many.slice(0, 3)).toEqual(three);
    expect(defaultMachines(50, 1).map(name)).toEqual(many.slice(0, 50));
    expect(many.every(([, provider]) => provider !== '')).toBe(true);
  });

  it('refuses a count or seed that makes no sense', () => {
    expect(() => defaultMachines(0, 1)).toThrow('got `0`');
    expect(() => defaultMachines(1.5, 1)).toThrow('got `1.5`');
    expect(() => defaultMachines(1, -1)).toThrow('got `-1`');
  });

  it.each(defaultMachines(5, 1))(
    'raises no false alarm with the default pipeline, and its overload is found ($machineID)',
    (of) => {
      const HEALTHY_ROWS = 7200;
      const fromMs = START_MS + HEALTHY_ROWS * 1000;
      const faulty = of.withFault({ kind: 'overload', fromMs, toMs: fromMs + MINUTE_MS });
      const power = Float64Array.from(rows(faulty, START_MS, fromMs + MINUTE_MS), (row) => (row.power ?? 0) / 500);
      const settings = { kind: 'half_space_trees', n_trees: 10, height: 8, window_size: 250, seed: 1 } as const;
      const scores = new Float64Array(power.length);
      const batch = { rows: power.length, times: null, raw: power, values: power, missing: null };
      createDetector(settings, ['power']).process(batch, 0, power.length, 'score_then_learn', {
        scores,
        explained: null,
      });
      expect(scores.subarray(0, HEALTHY_ROWS).filter((score) => score > 0.8)).toHaveLength(0);
      expect(scores.subarray(HEALTHY_ROWS).filter((score) => score > 0.8).length).toBeGreaterThanOrEqual(50);
    },
  );
});
