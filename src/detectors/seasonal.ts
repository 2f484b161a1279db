import type { SeasonalSettings } from '../contract/pipeline.js';
import type { ByteReader, ByteWriter } from './byte-codec.js';
import type { ColumnPlan, ColumnRule, Finding } from './column-detector.js';
import type { LearningOrder } from './detector.js';
import { tellDifference } from './persist.js';
import { SizeBound } from './size-bound.js';

/**
 * A value unlike those of the same time in earlier periods. The period is cut into `cells` of equal length, counted from
 * 1970-01-01 UTC; each keeps the mean of its values period after period, the newest period weighing at least 1/`periods`.
 * A period's values count once its cell is over, so that a fault is not compared with itself.
 *
 * After `SeasonalAD` of ADTK 0.6.2, with these differences: the season is a length of time and is given, not found; the
 * profile and the bound on differences move on with the rows, where ADTK keeps those of a training series; a trend is not
 * taken out but forgotten. Rows without times are not scored.
 */
export function seasonalPlan(settings: SeasonalSettings): ColumnPlan {
  return { settings, view: 'season', asksTime: true, createRule: () => new SeasonalRule(settings) };
}

const NANOS_A_MS = 1_000_000n;

class SeasonalRule implements ColumnRule {
  readonly #settings: SeasonalSettings;
  readonly #periodNs: bigint;
  /** A cell's mean over periods, and periods it has seen. */
  readonly #means: Float64Array;
  readonly #counts: Float64Array;
  readonly #bound: SizeBound;
  /** Cells since 1970 of the newest learned row, and the mean and number of the values learned in it; -1: no row yet. */
  #visit = -1;
  #visitMean = 0;
  #visitRows = 0;

  constructor(settings: SeasonalSettings) {
    this.#settings = settings;
    this.#periodNs = BigInt(settings.period) * NANOS_A_MS;
    this.#means = new Float64Array(settings.cells);
    this.#counts = new Float64Array(settings.cells);
    this.#bound = new SizeBound(settings.c, settings.memory);
  }

  get sizeBytes(): number {
    return this.#means.byteLength + this.#counts.byteLength + this.#bound.sizeBytes;
  }

  take(value: number, time: bigint | null, order: LearningOrder, finding: Finding): void {
    if (time === null) return;
    const { side } = this.#settings;
    const visit = this.#visitOf(time);
    const expected = this.#expected(visit);
    const difference = value - expected;
    if (order === 'learn_then_score') this.#learn(value, visit, difference);
    tellDifference(finding, expected, difference, Number.isNaN(expected) ? Number.NaN : this.#bound.limit(), side);
    if (order === 'score_then_learn') this.#learn(value, visit, difference);
  }

  write(writer: ByteWriter): void {
    writer.f64(this.#visit);
    writer.f64(this.#visitMean);
    writer.f64(this.#visitRows);
    for (const mean of this.#means) writer.f64(mean);
    for (const count of this.#counts) writer.f64(count);
    this.#bound.write(writer);
  }

  read(reader: ByteReader): void {
    this.#visit = reader.f64();
    this.#visitMean = reader.f64();
    this.#visitRows = reader.f64();
    for (let cell = 0; cell < this.#means.length; cell++) this.#means[cell] = reader.f64();
    for (let cell = 0; cell < this.#counts.length; cell++) this.#counts[cell] = reader.f64();
    this.#bound.read(reader);
  }

  /** The mean of earlier visits of the same cell; NaN when there were none. */
  #expected(visit: number): number {
    const cell = this.#cellOf(visit);
    // The last learned visit is added to its cell's mean when the next begins, so it may be missing there.
    if (this.#visitRows > 0 && this.#visit !== visit && this.#cellOf(this.#visit) === cell)
      return this.#withVisit(cell);
    return this.#counts[cell] === 0 ? Number.NaN : this.#means[cell]!;
  }

  #learn(value: number, visit: number, difference: number): void {
    if (!Number.isFinite(value)) return;
    this.#bound.learn(Math.abs(difference));
    if (visit !== this.#visit) {
      if (this.#visitRows > 0) {
        const cell = this.#cellOf(this.#visit);
        this.#means[cell] = this.#withVisit(cell);
        this.#counts[cell]! += 1;
      }
      this.#visit = visit;
      this.#visitMean = 0;
      this.#visitRows = 0;
    }
    this.#visitRows += 1;
    this.#visitMean = towards(this.#visitMean, value, 1 / this.#visitRows);
  }

  #withVisit(cell: number): number {
    const weight = Math.max(1 / this.#settings.periods, 1 / (this.#counts[cell]! + 1));
    return towards(this.#means[cell]!, this.#visitMean, weight);
  }

  #visitOf(time: bigint): number {
    const scaled = time * BigInt(this.#settings.cells);
    const towardsZero = scaled / this.#periodNs;
    return Number(towardsZero) - (scaled < 0n && towardsZero * this.#periodNs !== scaled ? 1 : 0);
  }

  #cellOf(visit: number): number {
    const { cells } = this.#settings;
    return ((visit % cells) + cells) % cells;
  }
}

function towards(from: number, to: number, weight: number): number {
  const step = (to - from) * weight;
  // The difference of two huge numbers may be none.
  return Number.isFinite(step) ? from + step : from * (1 - weight) + to * weight;
}
