import { expect, test } from 'vitest';
import { calledAs } from '../../src/cli/called-as.js';

test.each([
  ['npx in a folder that has it', '/plant/node_modules/.bin/halfspace', 'exec', 'npx halfspace'],
  ['a script of package.json', '/clone/bin/halfspace.js', 'run-script', 'npx halfspace'],
  ['a program on the PATH', '/usr/local/bin/halfspace', undefined, 'halfspace'],
  ['node with a path', '/clone/bin/halfspace.js', undefined, 'node ../clone/bin/halfspace.js'],
  ['node with a path that has a space', '/a clone/bin/halfspace.js', undefined, 'node "../a clone/bin/halfspace.js"'],
])('a hint names commands as they were called: %s', (_how, script, npmCommand, expected) => {
  expect(calledAs({ script, npmCommand, cwd: '/plant' })).toBe(expected);
});
