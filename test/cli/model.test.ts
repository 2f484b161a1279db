import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { modelExport, modelForget, modelList, modelRollback, modelShow } from '../../src/cli/model.js';
import { UsageError } from '../../src/cli/usage-error.js';
import type { TemporalClient } from '../../src/client.js';
import { loadSettings } from '../../src/config/load.js';
import { HalfspaceError } from '../../src/contract/failures.js';
import { isoFromNanos } from '../../src/contract/time.js';
import { readSnapshotHeader } from '../../src/model/snapshot.js';
import { readProgress } from '../../src/store/progress.js';
import { MemoryPlant, PIPELINE } from '../activities/memory-plant.js';
import { folderWith } from '../config/folder.js';
import { randomFrom, testSeed } from '../random.js';
import { capturedIo } from './captured-io.js';

const SECOND = 1_000_000_000n;
/** Aligned to nothing. */
const START = 1_700_000_001_234_567_890n;
const SEED = testSeed();
/** What a machine may be called when nobody takes care. */
const HOSTILE = '../../Ünïts \u001b[31m/--yes';

const YAML = `
pipelines:
  p:
    source: { table: rows, id: [m], values: [x] }
    window: { history: 5m, settle: 0s, catch_up: 1000d }
    late: { within: 60s, then: report }
    normalise: running
    detector: { kind: half_space_trees, n_trees: 4, height: 4, window_size: 10 }
    output: { table: scores }
`;

const NOBODY = {
  connect: async (): Promise<TemporalClient> => {
    throw new HalfspaceError('Unreachable', 'No Temporal server answers');
  },
};

/** Seconds after START. */
function at(seconds: number): bigint {
  return START + BigInt(seconds) * SECOND;
}

/** A plant with a settings file and a store folder, in which commands find what its runs have left. */
class Workshop {
  readonly cwd = folderWith({ 'halfspace.yaml': YAML });
  readonly env = { STORE_URL: 'file://./store' };
  readonly plant: MemoryPlant;
  readonly #machines: readonly string[];

  constructor(machines: readonly string[] = ['m0', 'm1']) {
    this.#machines = machines;
    const settings = loadSettings({ cwd: this.cwd, env: this.env, sections: ['pipelines'] }).pipelines[PIPELINE];
    if (settings === undefined) throw new Error('Expected the pipeline to be there');
    this.plant = new MemoryPlant(settings);
    this.put(0, 600, randomFrom(SEED));
  }

