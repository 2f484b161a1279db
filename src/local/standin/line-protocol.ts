/**
 * InfluxDB line protocol, read line by line: `measurement[,tag=value…] field=value[,field=value…] [timestamp]`.
 * Grammar and escapes: https://docs.influxdata.com/influxdb3/core/reference/line-protocol/
 */

export type FieldKind = 'float' | 'integer' | 'uinteger' | 'string' | 'boolean';
export type FieldValue = number | bigint | string | boolean;

export interface Field {
  readonly key: string;
  readonly kind: FieldKind;
  /** number for `float`, bigint for `integer` and `uinteger`. */
  readonly value: FieldValue;
}

/** Measurement and tags of a line. Lines with the same text share one object, so it can carry a cache. */
export interface Series {
  readonly measurement: string;
  /** Sorted by key; values are never empty. */
  readonly tags: readonly (readonly [key: string, value: string])[];
}

export interface Line {
  readonly series: Series;
  readonly fields: readonly Field[];
  /** As written, in the unit of the request; null when the line has none. */
  readonly timestamp: bigint | null;
}

export interface BadLine {
  /** Counted from 1; lines inside a quoted string count. */
  readonly lineNumber: number;
  readonly message: string;
  readonly line: string;
}

const NEWLINE = 10;
const RETURN = 13;
const SPACE = 32;
const QUOTE = 34;
const HASH = 35;
const COMMA = 44;
const EQUALS = 61;
const BACKSLASH = 92;

/** What a backslash hides in keys and tag values, as the server's parser has it: itself, too (crate influxdb_line_protocol). */
const ESCAPED = ',= \\';

const INTEGER = /^[+-]?\d+$/;
const UNSIGNED = /^\+?\d+$/;
const FLOAT = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
const UINT64_MAX = 2n ** 64n - 1n;
const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ...['t', 'T', 'true', 'True', 'TRUE'].map((text) => [text, true] as const),
  ...['f', 'F', 'false', 'False', 'FALSE'].map((text) => [text, false] as const),
]);

class LineError extends Error {}

/**
 * Calls `onLine` for every good line of `text` and `onBad` for every other, in order. An error thrown by `onLine` as
 * {@link rejectLine} makes counts as a bad line.
 */
export function parseLines(text: string, onLine: (line: Line) => void, onBad: (bad: BadLine) => void): void {
  const scanner = new Scanner(text);
  let lineNumber = 1;
  while (scanner.skipToLine()) {
    const start = scanner.pos;
    lineNumber += scanner.takeNewlines();
    try {
      onLine(scanner.readLine());
    } catch (error) {
      if (!(error instanceof LineError)) throw error;
      // A string that never ends would swallow the rest: go on after the line the trouble began in.
      const end = text.indexOf('\n', start);
      scanner.pos = end === -1 ? text.length : end;
      onBad({ lineNumber, message: error.message, line: text.slice(start, scanner.pos).replace(/\r$/, '') });
    }
  }
}

/** The error that makes {@link parseLines} report the line at hand as bad. */
export function rejectLine(message: string): Error {
  return new LineError(message);
}

class Scanner {
  pos = 0;
  private counted = 0;
  private readonly text: string;
  private readonly known = new Map<string, Series>();

  constructor(text: string) {
    this.text = text;
  }

  /** Moves to the next line that is not blank and not a comment; false at the end. */
  skipToLine(): boolean {
    const { text } = this;
    while (this.pos < text.length) {
      const code = text.charCodeAt(this.pos);
      if (code === HASH) {
        const end = text.indexOf('\n', this.pos);
        this.pos = end === -1 ? text.length : end;
      } else if (code === NEWLINE || code === RETURN || code === SPACE || code === 9) this.pos++;
      else return true;
    }
    return false;
  }

  /** Newlines passed since the last call. */
  takeNewlines(): number {
    let newlines = 0;
    for (let at = this.text.indexOf('\n', this.counted); at !== -1 && at < this.pos; ) {
      newlines++;
      at = this.text.indexOf('\n', at + 1);
    }
    this.counted = this.pos;
    return newlines;
  }

  readLine(): Line {
    const series = this.readSeries();
    this.skipSpaces();
    const fields: Field[] = [];
    do fields.push(this.readField());
    while (this.accept(COMMA));
    return { series, fields, timestamp: this.readTimestamp() };
  }

  private readSeries(): Series {
    const { text } = this;
    const start = this.pos;
    let at = start;
    for (; ; at++) {
      const code = text.charCodeAt(at);
      if (code === SPACE) break;
      if (code === BACKSLASH) at++;
      else if (code === NEWLINE || Number.isNaN(code)) throw new LineError('No fields were provided');
    }
    const raw = text.slice(start, at);
    const known = this.known.get(raw);
    if (known !== undefined) {
      this.pos = at;
      return known;
    }
    const series = this.parseSeries();
    this.known.set(raw, series);
    return series;
  }

