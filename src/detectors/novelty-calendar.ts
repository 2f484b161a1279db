import type { ByteReader, ByteWriter } from './byte-codec.js';
import { ValueMemory } from './novelty-memory.js';
import { Ring, readCount, readFinite } from './novelty-ring.js';

const TOLERANCE = 1 / 16;
const ROWS = 10; // residuals that are averaged
const LEAST_WEIGHT = 0.25; // of a row in its cell's profile: what a cell expects is mostly its last few rows
const CELLS = [24, 48, 168] as const; // hour of day; of working day or weekend; of week
const DAY_HOURS = 24;
const MONDAY_OFFSET = 3; // the epoch began on a Thursday, the fourth day after Monday
const SATURDAY = 5;

/** One profile of a series over the cells of a calendar, and how new the deviation from it is. */
class Profile {
  readonly #memory: ValueMemory;
  readonly #residuals = new Ring(ROWS);
  readonly #means: Float64Array;
  readonly #counts: Float64Array;

  constructor(cells: number, eps: number) {
    this.#memory = new ValueMemory(eps, TOLERANCE);
    this.#means = new Float64Array(cells);
    this.#counts = new Float64Array(cells);
  }

  /** What `cell` has had so far; NaN for nothing. */
  expected(cell: number): number {
    return this.#counts[cell] === 0 ? Number.NaN : this.#means[cell]!;
  }

  /** How new the mean deviation of the last rows is, the row with this `residual` included. */
  take(residual: number, cell: number, value: number, learns: boolean): number {
    this.#residuals.push(residual);
    const mean = this.#residuals.mean(ROWS);
    const novelty = this.#memory.noveltyOf(mean);
    if (!learns) return novelty;
    this.#memory.learn(mean);
    const count = ++this.#counts[cell]!;
    this.#means[cell]! += Math.max(LEAST_WEIGHT, 1 / count) * (value - this.#means[cell]!);
    return novelty;
  }

  write(writer: ByteWriter): void {
    this.#memory.write(writer);
    this.#residuals.write(writer);
    for (const mean of this.#means) writer.f64(mean);
    for (const count of this.#counts) writer.f64(count);
  }

  read(reader: ByteReader): void {
    this.#memory.read(reader);
    this.#residuals.read(reader);
    for (let i = 0; i < this.#means.length; i++) this.#means[i] = readFinite(reader);
    for (let i = 0; i < this.#counts.length; i++) this.#counts[i] = readCount(reader);
  }
}

/** How new a series' deviation from its hours of the day, of working days and weekends, and of the week is, in UTC. */
export class Calendars {
  /** What the calendar that found most would have expected of the row last taken. */
  expected = Number.NaN;
  readonly #profiles: readonly Profile[];
  #rows = 0;
  #mean = 0;

  constructor(eps: number) {
    this.#profiles = CELLS.map((cells) => new Profile(cells, eps));
  }

  /** Mean of the three novelties. `hours` since the epoch. */
  take(value: number, hours: number, learns: boolean): number {
    // A cell that has had nothing yet expects the mean of all rows before.
    const ordinary = this.#rows === 0 ? value : this.#mean;
    const hour = modulo(hours, DAY_HOURS);
    const weekday = modulo(Math.floor(hours / DAY_HOURS) + MONDAY_OFFSET, 7);
    let sum = 0;
    let most = -1;
    for (let i = 0; i < this.#profiles.length; i++) {
      const profile = this.#profiles[i]!;
      const cell = hour + DAY_HOURS * (i === 0 ? 0 : i === 1 ? Number(weekday >= SATURDAY) : weekday);
      const had = profile.expected(cell);
      const expected = Number.isNaN(had) ? ordinary : had;
      const novelty = profile.take(value - expected, cell, value, learns);
      sum += novelty;
      if (novelty <= most) continue;
      most = novelty;
      this.expected = expected;
    }
    if (learns) this.#mean += (value - this.#mean) / ++this.#rows;
    return sum / this.#profiles.length;
  }

  write(writer: ByteWriter): void {
    writer.f64(this.#rows);
    writer.f64(this.#mean);
    for (const profile of this.#profiles) profile.write(writer);
  }

  read(reader: ByteReader): void {
    this.#rows = readCount(reader);
    this.#mean = readFinite(reader);
    for (const profile of this.#profiles) profile.read(reader);
  }
}

/** Bytes of all profiles, their memories aside. */
export const CALENDAR_BYTES = CELLS.reduce((sum, cells) => sum + 8 * (2 * cells + ROWS), 0);

function modulo(value: number, by: number): number {
  return value - by * Math.floor(value / by);
}
