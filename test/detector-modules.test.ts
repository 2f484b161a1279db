import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { learningSettingsHash } from '../src/activities/plan-document.js';
import { configCheck } from '../src/cli/config-check.js';
import { scoreFile } from '../src/cli/score.js';
import { loadSettings } from '../src/config/load.js';
import { SettingsError } from '../src/config/settings-error.js';
import { loadDetectorModules } from '../src/detector-modules.js';
import type { Batch, Explanations } from '../src/detectors/detector.js';
import { createDetector } from '../src/detectors/registry.js';
import { capturedIo } from './cli/captured-io.js';
import { batchFrom } from './detectors/random-rows.js';

/** Every field of a batch and of explanations; the compiler sees to it. */
const BATCH: Record<keyof Batch, true> = {
  rows: true,
  times: true,
  values: true,
  raw: true,
  missing: true,
  growing: true,
};
const EXPLAINED: Record<keyof Explanations, true> = {
  feature: true,
  view: true,
  expected: true,
  lower: true,
  upper: true,
};

const EXAMPLE = fileURLToPath(new URL('../examples/running-range.mjs', import.meta.url));

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'halfspace-module-'));
  copyFileSync(EXAMPLE, join(folder, 'own.mjs'));
});
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;

/** A settings file with this detector; each has its own name. */
function settingsFile(detector: string): string {
  const file = join(folder, `settings-${++files}.yaml`);
  writeFileSync(
    file,
    `influx: { host: "http://h", database: d }
pipelines:
  p:
    source: { table: t, id: [m], values: [x] }
    detector: ${detector}
    verdict: { threshold: 0.5 }
`,
  );
  return file;
}

function settingsWith(detector: string) {
  return loadSettings({ file: settingsFile(detector), env: {}, sections: ['pipelines'] });
}

/** Settings with a module of this code. */
function settingsOf(code: string) {
  const name = `module-${++files}.mjs`;
  writeFileSync(join(folder, name), code);
  return settingsWith(`{ kind: module, path: ${name} }`);
}

/** A module whose detector differs from a right one in this. */
function moduleWith(overrides: string): string {
  return `
    const make = () => ({ rows: 0, sizeBytes: 8, views: [], process() {}, toBytes: () => new Uint8Array(3), ...${overrides} });
    export const createDetector = make;
    export const fromBytes = make;
  `;
}

function detectorOf({ pipelines }: ReturnType<typeof settingsWith>) {
  const { p } = pipelines;
  if (p === undefined) throw new Error('Expected a pipeline');
  return createDetector(p.detector, p.source.values);
}

