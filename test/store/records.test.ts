import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AlertRecords } from '../../src/store/alert-records.js';
import { getArtifact, putArtifact } from '../../src/store/artifacts.js';
import { OwedMessages } from '../../src/store/owed-messages.js';
import { howToStartOver, readProgress, writeProgress } from '../../src/store/progress.js';
import { endRun, runFolder } from '../../src/store/runs.js';
import { openStorage, type Storage } from '../../src/store/storage.js';
import { exampleAlert } from '../alerts/example-alert.js';

let folder: string;
let storage: Storage;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'halfspace-store-'));
  storage = openStorage(pathToFileURL(folder).href);
});

afterEach(() => rm(folder, { recursive: true, force: true }));

const HOUR = 3_600_000;
const NOW = Date.parse('2026-01-05T00:00:00Z');

describe('artifacts of runs', () => {
  async function begin(startedAtMs: number): Promise<string> {
    const run = runFolder('p', startedAtMs, `run-${startedAtMs}`);
    await putArtifact(storage, run, 'slices', new Uint8Array([1]));
    return run;
  }

  async function endTwelve(): Promise<void> {
    for (let i = 0; i < 12; i++) await endRun(storage, 'p', await begin(NOW + i), NOW + i);
  }

  it('stay for the last ten runs that ended', async () => {
    await endTwelve();
    expect(await storage.list('runs/p')).toEqual(
      Array.from(
        { length: 10 },
        (_, i) => `${runFolder('p', NOW + 2 + i, `run-${NOW + 2 + i}`).slice('runs/p/'.length)}/`,
      ),
    );
  });

  it('stay for a run that is still going, however many began after it', async () => {
    const long = await begin(NOW - HOUR);
    await endTwelve();
    expect(await storage.list(long)).toHaveLength(1);
    await endRun(storage, 'p', long, NOW + HOUR);
    await endRun(storage, 'p', await begin(NOW + HOUR), NOW + HOUR);
    expect(await storage.list(long)).toEqual([]);
  });

  it('go a day after the start of a run that never said it ended', async () => {
    const lost = await begin(NOW - 24 * HOUR);
    await endTwelve();
    expect(await storage.list(lost)).toEqual([]);
  });

  it('stay when the run that owns them ends once more', async () => {
    const old = await begin(NOW - HOUR);
    await endTwelve();
    await endRun(storage, 'p', old, NOW + HOUR);
    expect(await storage.list(old)).toHaveLength(2);
  });

  it('are named when they are gone, and nobody tries again', async () => {
    const ref = await putArtifact(storage, 'runs/p/1', 'slices', new Uint8Array([1]));
    await storage.remove(ref.key);
    await expect(getArtifact(storage, ref)).rejects.toMatchObject({
      kind: 'CorruptStore',
      retry: false,
      message: expect.stringContaining(`${join(folder, ref.key)} is gone`),
    });
  });
});

