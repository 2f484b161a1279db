import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../../bin/halfspace.js', import.meta.url));

/** A worker that ended by itself (Temporal was away, say) is started again after this long, as a supervisor does. */
const RESTART_AFTER_MS = 1000;

/** `halfspace worker` as a process that is always started again until it is closed. */
export class WorkerProcess {
  kills = [];
  endedByItself = 0;
  #options;
  #child = null;
  #generation = 0;
  #isClosed = false;

  /** @param options home: folder with halfspace.yaml; name; temporalAddress; slackUrl. */
  constructor(options) {
    this.#options = options;
    this.#start();
  }

  #start() {
    const { home, name, temporalAddress, slackUrl } = this.#options;
    const generation = `${name}-${++this.#generation}`;
    const log = openSync(join(home, 'logs', `${name}.log`), 'a');
    const child = spawn(process.execPath, [PROGRAM, 'worker'], {
      cwd: home,
      env: { ...process.env, TEMPORAL_ADDRESS: temporalAddress, SLACK_WEBHOOK_URL: `${slackUrl}/${generation}` },
      stdio: ['ignore', log, log],
    });
    this.#child = child;
    child.on('exit', async () => {
      if (this.#isClosed || this.kills.some((kill) => kill.worker === generation)) return;
      this.endedByItself++;
      await sleep(RESTART_AFTER_MS);
      if (!this.#isClosed) this.#start();
    });
  }

  /** A killed one is dead at once, though the system needs a moment for it: the next kill may come meanwhile. */
  get isAlive() {
    return !this.#child.killed && !this.#isGone;
  }

  get #isGone() {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Ends the process in the middle of whatever it does, and starts another `awayMs` later. */
  async kill(awayMs) {
    if (!this.isAlive) throw new Error(`Expected ${this.#options.name} to be alive when it is killed`);
    const gone = once(this.#child, 'exit');
    this.kills.push({ worker: `${this.#options.name}-${this.#generation}`, atMs: Date.now() });
    this.#child.kill('SIGKILL');
    await gone;
    await sleep(awayMs);
    if (!this.#isClosed) this.#start();
  }

  /** For the end of the program, which cannot wait. */
  endNow() {
    this.#isClosed = true;
    this.#child.kill('SIGKILL');
  }

  async close() {
    this.#isClosed = true;
    if (this.#isGone) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await gone;
  }
}
