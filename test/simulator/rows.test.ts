import { describe, expect, it } from 'vitest';
import { parseFault } from '../../src/simulator/fault-text.js';
import { defaultMachines } from '../../src/simulator/fleet.js';
import { lines } from '../../src/simulator/outputs.js';
import { historyRows, liveRanges } from '../../src/simulator/rows.js';

const START_MS = Date.UTC(2026, 0, 5);

describe('live rows', () => {
  it('continue history without a gap or a doubled row, however slowly they are read', async () => {
    const [machine] = defaultMachines(1, 1, 10);
    if (machine === undefined) throw new Error('one machine');
    let nowMs = START_MS + 3;
    const jumps = [7, 1, 25, 0, 333, 10];
    const stop = new AbortController();
    const live = [];
    const ranges = liveRanges(10, { fromMs: START_MS - 50, signal: stop.signal, now: () => nowMs });
    for await (const range of ranges) {
      live.push(...historyRows(machine, range));
      const jump = jumps.shift();
      if (jump === undefined) stop.abort();
      else nowMs += jump + 10;
    }
    expect(live).toEqual([...historyRows(machine, { fromMs: START_MS - 50, toMs: nowMs + 1 })]);
    expect(live.length).toBeGreaterThan(40);
  });

  it('never run ahead of the clock, and end when told', async () => {
    const stop = new AbortController();
    const ranges = liveRanges(20, { signal: stop.signal });
    const seen: number[] = [];
    for await (const { fromMs, toMs } of ranges) {
      expect(toMs - 1).toBeLessThanOrEqual(Date.now());
      expect(fromMs).toBeLessThan(toMs);
      seen.push(toMs);
      if (seen.length === 3) stop.abort();
    }
    expect(seen).toHaveLength(3);
  });
});

describe('line protocol of machines', () => {
  it('has the tags and fields of the original demo', () => {
    const machines = defaultMachines(3, 1);
    const text = [...lines(machines, { fromMs: START_MS, toMs: START_MS + 1000 })];
    expect(text).toHaveLength(3);
    expect(text[2]).toMatch(
      /^machine_data,machineID=machine3,provider=Brandt\\,\\ Duarte\\ and\\ Sons temperature=\d+,load=\d+,power=\d+,vibration=\d+ 1767571200000000000$/,
    );
  });

  it('leaves out what a gap swallows', () => {
    const [machine] = defaultMachines(1, 1);
    if (machine === undefined) throw new Error('one machine');
    const gap = { kind: 'gap', field: 'power', fromMs: START_MS, toMs: START_MS + 1000 } as const;
    const [line] = lines([machine.withFault(gap)], { fromMs: START_MS, toMs: START_MS + 1000 }, 'other');
    expect(line).toMatch(/^other,\S.* temperature=\d+,load=\d+,vibration=\d+ \d+$/);
  });
});

describe('a fault as text', () => {
  const fault = (text: string) => parseFault(text, START_MS);

  it('has machine, kind, field, offset and duration', () => {
    expect(fault('machine2:overload@110m+1m')).toEqual({
      machineID: 'machine2',
      fault: { kind: 'overload', fromMs: START_MS + 6_600_000, toMs: START_MS + 6_660_000 },
    });
    expect(fault('a:b:stuck/temperature@-10s').machineID).toBe('a:b');
    expect(fault('m:stuck/temperature@-10s').fault).toEqual({
      kind: 'stuck',
      field: 'temperature',
      fromMs: START_MS - 10_000,
      toMs: Number.POSITIVE_INFINITY,
    });
    expect(fault('m:spike@0s+1s').fault).toMatchObject({ kind: 'spike', field: 'power', by: 240 });
    expect(fault('m:drift/load@0s+1s').fault).toMatchObject({ kind: 'drift', field: 'load', by: 100 });
    expect(fault('m:gap@0s+1s').fault).toMatchObject({ kind: 'gap', field: null });
  });

  it.each([
    ['machine2', 'form'],
    ['m:melt@1s', 'overload, spike, drift, stuck, gap'],
    ['m:spike/heat@1s', 'temperature, load, power, vibration'],
    ['m:overload/power@1s', 'without a field'],
    ['m:spike@soon', '1h30m'],
    ['m:spike@1s+long', '1h30m'],
    ['m:spike@1s+0s', 'longer than 0s'],
  ])('refuses %s and says what could be written', (text, hint) => {
    expect(() => fault(text)).toThrow(hint);
    expect(() => fault(text)).toThrow(`\`${text}\``);
  });
});
