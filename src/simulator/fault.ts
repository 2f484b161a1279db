/** What a machine reports. */
export const MEASUREMENTS = ['temperature', 'load', 'power', 'vibration'] as const;
export type Measurement = (typeof MEASUREMENTS)[number];
export type Readings = Readonly<Record<Measurement, number | null>>;

interface Span {
  /** First moment of the fault, milliseconds since the epoch. */
  readonly fromMs: number;
  /** First moment after it; Infinity while nobody repairs it. */
  readonly toMs: number;
}

/**
 * `overload` is the original demo's fault: the load climbs by 20 a row up to 200, and everything follows it. The others are faults of
 * one sensor, the machine itself is well: `spike` adds `by`; `drift` adds ever more, `by` at its end (`by` an hour without an end);
 * `stuck` repeats the last value before it; `gap` reports nothing, or no row at all when the field is null.
 */
export type Fault = Span &
  (
    | { readonly kind: 'overload' }
    | { readonly kind: 'spike' | 'drift'; readonly field: Measurement; readonly by: number }
    | { readonly kind: 'stuck'; readonly field: Measurement }
    | { readonly kind: 'gap'; readonly field: Measurement | null }
  );

export const FAULT_KINDS = ['overload', 'spike', 'drift', 'stuck', 'gap'] as const satisfies readonly Fault['kind'][];

/** What a spike or a drift adds when nothing is said: far outside the band of a healthy machine. */
export const DEFAULT_BY: Readonly<Record<Measurement, number>> = {
  temperature: 60,
  load: 100,
  power: 240,
  vibration: 400,
};

const HOUR_MS = 3_600_000;

export function isActive(fault: Span, timeMs: number): boolean {
  return fault.fromMs <= timeMs && timeMs < fault.toMs;
}

/**
 * What the sensors say of the true readings; null when the row is missing. Faults apply in their order.
 * `lastBefore` gives the true readings of the last row before a moment.
 */
export function distort(
  truth: Readings,
  timeMs: number,
  faults: readonly Fault[],
  lastBefore: (timeMs: number) => Readings,
): Readings | null {
  let seen = truth;
  for (const fault of faults) {
    if (!isActive(fault, timeMs) || fault.kind === 'overload') continue;
    if (fault.kind === 'gap' && fault.field === null) return null;
    if (fault.field === null) continue;
    seen = { ...seen, [fault.field]: reading(fault, seen[fault.field], timeMs, lastBefore) };
  }
  return seen;
}

function reading(
  fault: Exclude<Fault, { readonly kind: 'overload' }>,
  value: number | null,
  timeMs: number,
  lastBefore: (timeMs: number) => Readings,
): number | null {
  switch (fault.kind) {
    case 'spike':
      return value === null ? null : value + fault.by;
    case 'drift': {
      const spanMs = fault.toMs === Number.POSITIVE_INFINITY ? HOUR_MS : fault.toMs - fault.fromMs;
      return value === null ? null : value + (fault.by * (timeMs - fault.fromMs)) / spanMs;
    }
    case 'stuck':
      return lastBefore(fault.fromMs)[fault.field];
    case 'gap':
      return null;
  }
}
