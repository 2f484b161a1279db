import { expect, test } from 'vitest';
import { createSayer } from '../../src/cli/say-again.js';

test('what goes on is said again after a minute, anything else once', () => {
  const lines: string[] = [];
  let nowMs = 0;
  const say = createSayer(
    (line) => lines.push(line),
    () => nowMs,
  );
  for (; nowMs <= 130_000; nowMs += 10_000) {
    say.everyMinute('nobody is there\n');
    say.once(`step failed at ${nowMs}\n`, 'step');
  }
  expect(lines).toEqual(['nobody is there\n', 'step failed at 0\n', 'nobody is there\n', 'nobody is there\n']);
});
