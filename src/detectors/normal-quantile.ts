/** Terms of the continued fraction; for x >= 3 it has settled to the last bit well before. */
const TERMS = 100;
const STEPS = 20; // Newton's steps double the digits; a few do
const LOG_SQRT_2_PI = 0.5 * Math.log(2 * Math.PI);

/**
 * The x that a standard normal variable exceeds with probability `tail`, which must be in 0..1e-3: for limits that are
 * seldom passed. Newton's method on the logarithm of the tail, which is Mills' ratio times the density; the ratio by
 * Laplace's continued fraction 1/(x + 1/(x + 2/(x + 3/...))) (Abramowitz and Stegun 26.2.14).
 */
export function upperNormalQuantile(tail: number): number {
  const target = Math.log(tail);
  let x = Math.sqrt(-2 * target);
  for (let step = 0; step < STEPS; step++) {
    const mills = millsRatio(x);
    const change = (Math.log(mills) - 0.5 * x * x - LOG_SQRT_2_PI - target) * mills;
    x += change;
    if (Math.abs(change) < 1e-15 * x) break;
  }
  return x;
}

function millsRatio(x: number): number {
  let fraction = x;
  for (let term = TERMS; term > 0; term--) fraction = x + term / fraction;
  return 1 / fraction;
}
