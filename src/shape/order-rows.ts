/** Rows in time order, columnar. */
export interface OrderedRows {
  /** Ascending. */
  readonly times: BigInt64Array;
  /** rows x features, row-major. */
  readonly values: Float64Array;
  /** Rows left out because a later one had the same time. */
  readonly duplicates: number;
}

/**
 * The rows by time; rows of the same time stay in the order they came in. Returns the given arrays when they are in order.
 * @param features values a row.
 * @param lastWins of rows with the same time keep the last alone.
 */
export function orderRows(
  times: BigInt64Array,
  values: Float64Array,
  features: number,
  lastWins: boolean,
): OrderedRows {
  if (isOrdered(times, lastWins)) return { times, values, duplicates: 0 };
  let order = sortedIndex(times);
  if (lastWins) order = order.filter((row, i) => i + 1 === order.length || times[row] !== times[order[i + 1] ?? 0]);
  const orderedTimes = new BigInt64Array(order.length);
  const orderedValues = new Float64Array(order.length * features);
  for (let i = 0; i < order.length; i++) {
    const row = order[i] ?? 0;
    orderedTimes[i] = times[row] ?? 0n;
    for (let f = 0; f < features; f++) orderedValues[i * features + f] = values[row * features + f] ?? Number.NaN;
  }
  return { times: orderedTimes, values: orderedValues, duplicates: times.length - order.length };
}

function isOrdered(times: BigInt64Array, strictly: boolean): boolean {
  let last: bigint | null = null;
  for (const time of times) {
    if (last !== null && (time < last || (strictly && time === last))) return false;
    last = time;
  }
  return true;
}

function sortedIndex(times: BigInt64Array): Uint32Array {
  const order = Uint32Array.from(times, (_, row) => row);
  return order.sort((a, b) => {
    const left = times[a] ?? 0n;
    const right = times[b] ?? 0n;
    return left < right ? -1 : left > right ? 1 : a - b;
  });
}
