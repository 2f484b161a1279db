import { execFile } from 'node:child_process';
import { access } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const RIVER = 'river==0.26.1';
const run = promisify(execFile);

/** Python with River in a virtual environment of its own, made in the user's cache folder when it is not there yet. */
export async function riverPython(say) {
  const folder = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'halfspace', RIVER.replace('==', '-'));
  const python = join(folder, 'bin', 'python');
  const isReady = await access(join(folder, 'ready')).then(
    () => true,
    () => false,
  );
  if (isReady) return python;
  try {
    say(`installing ${RIVER} in ${folder}`);
    await run('python3', ['-m', 'venv', '--clear', folder]);
    await run(python, ['-m', 'pip', 'install', '--quiet', RIVER]);
    await run(python, ['-c', 'import river; open("ready", "w").close()'], { cwd: folder });
  } catch (error) {
    const [why] = String(error.stderr || error.message)
      .trim()
      .split('\n')
      .slice(-1);
    throw new Error(`River could not be installed (it needs python3 with venv, and PyPI): ${why}`);
  }
  return python;
}