describe('progress', () => {
  const progress = {
    origin: '1600000000000000000',
    to: '1700000000000000000',
    target: '1700000000000000000',
    settingsHash: 'abcdef012345',
    lagging: [{ uniqueId: 'a', ids: ['a'], from: '1', why: 'busy' }],
  } as const;

  it('reads back as it was written', async () => {
    expect(await readProgress(storage, 'p')).toBeNull();
    await writeProgress(storage, 'p', progress);
    expect(await readProgress(storage, 'p')).toEqual(progress);
  });

  it.each([
    ['nothing', ''],
    ['half of it', '{"to":"17000'],
    ['another shape', '[]'],
    ['null', 'null'],
    ['a number as time', '{"origin":"1","target":"17","to":17,"settingsHash":"a","lagging":[]}'],
    ['a time with letters', '{"origin":"1","target":"17","to":"17x","settingsHash":"a","lagging":[]}'],
    ['no laggards', '{"origin":"1","target":"17","to":"17","settingsHash":"a"}'],
    ['no beginning', '{"target":"17","to":"17","settingsHash":"a","lagging":[]}'],
    ['no target', '{"origin":"1","to":"17","settingsHash":"a","lagging":[]}'],
    ['no settings', '{"origin":"1","target":"17","to":"17","lagging":[]}'],
    [
      'a laggard without its ids',
      '{"origin":"1","target":"17","to":"17","settingsHash":"a","lagging":[{"uniqueId":"a","from":"1","why":"busy"}]}',
    ],
    ['an end before its beginning', '{"origin":"1","target":"17","to":"-5","settingsHash":"a","lagging":[]}'],
    ['an end after its target', '{"origin":"1","target":"17","to":"18","settingsHash":"a","lagging":[]}'],
    [
      'a time of no 64 bits',
      '{"origin":"-9999999999999999999","target":"17","to":"1","settingsHash":"a","lagging":[]}',
    ],
    [
      'late rows looked for from its end on',
      '{"origin":"1","target":"17","to":"17","settingsHash":"a","lagging":[],"late":{"since":"18","seen":null}}',
    ],
    [
      'aggregates owed from after its end',
      '{"origin":"1","target":"17","to":"17","settingsHash":"a","lagging":[],"owedAggregates":"18"}',
    ],
  ])('that holds %s is damaged, which names the file and stops at once', async (_what, text) => {
    await storage.write('progress/p.json', new TextEncoder().encode(text));
    await expect(readProgress(storage, 'p')).rejects.toMatchObject({
      kind: 'CorruptStore',
      retry: false,
      message: expect.stringMatching(new RegExp(`^${join(folder, 'progress/p.json')} is damaged.*delete it[^\\n]*$`)),
    });
  });

  it.each(['{}', '[]', '1', '"runs/p/x"', '{"key":1,"sha256":"a"}'])(
    'keeps all but the hint of what was seen where that is %s',
    async (seen) => {
      const late = `"late":{"since":"5","seen":${seen}}`;
      const text = `{"origin":"1","target":"17","to":"17","settingsHash":"a","lagging":[],${late}}`;
      await storage.write('progress/p.json', new TextEncoder().encode(text));
      expect(await readProgress(storage, 'p')).toMatchObject({ to: '17', late: { since: '5', seen: null } });
    },
  );

  it('is forgotten together with the models', () => {
    expect(howToStartOver(storage, 'p')).toBe(
      `delete ${join(folder, 'progress/p.json')} and the folder ${join(folder, 'snapshots/p')} to start over`,
    );
  });
});

