/**
 * The inverse of a symmetric positive definite matrix by Cholesky's decomposition, n x n, row-major, in a buffer of its
 * own. Only the lower triangle of `matrix` is read. About n^3 operations.
 */
export function symmetricInverse(matrix: Float64Array, n: number): Float64Array {
  const inverse = lowerInverse(choleskyFactor(matrix, n), n);
  // A = L L', so the inverse of A is K' K with K the inverse of L.
  const result = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let k = i; k < n; k++) sum += inverse[k * n + i]! * inverse[k * n + j]!;
      result[i * n + j] = sum;
      result[j * n + i] = sum;
    }
  }
  return result;
}

/** The lower triangle L with L L' = `matrix`. */
function choleskyFactor(matrix: Float64Array, n: number): Float64Array {
  const factor = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i * n + j]!;
      for (let k = 0; k < j; k++) sum -= factor[i * n + k]! * factor[j * n + k]!;
      factor[i * n + j] = i === j ? Math.sqrt(sum) : sum / factor[j * n + j]!;
    }
  }
  return factor;
}

/** The inverse of a lower triangle, a lower triangle too. */
function lowerInverse(factor: Float64Array, n: number): Float64Array {
  const inverse = new Float64Array(n * n);
  for (let j = 0; j < n; j++) {
    inverse[j * n + j] = 1 / factor[j * n + j]!;
    for (let i = j + 1; i < n; i++) {
      let sum = 0;
      for (let k = j; k < i; k++) sum -= factor[i * n + k]! * inverse[k * n + j]!;
      inverse[i * n + j] = sum / factor[i * n + i]!;
    }
  }
  return inverse;
}
