import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

/** It is told to end before the test's own limit, which would say nothing of how far it has come. */
const LIMIT_MS = 500_000;

const PROGRAM = fileURLToPath(new URL('../../bench/chaos.mjs', import.meta.url));

it('gives the scores, models and messages of an undisturbed run whatever is killed meanwhile', async () => {
  const args = ['--seed', '1', '--machines', '12', '--rows', '300', '--kills', '3'];
  const chaos = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const code = new Promise((resolve) => chaos.once('exit', resolve));
  const limit = setTimeout(() => chaos.kill('SIGINT'), LIMIT_MS);
  const [report, plan] = await Promise.all([text(chaos.stdout), text(chaos.stderr)]);
  clearTimeout(limit);
  expect(report, plan).toContain('chaos: 1 round, 1 equal, 0 differ\n');
  expect(report).not.toMatch(/not made: .* kill /);
  expect(await code, 'it had to be ended').toBe(0);
}, 600_000);
