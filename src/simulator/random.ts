/**
 * Random numbers by address instead of in sequence: the n-th row of a machine is the same whoever asks for it, in whatever order.
 * Good enough to simulate with, not for anything that must not be guessed.
 */

/** The number of a stream: one for each pair of seed and name. */
export function streamOf(seed: number, name: string): number {
  let hash = mix(seed >>> 0) ^ mix(Math.floor(seed / 2 ** 32));
  for (let i = 0; i < name.length; i++) hash = mix(hash ^ name.charCodeAt(i));
  return hash;
}

/** A number in [0, 1) with 32 random bits; `index` is an integer of up to 53 bits, `channel` tells draws for one index apart. */
export function randomAt(stream: number, index: number, channel: number): number {
  const low = mix(stream ^ (index >>> 0));
  const high = mix(low + (Math.floor(index / 2 ** 32) >>> 0));
  return mix(high + Math.imul(channel + 1, GOLDEN)) / 2 ** 32;
}

/** An integer with low <= x <= high, both equally likely to come. */
export function randomIntegerAt(stream: number, index: number, channel: number, low: number, high: number): number {
  return low + Math.floor(randomAt(stream, index, channel) * (high - low + 1));
}

const GOLDEN = 0x9e3779b9; // 2^32 over the golden ratio: neighbouring channels end up far apart

/** A bijection of 32 bits that flips each output bit with about every second input bit; constants: github.com/skeeto/hash-prospector. */
function mix(value: number): number {
  let bits = value >>> 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x7feb352d);
  bits = Math.imul(bits ^ (bits >>> 15), 0x846ca68b);
  return (bits ^ (bits >>> 16)) >>> 0;
}