  /** What the commands are told besides their own. */
  get options() {
    return { cwd: this.cwd, env: this.env, pipeline: PIPELINE, machine: this.#machines[0] ?? '', ...NOBODY };
  }

  put(from: number, to: number, random: () => number): void {
    for (const machine of this.#machines) {
      for (let second = from; second < to; second++) {
        const value = random() < 0.03 ? 300 * random() : 50 + 10 * random();
        this.plant.influx.put({ machine, time: at(second), value });
      }
    }
  }

  async run(...ends: number[]): Promise<void> {
    for (const end of ends) expect(await this.plant.run(at(end))).toMatchObject({ failedCount: 0 });
    for (const [key, bytes] of this.plant.store.objects) {
      mkdirSync(dirname(join(this.cwd, 'store', key)), { recursive: true });
      writeFileSync(join(this.cwd, 'store', key), bytes);
    }
  }

  /** Runs a command and takes what it did to the store back into the plant. */
  async command<T>(command: () => Promise<T>): Promise<T> {
    const result = await command();
    const { objects } = this.plant.store;
    objects.clear();
    const store = join(this.cwd, 'store');
    for (const entry of readdirSync(store, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (entry.isFile()) objects.set(relative(store, path), new Uint8Array(readFileSync(path)));
    }
    return result;
  }

  /** Names of a machine's snapshots, oldest first. */
  names(machine = this.#machines[0] ?? ''): string[] {
    const prefix = `snapshots/${PIPELINE}/${machine}/`;
    const keys = [...this.plant.store.objects.keys()].filter((key) => key.startsWith(prefix));
    const snapshots = keys.filter((key) => key.endsWith('.snapshot'));
    return snapshots.map((key) => key.slice(prefix.length).replace('.snapshot', '')).sort();
  }

  scores(): [string, Record<string, string>][] {
    return [...this.plant.influx.scores].sort(([a], [b]) => (a < b ? -1 : 1));
  }
}

async function printed(command: (io: ReturnType<typeof capturedIo>) => Promise<unknown>, json = true) {
  const io = capturedIo({ json });
  await command(io);
  return json ? JSON.parse(io.out()) : io.out();
}

describe('listing models', () => {
  it('shows each machine by its exact unique_id, however it is called, with what its newest snapshot says', async () => {
    const shop = new Workshop([HOSTILE, 'plain']);
    await shop.run(100, 200, 300);
    const listed = await printed((io) => modelList(shop.options, io));
    const machines = (listed as { machine: string }[]).map(({ machine }) => machine);
    expect(new Set(machines)).toEqual(new Set([HOSTILE, 'plain']));
    expect(listed).toContainEqual(
      expect.objectContaining({
        pipeline: PIPELINE,
        machine: HOSTILE,
        ids: [HOSTILE],
        watermark: isoFromNanos(at(299) + 1n),
        rows: 300,
        older: 2,
        problem: null,
      }),
    );
    const text = (await printed((io) => modelList(shop.options, io), false)) as string;
    expect(text).toContain(` ${isoFromNanos(at(299))} `);
    expect(text).toContain('\\u001b[31m');
    expect(text).not.toContain('\u001b');
    expect(text.trimEnd().split('\n')).toHaveLength(3);
  });

  it('names the machine of a damaged snapshot by an older one, else by its folder, and goes on', async () => {
    const shop = new Workshop();
    await shop.run(100);
    await shop.run(200);
    const problem = expect.stringMatching(/damaged/);
    for (const [index, machine] of ['m0', null].entries()) {
      writeFileSync(join(shop.cwd, `store/snapshots/p/m0/${shop.names().at(-1 - index)}.snapshot`), 'x');
      const listed = await printed((io) => modelList(shop.options, io));
      expect(listed).toMatchObject([
        { machine, problem },
        { machine: 'm1', problem: null },
      ]);
      expect(await printed((io) => modelList(shop.options, io), false)).toMatch(
        /^p {9}(?:snapshots\/p\/)?m0 \(damaged\) .*\np {9}m1 /m,
      );
    }
  });

  it('says when there are none, and refuses a pipeline that is not there', async () => {
    const shop = new Workshop();
    await shop.run();
    expect(await printed((io) => modelList(shop.options, io), false)).toBe('no models\n');
    const other = { ...shop.options, pipeline: 'q' };
    await expect(modelList(other, capturedIo())).rejects.toThrow(UsageError);
  });
});

describe('showing and exporting a model', () => {
  it('shows all snapshots, newest first, and writes one to a new file', async () => {
    const shop = new Workshop([HOSTILE]);
    await shop.run(100, 200);
    const shown = (await printed((io) => modelShow(shop.options, io))) as { snapshots: { snapshot: string }[] };
    expect(shown.snapshots).toMatchObject([{ rows: 200 }, { rows: 100 }]);
    const out = join(shop.cwd, 'oldest.snapshot');
    const snapshot = shown.snapshots[1]?.snapshot.slice(0, 15);
    await modelExport({ ...shop.options, out, snapshot }, capturedIo());
    expect(readSnapshotHeader(new Uint8Array(readFileSync(out)))).toMatchObject({ uniqueId: HOSTILE, rows: 100 });
    await expect(modelExport({ ...shop.options, out }, capturedIo())).rejects.toThrow(/is there already/);
  });

  it('shows what is wrong with a snapshot of another machine', async () => {
    const shop = new Workshop();
    await shop.run(100);
    const [mine, other] = [shop.names('m0')[0], shop.names('m1')[0]];
    const folder = join(shop.cwd, 'store/snapshots/p');
    writeFileSync(join(folder, `m0/${other}.snapshot`), readFileSync(join(folder, `m1/${other}.snapshot`)));
    const shown = (await printed((io) => modelShow(shop.options, io))) as { snapshots: unknown[] };
    expect(shown.snapshots).toContainEqual(
      expect.objectContaining({ snapshot: other, problem: expect.stringMatching(/m1/) }),
    );
    expect(shown.snapshots).toContainEqual(expect.objectContaining({ snapshot: mine, problem: null }));
  });

  it('refuses a machine without a model and a beginning that fits several names', async () => {
    const shop = new Workshop();
    await shop.run(100, 200);
    await expect(modelShow({ ...shop.options, machine: 'm2' }, capturedIo())).rejects.toThrow(/has no model of `m2`/);
    const out = join(shop.cwd, 'x');
    await expect(modelExport({ ...shop.options, out, snapshot: '00' }, capturedIo())).rejects.toThrow(
      /^More than one snapshot of `m0` has a name that begins with `00`; `halfspace model show p m0` lists them$/,
    );
    await expect(modelExport({ ...shop.options, out, snapshot: '1' }, capturedIo())).rejects.toThrow(/No snapshot/);
    expect(existsSync(out)).toBe(false);
  });
});

describe(`rolling back (seed ${SEED})`, () => {
  it('with --relearn, then a run, is never having learned the later rows, bit for bit', async () => {
    const shop = new Workshop();
    await shop.run(200);
    // Two runs learn what somebody puts right afterwards.
    shop.put(200, 400, () => 0.99);
    await shop.run(300, 400);
    const [, , newest] = shop.names();
    const [target = ''] = shop.names();
    shop.put(200, 400, randomFrom(SEED + 1));
    const io = capturedIo();
    await shop.command(() => modelRollback({ ...shop.options, to: target.slice(0, 15), relearn: true }, io));
    expect(io.out()).toMatch(/the next run learns again from .* on\n$/);
    expect(io.err()).toMatch(/No Temporal server answers/);
    const { options } = shop;
    await shop.command(() =>
      modelRollback({ ...options, machine: 'm1', to: shop.names('m1')[0] ?? '', relearn: true }, io),
    );
    expect(shop.names()).toHaveLength(4);
    expect(shop.names()).toContain(newest);
    await shop.run(500);

    const never = new Workshop();
    await never.run(200);
    never.put(200, 400, randomFrom(SEED + 1));
    await never.run(500);
    for (const machine of ['m0', 'm1']) {
      expect(shop.plant.newest(machine)).toBeDefined();
      expect(shop.plant.newest(machine)).toEqual(never.plant.newest(machine));
    }
    expect(shop.scores()).toEqual(never.scores());
  });

  it('with --skip-to-now goes on from the old model with the rows that come next, and calls none late', async () => {
    const shop = new Workshop();
    await shop.run(200, 300, 400);
    const io = capturedIo({ json: true });
    await shop.command(() => modelRollback({ ...shop.options, to: shop.names()[0] ?? '', skipToNow: true }, io));
    expect(JSON.parse(io.out())).toMatchObject({ how: 'skip_to_now', next_from: isoFromNanos(at(400)) });
    const next = await shop.plant.run(at(500));
    expect(next).toMatchObject({ done: 2, rows: 200, lateRows: 0, damagedCount: 0, lagging: 0 });
    expect(readSnapshotHeader(shop.plant.newest('m0') ?? new Uint8Array()).rows).toBe(300);
    expect(readSnapshotHeader(shop.plant.newest('m1') ?? new Uint8Array()).rows).toBe(500);
    expect(await shop.plant.run(at(600))).toMatchObject({ rows: 200, lateRows: 0 });
  });

  it('learns nothing twice when it dies between its two writes', async () => {
    const shop = new Workshop();
    await shop.run(200, 300);
    const [target = ''] = shop.names();
    await shop.command(() => modelRollback({ ...shop.options, to: target, relearn: true }, capturedIo()));
    const copy = shop.names().at(-1);
    shop.plant.store.objects.delete(`snapshots/p/m0/${copy}.snapshot`);
    await shop.run(500);
    const peace = new Workshop();
    await peace.run(200, 300, 500);
    expect(shop.plant.newest('m0')).toEqual(peace.plant.newest('m0'));
  });

  it.each([[{}], [{ relearn: true, skipToNow: true }]])(
    'needs one of --relearn and --skip-to-now, not %j',
    async (how) => {
      const shop = new Workshop();
      await shop.run(200);
      const before = shop.names();
      await expect(
        shop.command(() => modelRollback({ ...shop.options, to: before[0] ?? '', ...how }, capturedIo())),
      ).rejects.toThrow(/--relearn .* or --skip-to-now/);
      expect(shop.names()).toEqual(before);
    },
  );

  it('refuses a snapshot of other learning settings and a damaged one, and changes nothing', async () => {
    const shop = new Workshop();
    await shop.run(200, 300);
    const [target = ''] = shop.names();
    const to = { ...shop.options, to: target, relearn: true };
    const file = join(shop.cwd, 'store/snapshots/p/m0', `${target}.snapshot`);
    const bytes = readFileSync(file);
    writeFileSync(file, bytes.subarray(1));
    await expect(modelRollback(to, capturedIo())).rejects.toThrow(/is damaged/);
    writeFileSync(file, bytes);
    writeFileSync(join(shop.cwd, 'halfspace.yaml'), YAML.replace('n_trees: 4', 'n_trees: 5'));
    await expect(modelRollback(to, capturedIo())).rejects.toThrow(/other settings/);
    expect((await readProgress(shop.plant.store, PIPELINE))?.lagging).toEqual([]);
  });
});

describe('forgetting a model', () => {
  it('lets the next run begin a new one', async () => {
    const shop = new Workshop();
    await shop.run(200, 300);
    expect(await shop.command(() => modelForget({ ...shop.options, yes: true }, capturedIo()))).toBe(true);
    expect(shop.names()).toEqual([]);
    expect(shop.names('m1')).toHaveLength(2);
    expect(await shop.plant.run(at(400))).toMatchObject({ done: 2, models: { fresh: 1 } });
  });

  it('asks on a terminal and takes no for an answer', async () => {
    const shop = new Workshop();
    await shop.run(200);
    const asked: string[] = [];
    const answering = (answer: string) => ({
      ...capturedIo({ isTty: true }),
      ask: {
        one: async (message: string) => {
          asked.push(message);
          return answer;
        },
      },
    });
    expect(await shop.command(() => modelForget(shop.options, answering('no')))).toBe(false);
    expect(shop.names()).toHaveLength(1);
    expect(await shop.command(() => modelForget(shop.options, answering('yes')))).toBe(true);
    expect(shop.names()).toEqual([]);
    expect(asked[0]).toContain('1 snapshot of m0 of p');
  });

  it('looks once more for runs after the answer', async () => {
    const shop = new Workshop();
    await shop.run(200);
    let looks = 0;
    const connect = async (): Promise<TemporalClient> => {
      looks++;
      throw new HalfspaceError(looks === 1 ? 'Unreachable' : 'Superseded', `look ${looks}`);
    };
    const io = { ...capturedIo({ isTty: true }), ask: { one: async () => 'yes' } };
    await expect(shop.command(() => modelForget({ ...shop.options, connect }, io))).rejects.toThrow('look 2');
    expect(shop.names()).toHaveLength(1);
  });

  it('needs --yes where nobody can be asked', async () => {
    const shop = new Workshop();
    await shop.run(200);
    await expect(shop.command(() => modelForget(shop.options, capturedIo()))).rejects.toThrow(/--yes/);
    expect(shop.names()).toHaveLength(1);
  });
});