  private parseSeries(): Series {
    const measurement = this.readWord(COMMA, SPACE, ', \\');
    if (measurement === '') throw new LineError('Expected a measurement name before the first tag or field');
    if (measurement.includes('\0')) throw new LineError('The measurement name has a zero character');
    const tags: [string, string][] = [];
    while (this.accept(COMMA)) {
      const key = this.readWord(EQUALS, SPACE, ESCAPED);
      if (key === '' || !this.accept(EQUALS)) throw new LineError('Tag Set Malformed: expected key=value');
      const value = this.readWord(COMMA, SPACE, ESCAPED);
      if (value === '') throw new LineError(`Tag Set Malformed: the value of tag '${key}' is empty`);
      tags.push([key, value]);
    }
    tags.sort((a, b) => (a[0] < b[0] ? -1 : 1));
    const twice = tags.find(([key], index) => key === tags[index - 1]?.[0]);
    if (twice !== undefined) throw new LineError(`The tag '${twice[0]}' is given more than once`);
    return { measurement, tags };
  }

  private readField(): Field {
    const key = this.readWord(EQUALS, SPACE, ESCAPED);
    if (key === '' || !this.accept(EQUALS)) throw new LineError('Field Set Malformed: expected key=value');
    if (this.text.charCodeAt(this.pos) === QUOTE) return { key, kind: 'string', value: this.readString(key) };
    const { text } = this;
    const start = this.pos;
    let at = start;
    for (; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === COMMA || code === SPACE || code === NEWLINE || code === RETURN) break;
    }
    this.pos = at;
    return fieldFromText(key, text.slice(start, at));
  }

  private readString(key: string): string {
    const { text } = this;
    const start = this.pos + 1;
    let escaped = false;
    for (let at = start; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === BACKSLASH) {
        escaped = true;
        at++;
      } else if (code === QUOTE) {
        this.pos = at + 1;
        const raw = text.slice(start, at);
        return escaped ? raw.replace(/\\(["\\])/g, '$1') : raw;
      }
    }
    throw new LineError(`The string of field '${key}' has no closing quote`);
  }

  private readTimestamp(): bigint | null {
    const { text } = this;
    this.skipSpaces();
    let end = text.indexOf('\n', this.pos);
    if (end === -1) end = text.length;
    const raw = text.slice(this.pos, end).trimEnd();
    this.pos = end;
    if (raw === '') return null;
    if (!INTEGER.test(raw)) throw new LineError(`Invalid timestamp '${raw}': expected a whole number`);
    return int64(raw, `Timestamp ${raw}`);
  }

  /** Reads to the first bare `stop` or `other`, to a newline or to the end; a backslash hides one of `escapable`. */
  private readWord(stop: number, other: number, escapable: string): string {
    const { text } = this;
    const start = this.pos;
    let escaped = false;
    let at = start;
    for (; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === stop || code === other || code === NEWLINE) break;
      if (code === BACKSLASH && text.charCodeAt(at + 1) !== NEWLINE) {
        escaped = true;
        at++;
      }
    }
    this.pos = Math.min(at, text.length);
    const raw = text.slice(start, this.pos);
    if (!escaped) return raw;
    const word = raw.replace(/\\(.)/gs, (pair, letter: string) => (escapable.includes(letter) ? letter : pair));
    if (word.endsWith('\\')) throw new LineError(`'${word}' ends with a backslash, which no name or tag value may`);
    return word;
  }

  private skipSpaces(): void {
    while (this.text.charCodeAt(this.pos) === SPACE) this.pos++;
  }

  private accept(code: number): boolean {
    if (this.text.charCodeAt(this.pos) !== code) return false;
    this.pos++;
    return true;
  }
}

function fieldFromText(key: string, text: string): Field {
  if (FLOAT.test(text)) {
    const value = Number(text);
    if (!Number.isFinite(value)) throw new LineError(`Field '${key}': ${text} does not fit a double`);
    return { key, kind: 'float', value };
  }
  const digits = text.slice(0, -1);
  if (text.endsWith('i') && INTEGER.test(digits))
    return { key, kind: 'integer', value: int64(digits, `Field '${key}'`) };
  if (text.endsWith('u') && UNSIGNED.test(digits)) {
    const value = BigInt(digits.replace('+', ''));
    if (value > UINT64_MAX) throw new LineError(`Field '${key}': ${digits} does not fit 64 bits without sign`);
    return { key, kind: 'uinteger', value };
  }
  const boolean = BOOLEANS.get(text);
  if (boolean !== undefined) return { key, kind: 'boolean', value: boolean };
  throw new LineError(`Could not parse the value of field '${key}': '${text}'`);
}

function int64(digits: string, what: string): bigint {
  const value = BigInt(digits.replace('+', ''));
  if (value < INT64_MIN || value > INT64_MAX) throw new LineError(`${what} does not fit 64 bits`);
  return value;
}
