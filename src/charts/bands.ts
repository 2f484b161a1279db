/** A stretch of an axis, as shares of its length, bottom up. */
export interface Band {
  readonly from: number;
  readonly to: number;
}

/** A panel of values: its part of the plot's height, and the band of that part its values fill. */
export interface Panel {
  /** Share of the plot's height that is its axis's, counted from the top panel down. */
  readonly share: number;
  readonly band: Band;
  /** Height of the band, a share of the plot's. */
  readonly height: number;
}

export interface Bands {
  readonly score: Band;
  /** From the top down. */
  readonly panels: readonly Panel[];
}

/** In heights of a plot with one panel: the score below, the values above it, so that neither hides the other. */
const SCORE: Band = { from: 0.02, to: 0.34 };
const VALUES_FROM = 0.43;
const ROOM_ABOVE = 0.03;
const BETWEEN = 0.08;
const MORE = 0.42; // what each panel after the first adds

/** Where score and values stand in a plot with so many panels of values, each as high as the others. */
export function bandsOf(count: number): Bands {
  const whole = 1 + MORE * (count - 1);
  const height = (whole - VALUES_FROM - ROOM_ABOVE - BETWEEN * (count - 1)) / count;
  const panels = Array.from({ length: count }, (_, at): Panel => {
    const [isTop, isBottom] = [at === 0, at === count - 1];
    const below = isBottom ? VALUES_FROM : BETWEEN / 2;
    const part = below + height + (isTop ? ROOM_ABOVE : BETWEEN / 2);
    return { share: part / whole, band: { from: below / part, to: (below + height) / part }, height: height / whole };
  });
  return { score: { from: SCORE.from / whole, to: SCORE.to / whole }, panels };
}
