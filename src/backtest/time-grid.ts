import { pixelColumn } from '../charts/reduce.js';
import { msFromNanos } from '../contract/time.js';

/** Rows with from <= time < to, nanoseconds since the epoch. */
export interface Span {
  readonly from: bigint;
  readonly to: bigint;
}

/** The pixel columns that a span of time is drawn in. */
export class TimeGrid {
  readonly fromMs: number;
  readonly toMs: number;
  readonly columns: number;

  constructor({ from, to }: Span, columns: number) {
    this.fromMs = msFromNanos(from);
    this.toMs = Math.max(msFromNanos(to - 1n), this.fromMs);
    this.columns = columns;
  }

  /** 0 to columns - 1. */
  columnOf(time: bigint): number {
    return pixelColumn(msFromNanos(time), this.fromMs, this.toMs, this.columns);
  }
}
