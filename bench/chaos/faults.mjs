import { setTimeout as sleep } from 'node:timers/promises';
import { TIMED_WINDOWS } from './fleet.mjs';
import { shareDone } from './progress.mjs';
import { eventually } from './wait.mjs';

const LOOK_EVERY_MS = 50;

/** Does to a plant what the plan says, while runs are going on, and notes from when to when. */
export class Disturbance {
  made = [];
  notMade = [];
  #plant;
  #fleet;
  #runs;
  #waiting;
  #isOver = false;
  #under = [];
  /** Two faults of one kind of thing come one after the other. */
  #turns = new Map();

  constructor({ plant, fleet, runs, faults }) {
    this.#plant = plant;
    this.#fleet = fleet;
    this.#runs = runs;
    this.#waiting = [...faults];
  }

  /** Goes on until `end` is called. */
  async watch() {
    while (!this.#isOver && this.#waiting.length > 0) {
      const share = await shareDone(this.#plant.storeFolder, this.#fleet, TIMED_WINDOWS);
      while (this.#waiting.length > 0 && this.#waiting[0].at <= share)
        this.#under.push(this.#begin(this.#waiting.shift()));
      await sleep(LOOK_EVERY_MS);
    }
  }

  /** Everything is whole again once it resolves. What has not begun by now is not made. */
  async end() {
    this.#isOver = true;
    await Promise.all(this.#under);
    this.notMade.push(...this.#waiting.map(({ kind }) => ({ kind, why: 'the work was done before' })));
  }

  async #begin(fault) {
    const { what, run } = this.#actions()[fault.kind];
    await sleep(fault.delayMs);
    const turn = (this.#turns.get(what) ?? Promise.resolve()).then(async () => {
      const fromMs = Date.now();
      const why = await run(fault);
      if (typeof why === 'string') this.notMade.push({ kind: fault.kind, why });
      else this.made.push({ kind: fault.kind, fromMs, toMs: Date.now() });
    });
    this.#turns.set(what, turn);
    await turn;
  }

  #actions() {
    const { store, slack, temporal, influx } = this.#plant;
    return {
      kill: { what: Symbol('each worker by itself'), run: (fault) => this.#kill(fault) },
      'temporal restart': { what: 'temporal', run: (fault) => restart(temporal, fault) },
      'influx away': { what: 'influx', run: (fault) => restart(influx, fault) },
      'store read-only': { what: 'store', run: (fault) => hold(store?.makeReadOnly, store?.makeWritable, fault) },
      'store full': { what: 'store', run: (fault) => hold(store?.makeFull, store?.makeRoomy, fault) },
      'slack 429': { what: 'slack', run: (fault) => answer(slack, 429, fault) },
      'slack 500': { what: 'slack', run: (fault) => answer(slack, 500, fault) },
      'second run': { what: 'second run', run: (fault) => this.#startSecond(fault) },
    };
  }

  async #kill({ pick, holdMs }) {
    const { workers } = this.#plant;
    const alive = () => workers.filter((worker) => worker.isAlive);
    await eventually(async () => alive().length > 0, 'a worker is alive');
    const victims = alive();
    await victims[pick % victims.length].kill(holdMs);
  }

  /** Sometimes to the end of the window at hand, sometimes to the next one's. */
  async #startSecond({ pick }) {
    const share = await shareDone(this.#plant.storeFolder, this.#fleet, TIMED_WINDOWS);
    const window = Math.min(TIMED_WINDOWS - 1, Math.floor(share * TIMED_WINDOWS) + (pick % 2));
    await this.#runs.startSecond(this.#fleet.ends[window], `second-${this.made.length}-${pick}`);
  }
}

async function restart(server, { pick, holdMs }) {
  await server.stop(pick % 2 === 0 ? 'SIGKILL' : 'SIGTERM');
  await sleep(holdMs);
  await server.start();
}

async function hold(begin, end, { holdMs }) {
  if (begin === undefined) return 'no file system can be mounted here';
  await begin();
  await sleep(holdMs);
  await end();
}

async function answer(slack, status, { holdMs }) {
  slack.mode = status;
  await sleep(holdMs);
  slack.mode = 200;
}
