import { isoFromNanos } from '../../contract/time.js';
import { shortNumberText, textFromNumber } from './number-text.js';
import { secondText, type TimeFormat } from './time-text.js';

/** Rows pandas' to_csv formats together (its default chunk: 100,000 cells of five columns); dates look alike within one. */
const CHUNK_ROWS = 20_000;

const NANOS_PER_SECOND = 1_000_000_000n;
const NANOS_PER_MINUTE = 60n * NANOS_PER_SECOND;
const NANOS_PER_DAY = 86_400n * NANOS_PER_SECOND;

/**
 * How dates and numbers are written: `data frame` as pandas' to_csv does for the times as they were read and numbers with 17
 * digits, `rfc 3339` in UTC and numbers as short as they can be.
 */
export type TextStyle =
  | { readonly kind: 'data frame'; readonly format: TimeFormat | null }
  | { readonly kind: 'rfc 3339' };

/** Rows of the scores file, as text. */
export interface ScoreLines {
  /**
   * Adds one row.
   * @param values normalised, one for each value column; NaN is written as nothing.
   */
  add(time: bigint, score: number, values: Float64Array, isAnomaly: boolean, uniqueId: string): void;
  /** Text that is complete; the file's first line comes with the first text. Call it until `end`. */
  take(): string;
  /** The rest. */
  end(): string;
}

/**
 * Writes `date,score,value,is_anomaly,unique_id`, numbers so that they read back to the same
 * bits. With several value columns each is written under its own name instead of `value`.
 */
export function createScoreLines(valueColumns: readonly string[], style: TextStyle): ScoreLines {
  const numberText = style.kind === 'rfc 3339' ? shortNumberText : textFromNumber;
  const names = valueColumns.length === 1 ? ['value'] : valueColumns;
  let text = `${['date', 'score', ...names, 'is_anomaly', 'unique_id'].map(quoted).join(',')}\n`;
  let times: bigint[] = [];
  let rests: string[] = [];

  function flush(): void {
    const dateOf = style.kind === 'rfc 3339' ? isoFromNanos : dataFrameDates(times, style.format);
    const lines = times.map((time, i) => `${dateOf(time)},${rests[i]}\n`);
    text += lines.join('');
    times = [];
    rests = [];
  }

  function take(): string {
    const taken = text;
    text = '';
    return taken;
  }

  return {
    add(time, score, values, isAnomaly, uniqueId) {
      let rest = numberText(score);
      for (const value of values) rest += `,${numberText(value)}`;
      rests.push(`${rest},${isAnomaly ? 'True' : 'False'},${quoted(uniqueId)}`);
      times.push(time);
      if (times.length === CHUNK_ROWS) flush();
    },
    take,
    end() {
      if (times.length > 0) flush();
      return take();
    },
  };
}

/**
 * Dates as pandas 3 writes a chunk of them: without the clock when all are midnights without an offset, else with as many
 * fraction digits (0, 3, 6, 9) as the finest of them needs, and with the offset they were read with.
 */
function dataFrameDates(times: readonly bigint[], format: TimeFormat | null): (time: bigint) => string {
  const offset = format?.offsetMinutes ?? null;
  if (offset === null && times.every((time) => time % NANOS_PER_DAY === 0n))
    return (time) => secondText(time).slice(0, 10);
  const digits = Math.max(
    ...[0, 3, 6, 9].filter((d) => d === 0 || times.some((time) => time % 10n ** BigInt(12 - d) !== 0n)),
  );
  const zone = offset === null ? '' : offsetText(offset);
  return (time) => {
    const local = time + BigInt(offset ?? 0) * NANOS_PER_MINUTE;
    const nanos = ((local % NANOS_PER_SECOND) + NANOS_PER_SECOND) % NANOS_PER_SECOND;
    const fraction = digits === 0 ? '' : `.${String(nanos).padStart(9, '0').slice(0, digits)}`;
    return `${secondText(local)}${fraction}${zone}`;
  };
}

function offsetText(minutes: number): string {
  const size = Math.abs(minutes);
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

/** RFC 4180: quoted only where it must be. */
function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
