import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { readFile, writeFile as writeFileAsync } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ScoreOptions, scoreFile } from '../../src/cli/score.js';
import { UsageError } from '../../src/cli/usage-error.js';
import { capturedIo } from './captured-io.js';

const SETTINGS = new URL('../../halfspace.yaml', import.meta.url).pathname;

describe('score --out', () => {
  const rows = 'time,machineID,provider,power\n1,7,Acme,100\n2,7,Acme,500\n';
  let inner: string;
  let file: string;
  beforeEach(() => {
    inner = mkdtempSync(join(tmpdir(), 'halfspace-out-'));
    file = join(inner, 'data.csv');
    writeFileSync(file, rows);
  });
  afterEach(() => rmSync(inner, { recursive: true }));

  const scoreTo = (out: string, options: Partial<ScoreOptions> = {}) =>
    scoreFile({ file, out, config: SETTINGS, ...options }, capturedIo());
  const FIRST = /^date,score,value,is_anomaly,unique_id\n1970-01-01T00:00:01Z,/;

  it('refuses the input file by any of its names, and leaves it as it is', async () => {
    const [symbolic, hard] = [join(inner, 'symbolic.csv'), join(inner, 'hard.csv')];
    symlinkSync('data.csv', symbolic);
    linkSync(file, hard);
    for (const out of [file, `${inner}/../${inner.split('/').at(-1)}/data.csv`, symbolic, hard]) {
      await expect(scoreTo(out)).rejects.toThrow(UsageError);
      await expect(scoreTo(out)).rejects.toThrow('is the file to score itself');
    }
    await expect(scoreTo(file, { file: symbolic })).rejects.toThrow(UsageError);
    expect(readFileSync(file, 'utf8')).toBe(rows);
    expect(readdirSync(inner).sort()).toEqual(['data.csv', 'hard.csv', 'symbolic.csv']);
  });

  it('refuses the settings file', async () => {
    const config = join(inner, 'halfspace.yaml');
    writeFileSync(config, readFileSync(SETTINGS));
    await expect(scoreTo(config, { config })).rejects.toThrow('is the settings file itself');
    expect(readFileSync(config, 'utf8')).toBe(readFileSync(SETTINGS, 'utf8'));
  });

  it.each(['', ' '])('refuses %j as wrong use', async (out) => {
    await expect(scoreTo(out)).rejects.toThrow(UsageError);
  });

  it('replaces the file that a link points to, there or not yet, and keeps the link', async () => {
    mkdirSync(join(inner, 'deep'));
    for (const target of ['deep/there.csv', 'deep/not-yet.csv']) {
      const link = join(inner, 'link.csv');
      rmSync(link, { force: true });
      symlinkSync(target, link);
      if (target === 'deep/there.csv') writeFileSync(join(inner, target), 'old');
      await scoreTo(link);
      expect(readlinkSync(link)).toBe(target);
      expect(readFileSync(join(inner, target), 'utf8')).toMatch(FIRST);
    }
    expect(readdirSync(join(inner, 'deep')).sort()).toEqual(['not-yet.csv', 'there.csv']);
  });

  it('keeps the permissions of the file it replaces', async () => {
    const out = join(inner, 'scores.csv');
    writeFileSync(out, 'old');
    chmodSync(out, 0o620);
    await scoreTo(out);
    expect(readFileSync(out, 'utf8')).toMatch(FIRST);
    expect(statSync(out).mode & 0o777).toBe(0o620);
  });

  it('writes to a named pipe and leaves it one', async () => {
    const pipe = join(inner, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const [text] = await Promise.all([readFile(pipe, 'utf8'), scoreTo(pipe)]);
    expect(text).toMatch(FIRST);
    expect(text.split('\n')).toHaveLength(4);
    expect(lstatSync(pipe).isFIFO()).toBe(true);
  });

  it('reads a named pipe', async () => {
    const pipe = join(inner, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const out = join(inner, 'scores.csv');
    await Promise.all([writeFileAsync(pipe, rows), scoreTo(out, { file: pipe })]);
    expect(readFileSync(out, 'utf8')).toMatch(FIRST);
  });
});
