import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand, startCommand } from './command.js';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'halfspace-score-'));
  await writeFile(join(folder, 'short.csv'), csvOf(300));
  await writeFile(join(folder, 'long.csv'), csvOf(150_000));
});
afterAll(() => rm(folder, { recursive: true }));

function csvOf(rows: number): string {
  const lines = Array.from({ length: rows }, (_, i) => `${1_700_000_000 + i},m${i % 3},Acme,${200 + (i % 50)}\n`);
  return `time,machineID,provider,power\n${lines.join('')}`;
}

const score = (file: string, out: string): string[] => ['score', file, '--pipeline', 'machines', '--out', out];

describe('score --out /dev/stdout', () => {
  it('prints the scores alone on stdout', async () => {
    const { code, stdout, stderr } = await runCommand(score('short.csv', '/dev/stdout'), { cwd: folder });
    expect(code, stderr).toBe(0);
    expect(stdout.split('\n')).toHaveLength(302);
    expect(stdout).toMatch(/^date,score,value,is_anomaly,unique_id\n2023-11-14T22:13:20Z,0,0\.4/);
    expect(stderr).toMatch(/^scored 300 rows of 3 machines/);
    expect(await readdir('/dev')).not.toContainEqual(expect.stringMatching(/^stdout\./));
  });

  it('cannot print the document of --json there, too', async () => {
    const { code, stdout } = await runCommand([...score('short.csv', '/dev/stdout'), '--json'], { cwd: folder });
    expect(code).toBe(2);
    expect(stdout).not.toContain('date,score');
  });

  it('ends quietly when the reader goes away', async () => {
    const running = await startCommand(score('long.csv', '/dev/stdout'), { cwd: folder });
    running.process.stdout?.once('data', () => running.process.stdout?.destroy());
    const { code, stderr } = await running.done;
    expect([0, 1]).toContain(code);
    for (const line of stderr.trim().split('\n')) expect(line).toMatch(/^(?:reading|scoring:|scored) /);
  });
});

describe('score', () => {
  it('reads decimal commas and semicolons when told to, fails in one line when not, and knows no other decimal sign', async () => {
    const lines = csvOf(300)
      .replaceAll(',', ';')
      .replaceAll(/;(\d+)$/gm, ';$1,5');
    const cwd = await mkdtemp(join(tmpdir(), 'halfspace-score-'));
    await writeFile(join(cwd, 'commas.csv'), lines);
    const told = await runCommand([...score('commas.csv', 'scores.csv'), '--decimal', ','], { cwd });
    expect(told.stdout, told.stderr).toMatch(/^scored 300 rows of 3 machines/);
    await rm(join(cwd, 'scores.csv'));
    for (const [decimal, code] of [
      [[], 1],
      [['--decimal', '.'], 1],
      [['--decimal', ';'], 2],
    ] as const) {
      const found = await runCommand([...score('commas.csv', 'scores.csv'), ...decimal], { cwd });
      expect(found).toMatchObject({ code, stdout: '' });
      if (code === 1) expect(found.stderr).toMatch(/^halfspace: commas\.csv:2: "200,5" in "power" .*\n$/);
    }
    expect(await readdir(cwd)).toEqual(['commas.csv']);
    await rm(cwd, { recursive: true });
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('leaves nothing behind on %s', async (signal) => {
    const running = await startCommand(score('long.csv', 'scores.csv'), { cwd: folder });
    await expect.poll(() => readdir(folder), { timeout: 60_000, interval: 5 }).toHaveLength(3);
    expect((await readdir(folder)).sort()[1]).toMatch(/^scores\.csv\.\d+\.part$/);
    running.process.kill(signal);
    const { code, stdout, stderr } = await running.done;
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr.trim().split('\n').at(-1)).toBe(`halfspace: stopped by ${signal}; nothing was written`);
    expect((await readdir(folder)).sort()).toEqual(['long.csv', 'short.csv']);
  });
});