describe('a detector module', () => {
  it('scores a file offline, with its options', async () => {
    const csv = ['time,m,x', ...Array.from({ length: 50 }, (_, i) => `${i},a,${(9 * i) % 10}`), '50,a,12', '51,a,99'];
    writeFileSync(join(folder, 'data.csv'), `${csv.join('\n')}\n`);
    const config = settingsFile('{ kind: module, path: ./own.mjs, options: { slack: 0.5 } }');
    const out = join(folder, 'scores.csv');
    const { result } = await scoreFile({ file: join(folder, 'data.csv'), out, config }, capturedIo());
    expect(result).toMatchObject({ rows: 52, anomalies: 1 });
    const scores = readFileSync(out, 'utf8').trimEnd().split('\n');
    // 12 is a third of the range 0..9 outside: 2/3 of the slack, so a score of 0.4.
    expect(scores.at(-2)).toContain(',0.4');
    expect(scores.at(-1)).toMatch(/,true,|,True,/i);
  });

  it('votes beside others', async () => {
    const settings = settingsWith(
      '{ kind: vote, of: [{ detector: { kind: module, path: own.mjs } }, { detector: { kind: threshold, high: 5 } }], need: all }',
    );
    await loadDetectorModules(settings);
    const scores = new Float64Array(4);
    const batch = batchFrom(Float64Array.of(1, 2, 4, 40), 4);
    detectorOf(settings).process(batch, 0, 4, 'score_then_learn', { scores, explained: null });
    expect(Array.from(scores, (score) => score > 0.5)).toEqual([false, false, false, true]);
  });

  it.each([
    ['exports nothing', 'export const x = 1;', 'it exports no function `createDetector` and no function `fromBytes`'],
    ['is no JavaScript', 'export const x = ;', 'the module cannot be loaded: '],
    ['fails as it is loaded', 'throw new Error("no licence\\nat all")', 'the module cannot be loaded: no licence'],
    [
      'fails to make a detector',
      'export function createDetector() { throw new Error("bad options") }\nexport function fromBytes() {}',
      '`createDetector` failed: bad options',
    ],
    [
      'makes nothing',
      'export function createDetector() {}\nexport function fromBytes() {}',
      'what `createDetector` gives has no function `process`, no function `toBytes`, no number `rows`',
    ],
    [
      'makes a detector without `process`',
      moduleWith('{ process: 3 }'),
      'what `createDetector` gives has no function `process`',
    ],
    [
      'scores later, as `async` functions do',
      moduleWith('{ async process() { await null; throw new Error("too late") } }'),
      '.mjs: `process` gave a promise; it must be done when it returns, so not `async`',
    ],
    [
      'makes a detector later',
      'export async function createDetector() { throw new Error("too late") }\nexport function fromBytes() {}',
      '.mjs: `createDetector` gave a promise;',
    ],
    ['makes a detector without views', moduleWith('{ views: null }'), 'has no list of texts `views`'],
    ['saves no bytes', moduleWith('{ toBytes: () => "text" }'), '`toBytes` of its detector gave no Uint8Array'],
    [
      'does not come back from its bytes',
      `${moduleWith('{}').replace('export const fromBytes = make;', 'export function fromBytes() { throw new Error("not yet") }')}`,
      '`fromBytes` failed: not yet',
    ],
  ])('that %s is refused in one line with its place in the file', async (_, code, message) => {
    const settings = settingsOf(code);
    const error = await loadDetectorModules(settings).then(
      () => expect.fail('nothing was refused'),
      (refused: unknown) => refused,
    );
    expect(error).toBeInstanceOf(SettingsError);
    const text = error instanceof SettingsError ? error.message : '';
    expect(text).toContain(`${settings.file}:5:37 pipelines.p.detector.path: `);
    expect(text).toContain(message);
    expect(text).not.toContain('\n');
  });

  it('that is not there is refused with the path that was looked at', async () => {
    await expect(loadDetectorModules(settingsWith('{ kind: module, path: ../nowhere.mjs }'))).rejects.toThrow(
      `:5:37 pipelines.p.detector.path: no detector module at ${join(folder, '..', 'nowhere.mjs')}: there is no such file`,
    );
  });

  it('are named together where several are none', async () => {
    const members = ['one', 'two'].map((name) => `{ detector: { kind: module, path: ./${name}.mjs } }`);
    const refused = loadDetectorModules(settingsWith(`{ kind: vote, of: [${members.join(', ')}] }`));
    await expect(refused).rejects.toThrow(
      /path: no detector module at .*one\.mjs.*\n.*path: no detector module at .*two\.mjs/,
    );
  });

  it('that is none is found by `config check`', async () => {
    const config = settingsFile('{ kind: module, path: none-such.mjs }');
    writeFileSync(join(folder, 'none-such.mjs'), 'export const x = 1;');
    const io = capturedIo();
    expect(await configCheck({ config, env: {} }, io)).toBe('wrongUse');
    expect(io.out()).toContain('settings-');
    expect(io.out()).toContain(':5:37 pipelines.p.detector.path: The module is no detector');
  });

  it('has scores outside 0..1 cut, and ends the run with one that is no number', async () => {
    const giving = moduleWith(
      '{ process(batch, from, to, order, out) { out.scores.set(batch.raw.subarray(from, to), from); } }',
    );
    const settings = settingsOf(giving);
    await loadDetectorModules(settings);
    const out = { scores: new Float64Array(3), explained: null };
    detectorOf(settings).process(batchFrom(Float64Array.of(-3, 0.25, 7), 3), 0, 3, 'score_then_learn', out);
    expect([...out.scores]).toEqual([0, 0.25, 1]);
    const odd = batchFrom(Float64Array.of(0.5, Number.NaN, 0.5), 3);
    expect(() => detectorOf(settings).process(odd, 0, 3, 'score_then_learn', out)).toThrow(
      expect.objectContaining({
        kind: 'BadSettings',
        message: expect.stringMatching(/^The module .*\.mjs: `process` failed: it gave a row the score `NaN`/),
      }),
    );
  });

  it('that fails on a row says so, with what it said', async () => {
    const settings = settingsOf(
      moduleWith('{ process(_, from, to) { if (from < to) throw new TypeError("no such column") } }'),
    );
    await loadDetectorModules(settings);
    const run = () =>
      detectorOf(settings).process(batchFrom(Float64Array.of(1), 1), 0, 1, 'score_only', {
        scores: new Float64Array(1),
        explained: null,
      });
    expect(run).toThrow(/^The module .*\.mjs: `process` failed: no such column$/);
  });

  it('that puts a row off is refused there, and its rejection ends nothing else', async () => {
    const late = '{ process: (_, from, to) => (from < to ? Promise.reject(new Error("too late")) : undefined) }';
    const settings = settingsOf(moduleWith(late));
    await loadDetectorModules(settings);
    const rejections: unknown[] = [];
    const note = (reason: unknown) => rejections.push(reason);
    process.on('unhandledRejection', note);
    try {
      const out = { scores: new Float64Array(1), explained: null };
      const run = () => detectorOf(settings).process(batchFrom(Float64Array.of(1), 1), 0, 1, 'score_only', out);
      expect(run).toThrow(/^The module .*\.mjs: `process` gave a promise/);
      await setImmediate();
    } finally {
      process.off('unhandledRejection', note);
    }
    expect(rejections).toEqual([]);
  });

  it('is not loaded by whoever only uses it', () => {
    expect(() => detectorOf(settingsOf(moduleWith('{ unused: 1 }')))).toThrow('is not loaded as it was');
  });

  it('is part of the learning settings by its content and options, not by its place', async () => {
    const hash = async (detector: string) => {
      const settings = settingsWith(detector);
      await loadDetectorModules(settings);
      return settings.pipelines.p === undefined ? '' : learningSettingsHash(settings.pipelines.p);
    };
    copyFileSync(EXAMPLE, join(folder, 'copy.mjs'));
    const first = await hash('{ kind: module, path: own.mjs }');
    expect(await hash('{ kind: module, path: copy.mjs }')).toBe(first);
    expect(await hash('{ kind: module, path: own.mjs, options: { slack: 1 } }')).not.toBe(first);
    const voting = (name: string) =>
      `{ kind: vote, of: [{ detector: { kind: module, path: ${name} } }, { detector: { kind: persist } }] }`;
    expect(await hash(voting('copy.mjs'))).toBe(await hash(voting('own.mjs')));
    writeFileSync(join(folder, 'copy.mjs'), `${readFileSync(EXAMPLE, 'utf8')}\n// changed\n`);
    expect(await hash('{ kind: module, path: copy.mjs }')).not.toBe(first);
    expect(await hash(voting('copy.mjs'))).not.toBe(await hash(voting('own.mjs')));
  });
});

describe('docs/detection.md on a detector of your own', () => {
  it.each(Object.keys({ ...BATCH, ...EXPLAINED }))('has a line for `%s` of what `process` is given', (field) => {
    const page = readFileSync(fileURLToPath(new URL('../docs/detection.md', import.meta.url)), 'utf8');
    const section = page.split(/^## /m).find((part) => part.startsWith('A detector of your own')) ?? '';
    expect(section.match(new RegExp(`^\\|.*\`${field}\`[^|]*\\|[^|]*(Array|number)`, 'm'))).not.toBeNull();
  });
});
