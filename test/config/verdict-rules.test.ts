import { describe, expect, it } from 'vitest';
import { loadSettings } from '../../src/config/load.js';
import { SettingsError } from '../../src/config/settings-error.js';
import { folderWith } from './folder.js';

function load(verdict: string, mode = '') {
  const yaml = `pipelines:
  p:
    source: { table: t, id: [m], values: [x, y] }
    normalise: { x: [0, 1], y: [0, 1] }${mode}
    verdict:
${verdict
  .trim()
  .split('\n')
  .map((line) => `      ${line.trimEnd()}`)
  .join('\n')}
`;
  const cwd = folderWith({ 'halfspace.yaml': yaml });
  return loadSettings({ cwd, env: {}, sections: ['pipelines'] }).pipelines.p?.verdict;
}

function problems(verdict: string, mode = ''): string[] {
  try {
    load(verdict, mode);
  } catch (error) {
    if (error instanceof SettingsError) return error.message.split('\n');
    throw error;
  }
  return [];
}

describe('rules', () => {
  it('come out in milliseconds, for all columns or by column, with those of single machines', () => {
    const verdict = load(`
threshold: 0.9
clear_level: 0.7
direction: above
min_deviation: { x: 5 }
hold_for: 30s
repeat_after: 1h
valid_range: { x: [0, 500] }
stuck_after: 30m
stale_after: 10m
pause_learning: true
machines:
  "acme-*": { threshold: 0.95, stuck_after: { y: 1h } }
  acme-old: { stale_after: null }`);
    expect(verdict).toEqual({
      threshold: 0.9,
      clear_after: 300_000,
      clear_level: 0.7,
      direction: 'above',
      min_deviation: { x: 5 },
      hold_for: 30_000,
      repeat_after: 3_600_000,
      valid_range: { x: [0, 500] },
      stuck_after: 1_800_000,
      stale_after: 600_000,
      pause_learning: true,
      machines: {
        'acme-*': { threshold: 0.95, stuck_after: { y: 3_600_000 } },
        'acme-old': { stale_after: null },
      },
    });
  });

  it('that contradict each other are named in one line, with their place', () => {
    expect(problems('threshold: 0.8\nclear_level: 0.9')).toEqual([
      'halfspace.yaml:7:20 pipelines.p.verdict.clear_level: an event would end before it begins: clear_level 0.9 is above threshold 0.8; set it at or below',
    ]);
    expect(problems('clear_after: 10m\nrepeat_after: 10m')).toEqual([
      'halfspace.yaml:7:21 pipelines.p.verdict.repeat_after: has no effect: events less than clear_after (10m) apart are one already; set repeat_after above it',
    ]);
    expect(problems('stale_after: 10m', '\n    mode: replay')).toEqual([
      'halfspace.yaml:7:20 pipelines.p.verdict.stale_after: has no meaning in replay mode, which has no last window to compare with; leave it out',
    ]);
  });

  it('of a machine that contradict those of its pipeline are named at the machine, and only there', () => {
    expect(
      problems('threshold: 0.8\nclear_level: 0.7\nmachines:\n  "a-*": { threshold: 0.6 }\n  b: { hold_rows: 2 }'),
    ).toEqual([
      'halfspace.yaml:9:29 pipelines.p.verdict.machines.a-*.threshold: an event would end before it begins: clear_level 0.7 is above threshold 0.6; set it at or below',
    ]);
    expect(problems('threshold: 0.8\nclear_level: 0.9\nmachines:\n  b: { hold_rows: 2 }')).toHaveLength(1);
  });

  it('by which no row could ever be anomalous are refused', () => {
    expect(problems('threshold: 1')).toEqual([
      'halfspace.yaml:6:18 pipelines.p.verdict.threshold: no score is above 1, so no row would ever be anomalous; set it lower',
    ]);
    expect(problems('threshold: 1\nvalid_range: { x: [0, 1] }')).toEqual([]);
    expect(problems('threshold: 1\nstuck_after: 1h')).toEqual([]);
    expect(problems('machines: { noisy: { threshold: 1 } }')).toEqual([]);
  });

  it('of a machine without a name are refused', () => {
    expect(problems('machines: { "": { threshold: 0.5 } }')).toEqual([
      expect.stringMatching(
        /^halfspace\.yaml:6:\d+ pipelines\.p\.verdict\.machines\.: expected a unique_id, or a pattern such as acme-\*/,
      ),
    ]);
  });

  it('of columns that are none are refused', () => {
    const known = 'not a value column; the value columns are x, y';
    expect(problems('valid_range: { z: [0, 1] }')).toEqual([
      `halfspace.yaml:6:25 pipelines.p.verdict.valid_range.z: ${known}`,
    ]);
    expect(problems('machines: { a: { min_deviation: { z: 1 } } }')).toEqual([
      `halfspace.yaml:6:44 pipelines.p.verdict.machines.a.min_deviation.z: ${known}`,
    ]);
  });

  it('of a wrong kind say what was expected', () => {
    expect(
      problems('hold_rows: 0\ndirection: up\nvalid_range: { x: [5, 1] }\nmin_deviation: -1\nstuck_after: soon'),
    ).toEqual([
      'halfspace.yaml:6:18 pipelines.p.verdict.hold_rows: expected an integer from 1 to 1000000, got 0',
      'halfspace.yaml:7:18 pipelines.p.verdict.direction: expected both, above or below, got "up"',
      expect.stringMatching(
        /^halfspace.yaml:8:25 pipelines.p.verdict.valid_range.x: expected the lowest and the highest/,
      ),
      expect.stringMatching(/^halfspace.yaml:9:22 pipelines.p.verdict.min_deviation: expected a number of at least 0/),
      expect.stringMatching(/^halfspace.yaml:10:20 pipelines.p.verdict.stuck_after: expected a duration such as 30m/),
    ]);
    expect(problems('machines: { a: { treshold: 1 } }')).toEqual([
      'halfspace.yaml:6:24 pipelines.p.verdict.machines.a.treshold: unknown setting; did you mean `threshold`?',
    ]);
  });
});
