/** Cuts consecutive parts off a buffer. */
export function parts(state: Float64Array): (length: number) => Float64Array {
  let at = 0;
  return (length) => {
    at += length;
    return state.subarray(at - length, at);
  };
}
