/**
 * A detector of one's own: how far a value lies outside the range of all values so far, as a share of that range.
 * Options: `slack`, the share at which the score is 0.5.
 */
export function createDetector(options, features) {
  return new RunningRange(options, features.length);
}

export function fromBytes(bytes, options, features) {
  const detector = new RunningRange(options, features.length);
  const numbers = new Float64Array(bytes.slice().buffer);
  detector.rows = numbers[0];
  detector.limits.set(numbers.subarray(1));
  return detector;
}

class RunningRange {
  views = ['range'];
  rows = 0;

  constructor({ slack = 0.2 }, features) {
    this.slack = slack;
    this.features = features;
    /** Lowest and highest value, one pair after the other. */
    this.limits = Float64Array.from({ length: 2 * features }, (_, i) => (i % 2 === 0 ? Infinity : -Infinity));
  }

  get sizeBytes() {
    return this.limits.byteLength + 8;
  }

  process(batch, from, to, order, { scores, explained }) {
    for (let row = from; row < to; row++) {
      if (order === 'learn_then_score') this.learn(batch, row);
      this.score(batch, row, scores, explained);
      if (order === 'score_then_learn') this.learn(batch, row);
    }
  }

  score(batch, row, scores, explained) {
    scores[row] = 0;
    for (let f = 0; f < this.features; f++) {
      const value = valueAt(batch, row, f, this.features);
      const [low, high] = this.limits.subarray(2 * f, 2 * f + 2);
      if (Number.isNaN(value) || !(high > low)) continue;
      const ratio = Math.max(low - value, value - high, 0) / (high - low) / this.slack;
      const score = ratio === Infinity ? 1 : ratio / (1 + ratio) || 0; // a number, whatever the value is
      if (score < scores[row]) continue;
      scores[row] = score;
      if (explained === null) continue;
      explained.feature[row] = f;
      explained.view[row] = 0;
      explained.lower[row] = low;
      explained.upper[row] = high;
    }
  }

  learn(batch, row) {
    this.rows += 1;
    for (let f = 0; f < this.features; f++) {
      const value = valueAt(batch, row, f, this.features);
      if (!Number.isFinite(value)) continue;
      this.limits[2 * f] = Math.min(this.limits[2 * f], value);
      this.limits[2 * f + 1] = Math.max(this.limits[2 * f + 1], value);
    }
  }

  toBytes() {
    return new Uint8Array(Float64Array.of(this.rows, ...this.limits).buffer);
  }
}

/** As measured; NaN where it is missing. */
function valueAt({ raw, missing }, row, feature, features) {
  const at = row * features + feature;
  return missing?.[at] === 1 ? NaN : raw[at];
}
