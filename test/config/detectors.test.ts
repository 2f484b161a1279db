import { describe, expect, it } from 'vitest';
import { loadSettings } from '../../src/config/load.js';
import type { DetectorSettings } from '../../src/contract/pipeline.js';
import { folderWith } from './folder.js';

/** One pipeline over `x` and `y` with this detector. */
function readPipeline(detector: string, more = '') {
  const yaml = `pipelines:\n  p:\n    source: { table: t, id: [m], values: [x, y] }\n    detector: ${detector}\n${more}`;
  const cwd = folderWith({ 'halfspace.yaml': yaml });
  const { pipelines } = loadSettings({ cwd, env: {}, sections: ['pipelines'] });
  return pipelines.p ?? expect.fail('no pipeline');
}

function read(detector: string, more = ''): DetectorSettings {
  return readPipeline(detector, more).detector;
}

describe('detectors', () => {
  it.each([
    ['{ kind: threshold, high: 3 }', { kind: 'threshold', low: null, high: 3 }],
    ['{ kind: threshold, low: { x: 1 } }', { kind: 'threshold', low: { x: 1 }, high: null }],
    ['{ kind: quantile }', { kind: 'quantile', low: 0.01, high: 0.99, memory: 1000 }],
    ['{ kind: persist }', { kind: 'persist', window: 1, agg: 'median', c: 3, side: 'both', memory: 1000 }],
    ['{ kind: level_shift }', { kind: 'level_shift', window: 30, c: 6, side: 'both', memory: 1000 }],
    [
      '{ kind: volatility_shift }',
      { kind: 'volatility_shift', window: 30, agg: 'std', c: 6, side: 'both', memory: 1000 },
    ],
    [
      '{ kind: seasonal, period: 7d }',
      { kind: 'seasonal', period: 604_800_000, cells: 168, periods: 7, c: 3, side: 'both', memory: 1000 },
    ],
  ])('%s come out with every default', (given, expected) => {
    expect(read(given)).toEqual(expected);
  });

  it.each([
    '{ kind: level_shift, window: 1000 }',
    '{ kind: quantile, low: 0.1, high: 0.9, memory: 10 }',
    '{ kind: quantile, low: 0.001, high: 0.999 }',
  ])('remember just enough: %s', (detector) => {
    expect(() => read(detector)).not.toThrow();
  });

  it.each([
    ['24h', 24],
    ['7d', 168],
    ['8h', 24],
    ['25h30m', 26],
    ['10s', 10],
    ['2s', 2],
    ['3650d', 10_000],
  ])('cut a season of %s into %d cells where nothing is said', (period, cells) => {
    expect(read(`{ kind: seasonal, period: ${period} }`)).toMatchObject({ cells });
    expect(read(`{ kind: seasonal, period: ${period}, cells: 2 }`)).toMatchObject({ cells: 2 });
  });

  it.each([
    ['{ kind: half_space_trees }', '    normalise: running\n', 0.8],
    ['{ kind: level_shift }', '', 0.5],
    ['{ kind: vote, of: [{ detector: { kind: persist } }, { detector: { kind: quantile } }] }', '', 0.5],
    ['{ kind: level_shift }', '    verdict: { threshold: 0.7 }\n', 0.7],
    ['{ kind: level_shift }', '    verdict: { machines: { a: { threshold: 0.7 } } }\n', 0.5],
  ])('%s %j are judged at %d', (detector, more, threshold) => {
    expect(readPipeline(detector, more).verdict.threshold).toBe(threshold);
  });

  it('are guarded on flat series unless averages of many rows are judged', () => {
    expect(readPipeline('{ kind: drift_gate }', '').verdict.flat_guard).toBe(0);
    expect(readPipeline('{ kind: drift_gate }', '    verdict: { flat_guard: 0.1 }\n').verdict.flat_guard).toBe(0.1);
    expect(readPipeline('{ kind: threshold, high: 80 }', '').verdict.flat_guard).toBe(0);
    expect(readPipeline('{ kind: persist }', '').verdict).not.toHaveProperty('flat_guard');
  });

  it('are judged by rules that fit the threshold they have by themselves', () => {
    expect(() => readPipeline('{ kind: persist }', '    verdict: { clear_level: 0.6 }\n')).toThrow(
      'clear_level 0.6 is above threshold 0.5',
    );
  });

  it('vote each above its own level, which depends on its kind when left out', () => {
    const vote = read(
      '{ kind: vote, of: [{ detector: { kind: half_space_trees } }, { detector: { kind: threshold, low: 1 } }, { detector: { kind: quantile, low: null }, above: 0.7 }], need: 2 }',
      '    normalise: running\n',
    );
    expect(vote).toMatchObject({
      need: 2,
      of: [
        { detector: { kind: 'half_space_trees', n_trees: 10 }, above: 0.8 },
        { detector: { kind: 'threshold', low: 1, high: null }, above: 0.5 },
        { detector: { kind: 'quantile', low: null, high: 0.99 }, above: 0.7 },
      ],
    });
  });

  it.each([
    [
      'an unknown one, with the nearest name',
      '{ kind: levelshift }',
      /:4:23 pipelines\.p\.detector\.kind: expected a detector of kind half_space_trees, .* or vote \(did you mean `level_shift`\?\), got "levelshift"$/,
    ],
    [
      'a window of 0',
      '{ kind: level_shift, window: 0 }',
      ':4:44 pipelines.p.detector.window: expected an integer from 1 to 10000, got 0',
    ],
    [
      'a setting of another one',
      '{ kind: persist, n_trees: 3 }',
      ':4:32 pipelines.p.detector.n_trees: unknown setting; known here: kind, window, agg, c, side, memory',
    ],
    [
      'a threshold without limits',
      '{ kind: threshold }',
      ':4:15 pipelines.p.detector: a threshold needs `low`, `high` or both',
    ],
    [
      'limits upside down',
      '{ kind: threshold, low: 5, high: 5 }',
      ':4:48 pipelines.p.detector.high: 5 is not above `low`, which is 5',
    ],
    [
      'limits upside down in one column',
      '{ kind: threshold, low: 5, high: { x: 9, y: 4 } }',
      ':4:59 pipelines.p.detector.high.y: 4 is not above `low`, which is 5',
    ],
    [
      'limits of a column that there is not',
      '{ kind: threshold, high: { z: 9 } }',
      ':4:45 pipelines.p.detector.high.z: the detector sees nothing of that name; it sees x, y',
    ],
    [
      'a limit that is none',
      '{ kind: threshold, high: much }',
      'detector.high: expected a number, or numbers by column such as { power: 400 }, got "much"',
    ],
    [
      'a quantile above the median as the lower one',
      '{ kind: quantile, low: 0.6 }',
      'detector.low: expected a number between 0 and 0.5, got 0.6',
    ],
    [
      'quantiles on no side',
      '{ kind: quantile, low: null, high: null }',
      'detector.low: null beside `high: null` leaves nothing to look for',
    ],
    ['a season without length', '{ kind: seasonal, period: 0s }', 'detector.period: expected at least 2s, got "0s"'],
    [
      'cells shorter than a second',
      '{ kind: seasonal, period: 1m, cells: 100 }',
      ':4:52 pipelines.p.detector.cells: too many for the period',
    ],
    [
      'differences of less than a window',
      '{ kind: level_shift, window: 10000, memory: 10 }',
      ':4:59 pipelines.p.detector.memory: 10 differences are fewer than window 10000 has rows, so every shift would be ordinary as it comes',
    ],
    [
      'differences of less than a window of spreads',
      '{ kind: volatility_shift, window: 1001 }',
      'pipelines.p.detector.memory: 1000 differences are fewer than window 1001 has rows',
    ],
    [
      'values of which none lies beyond the upper quantile',
      '{ kind: quantile, low: null, memory: 99 }',
      ':4:52 pipelines.p.detector.memory: 99 values are too few for one of them to lie above high 0.99; remember more',
    ],
    [
      'values of which none lies beyond the lower quantile',
      '{ kind: quantile, low: 0.0005 }',
      'pipelines.p.detector.memory: 1000 values are too few for one of them to lie below low 0.0005',
    ],
    [
      'a vote that is never cast',
      '{ kind: vote, of: [{ detector: { kind: persist }, above: 1 }, { detector: { kind: quantile } }] }',
      ':4:72 pipelines.p.detector.of.0.above: no score is above 1, so it would never vote',
    ],
    [
      'a vote of one',
      '{ kind: vote, of: [{ detector: { kind: persist } }] }',
      'detector.of: expected a list of at least two detectors',
    ],
    [
      'more votes than detectors',
      '{ kind: vote, of: [{ detector: { kind: persist } }, { detector: { kind: quantile } }], need: 3 }',
      'detector.need: more than the 2 detectors there are',
    ],
    [
      'a mistake within a vote',
      '{ kind: vote, of: [{ detector: { kind: persist, window: 0 } }, { detector: { kind: threshold } }] }',
      ':4:71 pipelines.p.detector.of.0.detector.window: expected an integer from 1 to 10000, got 0',
    ],
    [
      'a contradiction within a vote',
      '{ kind: vote, of: [{ detector: { kind: persist } }, { detector: { kind: threshold } }] }',
      'detector.of.1.detector: a threshold needs `low`, `high` or both',
    ],
    [
      'a vote within a vote',
      '{ kind: vote, of: [{ detector: { kind: vote } }, { detector: { kind: quantile } }] }',
      'detector.of.0.detector.kind: expected a detector of kind half_space_trees, ',
    ],
    [
      'a module without a path',
      '{ kind: module }',
      ':4:5 pipelines.p.detector.path: missing; expected the path of a JavaScript module',
    ],
  ])('refuse %s', (_, detector, message) => {
    expect(() => read(detector)).toThrow(message);
  });

  it('need limits to normalise by where one of a vote does, and none where none does', () => {
    const trees = '{ kind: vote, of: [{ detector: { kind: half_space_trees } }, { detector: { kind: quantile } }] }';
    expect(() => read(trees)).toThrow('pipelines.p.normalise: missing; expected running');
    expect(read(trees, '    normalise: running\n').kind).toBe('vote');
    expect(() => read('{ kind: persist }', '    normalise: running\n')).toThrow(
      ':5:16 pipelines.p.normalise: has no meaning for persist, which looks at the values as measured; leave it out',
    );
    const own = '{ kind: module, path: own/detector.mjs }';
    expect(read(own, '    normalise: running\n').kind).toBe('module');
  });

  it.each([
    ['{ kind: threshold, high: 3 }', 'threshold'],
    ['{ kind: quantile }', 'quantile'],
    ['{ kind: persist }', 'persist'],
    ['{ kind: level_shift }', 'level_shift'],
    ['{ kind: volatility_shift }', 'volatility_shift'],
    ['{ kind: seasonal }', 'seasonal'],
    ['{ kind: robust_zscore }', 'robust_zscore'],
    ['{ kind: drift_gate }', 'drift_gate'],
    ['{ kind: novelty }', 'novelty'],
    ['{ kind: vote, of: [{ detector: { kind: module, path: a } }, { detector: { kind: quantile } }] }', 'quantile'],
  ])('refuse to judge the hour as a measurement: %s', (detector, kind) => {
    const error = (features: string) => {
      try {
        read(detector, `    features: [x, ${features}]\n`);
      } catch (refused) {
        return refused instanceof Error ? refused.message : '';
      }
      return 'nothing was refused';
    };
    const said = `tells the time, and ${kind} would judge it as a measurement; leave it out, or use half_space_trees or a module`;
    expect(error('{ hour: UTC }')).toBe(`halfspace.yaml:5:27 pipelines.p.features.1.hour: ${said}`);
    expect(error('{ weekday: UTC }')).toBe(`halfspace.yaml:5:30 pipelines.p.features.1.weekday: ${said}`);
  });

  it.each([
    '{ kind: half_space_trees }',
    '{ kind: module, path: a }',
    '{ kind: vote, of: [{ detector: { kind: module, path: a } }, { detector: { kind: half_space_trees } }] }',
  ])('take the hour where it is seen beside the values: %s', (detector) => {
    expect(readPipeline(detector, '    features: [x, { hour: UTC }]\n    normalise: running\n').features).toHaveLength(
      2,
    );
  });

  it('of a module are read without looking for its file, which only those who score need', () => {
    expect(read('{ kind: module, path: own/none.mjs, options: { depth: 3, names: [a] } }')).toEqual({
      kind: 'module',
      path: 'own/none.mjs',
      options: { depth: 3, names: ['a'] },
    });
  });
});