describe('the record of an alert', () => {
  const { event } = exampleAlert();
  const other = exampleAlert({ first: '1795500000000000000' }).event;

  it.each([
    ['sending', false],
    ['delivered', true],
    ['logged', true],
    ['revising', false],
    ['revised', false],
  ] as const)('that says %s means delivered: %s', async (how, expected) => {
    const records = new AlertRecords(storage);
    expect(await records.isDelivered(event, 'ops')).toBe(false);
    await records.mark(event, 'ops', how);
    expect(await records.isDelivered(event, 'ops')).toBe(expected);
    expect(await records.isDelivered(event, 'other')).toBe(false);
  });

  it('that cannot be read tells nothing', async () => {
    const records = new AlertRecords(storage);
    await records.mark(event, 'ops', 'delivered');
    const key = `alerts/${event.pipeline}/${event.uniqueId}/${event.first}/ops.json`;
    expect(await storage.read(key)).not.toBeNull();
    for (const text of ['', 'null', '{"how":"told","event":{}}']) {
      await storage.write(key, new TextEncoder().encode(text));
      expect(await records.isDelivered(event, 'ops'), text).toBe(false);
    }
    const { pipeline, uniqueId, first } = event;
    expect(await records.incidents(pipeline, uniqueId, 'ops', { from: first, until: first })).toEqual([]);
  });

  it('is found while it says that something is still to be said, with those of its machine, oldest event first', async () => {
    const records = new AlertRecords(storage);
    const { pipeline, uniqueId } = event;
    const told = exampleAlert({ first: '1795400000000000000' }).event;
    const dotted = exampleAlert({ uniqueId: `${uniqueId}.1` }).event;
    await records.mark(event, 'ops', 'sending');
    await records.mark(other, 'ops', 'revising');
    await records.mark(other, 'mail', 'sending');
    for (const how of ['sending', 'delivered'] as const) await records.mark(told, 'ops', how);
    await records.mark(dotted, 'ops', 'sending');
    const silence = { ...told, worst: { ...told.worst, cause: 'silent' as const } };
    await records.mark(silence, 'ops', 'sending');
    await records.mark({ digest: 'd' }, 'ops', 'sending');

    const owed = [
      { event: other, channel: 'ops', how: 'revising' },
      { event, channel: 'ops', how: 'sending' },
    ] as const;
    expect(await records.owed(pipeline, uniqueId, ['ops'])).toEqual(owed);
    expect(await records.owed(pipeline, uniqueId, ['mail'])).toEqual([
      { event: other, channel: 'mail', how: 'sending' },
    ]);
    expect(await records.owed(pipeline, dotted.uniqueId, ['ops', 'mail'])).toHaveLength(1);
    const messages = new OwedMessages(storage);
    const { machines, ofOthers } = await messages.look(pipeline, ['mail']);
    expect(machines).toEqual([{ uniqueId, ids: event.ids }]);
    expect(ofOthers.map(({ channel, first }) => [channel, first])).toEqual(
      [dotted, other, event].map(({ first }) => ['ops', first]),
    );
    expect((await messages.look(pipeline, ['ops'])).machines).toHaveLength(2);
    expect([await messages.isAny(pipeline, ['mail']), await messages.isAny(pipeline, ['chat'])]).toEqual([true, false]);

    await records.keep({ ...owed[0], how: 'delivered' }, 'revising');
    await records.drop(owed[1]);
    expect(await records.owed(pipeline, uniqueId, ['ops'])).toEqual([]);
    expect(await records.stateOf(event, 'ops')).toBeNull();
    await records.mark(other, 'mail', 'revised');
    await records.drop({ event: dotted, channel: 'ops', how: 'sending' });
    expect(await storage.list(`owed/${pipeline}`)).toEqual([]);
  });

  it('that does not say so, or is none, leaves no name of it behind', async () => {
    const records = new AlertRecords(storage);
    const { pipeline, uniqueId } = event;
    await records.mark(event, 'ops', 'delivered');
    await new OwedMessages(storage).add(event, 'ops');
    await new OwedMessages(storage).add(other, 'ops');
    await storage.write(`owed/${pipeline}/${uniqueId}.1.ops.json`, new TextEncoder().encode('{'));
    expect((await new OwedMessages(storage).look(pipeline, ['ops'])).machines).toHaveLength(1);
    expect(await records.owed(pipeline, uniqueId, ['ops'])).toEqual([]);
    expect(await storage.list(`owed/${pipeline}`)).toEqual([]);
    expect(await records.isDelivered(event, 'ops')).toBe(true);
  });

  it('is found by a stretch of time that shares a row with its span, behind those that nobody knows of', async () => {
    const records = new AlertRecords(storage);
    const first = BigInt(event.first);
    const begun = (later: bigint) => ({ ...event, first: String(first + later), last: String(first + later) });
    const span = { from: String(first - 20n), until: String(first + 20n), firstEnd: event.last };
    await records.mark(begun(-30n), 'ops', 'delivered');
    await records.mark(begun(-10n), 'ops', 'revised');
    await records.keep({ event, channel: 'ops', how: 'revising', span }, 'delivered');
    await records.mark(begun(10n), 'ops', 'sending');
    await records.mark(begun(11n), 'other', 'delivered');
    await records.mark(begun(30n), 'ops', 'logged');
    const { pipeline, uniqueId } = event;
    const incidents = async (from: bigint, until: bigint, channel = 'ops') => {
      const stretch = { from: String(first + from), until: String(first + until) };
      const found = await records.incidents(pipeline, uniqueId, channel, stretch);
      return found.map((record) => [Number(BigInt(record.event.first) - first), record.span]);
    };
    expect(await incidents(15n, 18n)).toContainEqual([0, span]);
    expect(await incidents(-18n, -15n)).toContainEqual([0, span]);
    const all = [
      [-30, undefined],
      [0, span],
      [30, undefined],
    ];
    expect(await incidents(-5n, 5n)).toEqual(all);
    expect(await incidents(-99n, 99n)).toEqual(all);
    expect(await incidents(-5n, 5n, 'other')).toEqual([[11, undefined]]);
  });

  it('is not fooled by a machine whose name looks like a state', async () => {
    const records = new AlertRecords(storage);
    const { event: odd } = exampleAlert({ uniqueId: '"how":"delivered"' });
    await records.mark(odd, 'ops', 'sending');
    expect(await records.isDelivered(odd, 'ops')).toBe(false);
  });
});
