import { HalfspaceError } from '../contract/failures.js';

/**
 * MT19937 (Matsumoto and Nishimura, 1998), the generator behind CPython's `random.Random`: same seeding by array, same
 * 53-bit doubles, so that everything drawn here equals what Python draws from the same seed.
 */

const STATE_WORDS = 624; // degree of recurrence, from the paper
const SHIFT_WORDS = 397; // offset of the recurrence, from the paper
const TWIST = 0x9908b0df; // coefficients of the twist matrix, from the paper
const UPPER_BIT = 0x80000000;
const LOWER_BITS = 0x7fffffff;
const TWO_POW_32 = 4294967296;

/** Draws equal to those of CPython's `random.Random(seed)`; the seed is an integer in 0..2^53-1, else BadSettings. */
export class MersenneTwister {
  readonly #state = new Uint32Array(STATE_WORDS);
  #next = STATE_WORDS;

  constructor(seed: number) {
    if (!Number.isSafeInteger(seed) || seed < 0) {
      throw new HalfspaceError('BadSettings', `Expected \`seed\` to be an integer in 0..2^53-1, got \`${seed}\`.`);
    }
    seedByArray(this.#state, seed);
  }

  /** A double in [0, 1) with 53 random bits; uses two words of the generator. */
  random(): number {
    const high = this.#word() >>> 5;
    const low = this.#word() >>> 6;
    return (high * 67108864 + low) / 9007199254740992; // (high * 2^26 + low) / 2^53
  }

  #word(): number {
    if (this.#next === STATE_WORDS) {
      twist(this.#state);
      this.#next = 0;
    }
    let word = this.#state[this.#next]!;
    this.#next += 1;
    word ^= word >>> 11;
    word ^= (word << 7) & 0x9d2c5680;
    word ^= (word << 15) & 0xefc60000;
    word ^= word >>> 18;
    return word >>> 0;
  }
}

/** Seeding by the seed's 32-bit words, least significant first: one word below 2^32, else two. */
function seedByArray(state: Uint32Array, seed: number): void {
  const high = Math.floor(seed / TWO_POW_32);
  const key = high === 0 ? [seed >>> 0] : [seed >>> 0, high];

  state[0] = 19650218;
  for (let i = 1; i < STATE_WORDS; i++) {
    const previous = state[i - 1]!;
    state[i] = Math.imul(1812433253, previous ^ (previous >>> 30)) + i;
  }

  let i = 1;
  let j = 0;
  for (let k = 0; k < STATE_WORDS; k++) {
    const previous = state[i - 1]!;
    state[i] = (state[i]! ^ Math.imul(previous ^ (previous >>> 30), 1664525)) + key[j]! + j;
    i = advance(state, i);
    j = j + 1 === key.length ? 0 : j + 1;
  }
  for (let k = 0; k < STATE_WORDS - 1; k++) {
    const previous = state[i - 1]!;
    state[i] = (state[i]! ^ Math.imul(previous ^ (previous >>> 30), 1566083941)) - i;
    i = advance(state, i);
  }
  state[0] = UPPER_BIT;
}

/** The next index of the seeding rounds, which run over 1..623 and carry the last word over to the first. */
function advance(state: Uint32Array, i: number): number {
  if (i + 1 < STATE_WORDS) return i + 1;
  state[0] = state[STATE_WORDS - 1]!;
  return 1;
}

function twist(state: Uint32Array): void {
  for (let i = 0; i < STATE_WORDS; i++) {
    const mixed = (state[i]! & UPPER_BIT) | (state[(i + 1) % STATE_WORDS]! & LOWER_BITS);
    const odd = -(mixed & 1) & TWIST;
    state[i] = state[(i + SHIFT_WORDS) % STATE_WORDS]! ^ (mixed >>> 1) ^ odd;
  }
}
