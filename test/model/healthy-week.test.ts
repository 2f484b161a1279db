import { expect, it } from 'vitest';
import { loadSettings } from '../../src/config/load.js';
import { createModel, scoreSlice } from '../../src/model/model.js';
import { defaultMachines } from '../../src/simulator/fleet.js';
import { testSeed } from '../random.js';

const WEEK_ROWS = 7 * 86_400;
const START_S = Date.UTC(2026, 0, 5) / 1000;

it('the shipped pipelines raise at most one false event a machine and week', { timeout: 60_000 }, () => {
  const { pipelines } = loadSettings({
    env: { INFLUX_HOST: 'http://h', INFLUX_TOKEN: '', INFLUX_DATABASE: 'd' },
    sections: ['pipelines'],
  });
  const seed = testSeed();
  for (const machine of defaultMachines(1, seed)) {
    const times = new BigInt64Array(WEEK_ROWS);
    const values = new Float64Array(WEEK_ROWS);
    for (let row = 0; row < WEEK_ROWS; row++) {
      const { time, power } = machine.rowAt(START_S + row) ?? { time: 0n, power: null };
      times[row] = time;
      values[row] = power ?? Number.NaN;
    }
    const slice = {
      uniqueId: machine.machineID,
      ids: [machine.provider, machine.machineID],
      rows: WEEK_ROWS,
      times,
      values,
    };
    for (const [name, settings] of Object.entries(pipelines)) {
      const { closed, open, scores } = scoreSlice(createModel(settings), slice, settings);
      expect(
        scores.some((score) => score > 0.5),
        `${name} scores, seed ${seed}`,
      ).toBe(true);
      expect(closed.length + (open === null ? 0 : 1), `${name}, seed ${seed}`).toBeLessThanOrEqual(1);
    }
  }
});
