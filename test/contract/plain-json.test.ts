import { expectTypeOf, it } from 'vitest';
import type { Activities } from '../../src/activities/index.js';
import type { MachineInput, MachineResult } from '../../src/contract/machine-run.js';
import type { RunInput } from '../../src/contract/run-input.js';
import type { RunResult } from '../../src/contract/run-result.js';

type Refused = bigint | symbol | Date | ReadonlyMap<unknown, unknown> | ReadonlySet<unknown> | ArrayBufferView;

type Nothing = ReturnType<() => void>;

/** True for what Temporal's default converter gives back as it was; an optional field may be absent. */
type IsPlainJson<T> = [T] extends [Nothing]
  ? true
  : [T] extends [string | number | boolean | null | undefined]
    ? true
    : [T] extends [Refused]
      ? false
      : [T] extends [(...args: never[]) => unknown]
        ? false
        : [T] extends [readonly (infer Item)[]]
          ? IsPlainJson<Item>
          : T extends object
            ? false extends { [K in keyof T]-?: IsPlainJson<T[K]> }[keyof T]
              ? false
              : true
            : true;

type Crossing = {
  [Name in keyof Activities]: IsPlainJson<[Parameters<Activities[Name]>[0], Awaited<ReturnType<Activities[Name]>>]>;
};

it('knows plain JSON from what a converter would change', () => {
  expectTypeOf<IsPlainJson<{ a: readonly string[]; b?: number; c: null }>>().toEqualTypeOf<true>();
  expectTypeOf<IsPlainJson<{ a: { b: bigint } }>>().toEqualTypeOf<false>();
  expectTypeOf<IsPlainJson<{ a: readonly Float64Array[] }>>().toEqualTypeOf<false>();
  expectTypeOf<IsPlainJson<{ a: Date }>>().toEqualTypeOf<false>();
});

it('lets nothing but plain JSON cross Temporal', () => {
  expectTypeOf<Crossing[keyof Activities]>().toEqualTypeOf<true>();
  expectTypeOf<IsPlainJson<[RunInput, RunResult, MachineInput, MachineResult]>>().toEqualTypeOf<true>();
});
