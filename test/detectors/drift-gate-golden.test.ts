import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { createExplanations } from '../../src/detectors/detector.js';
import { DriftGate } from '../../src/detectors/drift-gate.js';
import { batchFrom } from './random-rows.js';

/** Public series and what a reference in Python said of them; tests of it are there when the folder is. */
const DATA = process.env.HALFSPACE_DATA ?? fileURLToPath(new URL('../../../shared/data', import.meta.url));
const FILES = join(DATA, 'skab');
const VIEWS = ['level', 'relation', 'activity'];

interface Golden {
  readonly row: number;
  /** Statistic over limit. */
  readonly ratio: number;
  readonly alarm: boolean;
  readonly view: string;
  readonly sensor: number;
}

/** Four sensors of noise out of a linear congruential generator: one follows another, one drifts, one is off in rows 1000..1199. */
function fourSensors(): Float64Array {
  const values = new Float64Array(4 * 1500);
  let state = 12345;
  for (let at = 0; at < values.length; at++) {
    for (let draw = 0; draw < 4; draw++) {
      state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
      values[at] = Number(values[at]) + state / 2 ** 31;
    }
    const [row, sensor] = [Math.floor(at / 4), at % 4];
    const fault = row >= 1000 && row < 1200 ? 1 : 0;
    const added = [0, 0.8 * Number(values[at - 1]), 0.001 * row, fault][sensor];
    values[at] = Number(values[at]) - 2 + Number(added);
  }
  return values;
}

function expectGolden(values: Float64Array, sensors: number, golden: readonly Golden[]): void {
  const rows = values.length / sensors;
  const detector = new DriftGate(
    { warm_up: 400, hold: 0 },
    Array.from({ length: sensors }, (_, i) => `s${i}`),
  );
  const scores = new Float64Array(rows);
  const explained = createExplanations(rows);
  detector.process(batchFrom(values, rows), 0, rows, 'score_then_learn', { scores, explained });
  // The alarm of the reference: fires above the limit, goes on above 0.6 of it.
  let alarm = false;
  const alarms = Array.from(scores, (score) => {
    alarm = score > (alarm ? 0.6 / 1.6 : 0.5);
    return alarm;
  });
  expect(golden.length).toBeGreaterThan(8);
  for (const { row, ratio, alarm: isAlarm, view, sensor } of golden) {
    const score = Number(scores[row]);
    expect(Math.abs(score / (1 - score) / ratio - 1), `row ${row}`).toBeLessThan(1e-9);
    expect(alarms[row], `row ${row}`).toBe(isAlarm);
    expect(VIEWS[Number(explained.view[row])], `row ${row}`).toBe(view);
    expect(explained.feature[row], `row ${row}`).toBe(sensor);
  }
}

function goldenFrom(lines: string): Golden[] {
  return lines
    .trim()
    .split('\n')
    .map((line) => {
      const [row, ratio, alarm, view, sensor] = line.split(',');
      return { row: Number(row), ratio: Number(ratio), alarm: alarm === '1', view: view ?? '', sensor: Number(sensor) };
    });
}

describe('DriftGate gives what the reference gives', () => {
  test('on four sensors of made noise', () => {
    const golden = `400,0.156493970407,0,relation,2
440,0.13695642541,0,activity,0
660,0.294645687513,0,relation,2
960,0.285828166237,0,activity,3
1000,0.104157251899,0,level,3
1020,1.52405329237,1,level,3
1100,2.60443111146,1,level,3
1200,1.33878015604,1,level,3
1220,0.105803550405,0,activity,3
1480,0.365997769044,0,level,1`;
    expectGolden(fourSensors(), 4, goldenFrom(golden));
  });

  if (existsSync(join(FILES, 'golden_driftgate_lcg.csv'))) {
    test('on all stored rows of four sensors of made noise', () => {
      const [, ...lines] = readFileSync(join(FILES, 'golden_driftgate_lcg.csv'), 'utf8').trim().split('\n');
      expectGolden(fourSensors(), 4, goldenFrom(lines.join('\n')));
    });

    test('on a run of the Skoltech Anomaly Benchmark', () => {
      const [, ...lines] = readFileSync(join(FILES, 'golden_driftgate.csv'), 'utf8').trim().split('\n');
      const [, ...rows] = readFileSync(join(FILES, 'valve1', '0.csv'), 'utf8')
        .trim()
        .split('\n');
      const values = Float64Array.from(rows.flatMap((line) => line.split(';').slice(1, 9).map(Number)));
      expectGolden(values, 8, goldenFrom(lines.map((line) => line.replace('valve1/0,', '')).join('\n')));
    });
  }
});
