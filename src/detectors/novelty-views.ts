import type { ByteReader, ByteWriter } from './byte-codec.js';
import { CALENDAR_BYTES, Calendars } from './novelty-calendar.js';
import { MEMORY_NUMBERS, memorySize, ValueMemory } from './novelty-memory.js';
import { RunningMoments } from './novelty-moments.js';
import { PATTERN_BYTES, Pattern } from './novelty-pattern.js';
import { Ring } from './novelty-ring.js';

const RECENT_ROWS = 50;
const LEVEL_TOLERANCE = 1 / 32;
const FLOOR_TOLERANCE = 1 / 64;
const CEILING_TOLERANCE = 1 / 32;
const SPREAD_TOLERANCE = 1 / 32;
const SPREAD_ROWS = [3, 5, 10] as const;
const BLOCK_ROWS = [1, 7] as const;
const PATTERN_WEIGHT = 0.5;
const MEMORIES = 9; // level, floor, ceiling, three spreads, three calendars

/** What a series is looked at as, in the order of {@link Views.novelties}. */
export const VIEW_NAMES: readonly string[] = ['level', 'floor', 'ceiling', 'spread', 'calendar', 'pattern'];
const [LEVEL, FLOOR, CEILING, SPREAD, CALENDAR, PATTERN] = [0, 1, 2, 3, 4, 5] as const;

/** What a view would have expected, in the series' own units; NaN: unknown. */
export interface Expected {
  value: number;
  lower: number;
  upper: number;
}

/** Several views of one series, each compared with a memory of all that it was. */
export class Views {
  /** How new the row last taken is to each view. */
  readonly novelties = new Float64Array(VIEW_NAMES.length);
  readonly #recent = new Ring(RECENT_ROWS);
  readonly #level: ValueMemory;
  readonly #floor: ValueMemory;
  readonly #ceiling: ValueMemory;
  readonly #spreads: readonly ValueMemory[];
  readonly #calendars: Calendars;
  readonly #moments = new RunningMoments();
  readonly #patterns: readonly Pattern[];

  constructor(settings: { readonly eps: number; readonly pattern: boolean }) {
    const { eps } = settings;
    this.#level = new ValueMemory(eps, LEVEL_TOLERANCE);
    this.#floor = new ValueMemory(eps, FLOOR_TOLERANCE);
    this.#ceiling = new ValueMemory(eps, CEILING_TOLERANCE);
    this.#spreads = SPREAD_ROWS.map(() => new ValueMemory(eps, SPREAD_TOLERANCE));
    this.#calendars = new Calendars(eps);
    this.#patterns = settings.pattern ? BLOCK_ROWS.map((rows) => new Pattern(rows)) : [];
  }

  /**
   * How new the next row is to all views together: the root of the sum of their squares, so that a strong one can speak
   * alone. `hours` since the epoch; null leaves the calendars out.
   */
  take(value: number, hours: number | null, learns: boolean): number {
    const { novelties } = this;
    this.#recent.push(value);
    novelties[LEVEL] = noveltyIn(this.#level, value, learns);
    novelties[FLOOR] = noveltyIn(this.#floor, this.#recent.smallest(), learns);
    novelties[CEILING] = noveltyIn(this.#ceiling, this.#recent.largest(), learns);
    novelties[SPREAD] = this.#spreadNovelty(learns);
    novelties[CALENDAR] = hours === null ? 0 : this.#calendars.take(value, hours, learns);
    novelties[PATTERN] = this.#patternNovelty(value, learns);
    let squares = 0;
    for (let view = 0; view < novelties.length; view++) squares += novelties[view]! * novelties[view]!;
    return Math.sqrt(squares);
  }

  /** The view to which the row last taken is newest. */
  strongest(): number {
    let strongest = 0;
    for (let view = 1; view < this.novelties.length; view++) {
      if (this.novelties[view]! > this.novelties[strongest]!) strongest = view;
    }
    return strongest;
  }

  /** Writes what `view` would have expected of the row last taken into `into`. */
  expect(view: number, into: Expected): void {
    into.value = view === CALENDAR ? this.#calendars.expected : Number.NaN;
    into.lower = Number.NaN;
    into.upper = Number.NaN;
    const value = this.#recent.last(0);
    if (view === LEVEL) expectInside(this.#level, value, into);
    // Of a floor that rose or a ceiling that fell the row's own value is not to blame.
    else if (view === FLOOR && value < this.#floor.nearest) expectInside(this.#floor, value, into);
    else if (view === CEILING && value > this.#ceiling.nearest) expectInside(this.#ceiling, value, into);
  }

  /** Bytes held, from the start. */
  static sizeBytes({ eps, pattern }: { readonly eps: number; readonly pattern: boolean }): number {
    const memories = MEMORIES * (memorySize(eps) + MEMORY_NUMBERS) * 8;
    return memories + CALENDAR_BYTES + RECENT_ROWS * 8 + (pattern ? BLOCK_ROWS.length * PATTERN_BYTES : 0);
  }

  write(writer: ByteWriter): void {
    for (const part of this.#parts()) part.write(writer);
  }

  read(reader: ByteReader): void {
    for (const part of this.#parts()) part.read(reader);
  }

  #parts(): readonly { write(writer: ByteWriter): void; read(reader: ByteReader): void }[] {
    const moments = this.#patterns.length === 0 ? [] : [this.#moments];
    return [
      this.#recent,
      this.#level,
      this.#floor,
      this.#ceiling,
      ...this.#spreads,
      this.#calendars,
      ...moments,
      ...this.#patterns,
    ];
  }

  #spreadNovelty(learns: boolean): number {
    let sum = 0;
    for (let i = 0; i < SPREAD_ROWS.length; i++) {
      sum += noveltyIn(this.#spreads[i]!, this.#recent.deviation(SPREAD_ROWS[i]!), learns);
    }
    return sum / SPREAD_ROWS.length;
  }

  #patternNovelty(value: number, learns: boolean): number {
    if (this.#patterns.length === 0) return 0;
    // The row itself is always part of them; what is not learned has a copy to pass through, which does not stay.
    this.#moments.learn(value);
    let sum = 0;
    for (let i = 0; i < this.#patterns.length; i++) sum += this.#patterns[i]!.take(value, this.#moments, learns);
    return (PATTERN_WEIGHT * sum) / this.#patterns.length;
  }
}

function noveltyIn(memory: ValueMemory, value: number, learns: boolean): number {
  const novelty = memory.noveltyOf(value);
  if (learns) memory.learn(value);
  return novelty;
}

/** What is stored nearest to `value` is what was expected, and the bound that `value` broke unless it lies in a gap. */
function expectInside(memory: ValueMemory, value: number, into: Expected): void {
  into.value = memory.nearest;
  // A new end of the memory is the value itself: it may have been learned by now.
  if (value < memory.nearest && value <= memory.smallest) into.lower = memory.nearest;
  if (value > memory.nearest && value >= memory.largest) into.upper = memory.nearest;
}
