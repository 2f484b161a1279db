import { createReadStream } from 'node:fs';
import { CsvError, type CsvErrorCode, Parser } from 'csv-parse';
import { HalfspaceError } from '../../contract/failures.js';
import { type Separator, separatorHint, separatorOf } from './separator.js';
import { type BadByte, createUtf8Check } from './utf8-check.js';

/** Bytes read at a time: a few thousand records. */
const CHUNK_BYTES = 256 * 1024;

/** A quote that is never closed would else gather the rest of the file in memory. */
const LONGEST_RECORD_MB = 16;

/** Characters of a file's own text in a message. */
const LONGEST_REASON = 400;

/** Records of one read; record i ends in line `lines[i]` of the file, counted from 1. */
export interface RecordBatch {
  /** Column names of the file's first line. */
  readonly header: readonly string[];
  readonly records: readonly (readonly string[])[];
  readonly lines: readonly number[];
  /** Bytes of the file read so far. */
  readonly bytes: number;
}

/**
 * The records of a CSV file (RFC 4180: double quotes, any line end, a byte order mark, UTF-8; commas, or semicolons or tabs
 * as the first line tells) as texts; lines with nothing or only spaces are skipped, a quote within an unquoted field is itself.
 * @throws HalfspaceError `BadSettings` when the file cannot be read, `BadSchema` with `file:line` when a line is broken or
 * not UTF-8.
 */
export async function* readRecords(file: string, signal?: AbortSignal): AsyncGenerator<RecordBatch, void, void> {
  let header: string[] | null = null;
  let records: string[][] = [];
  let lines: number[] = [];
  let lastLine = 0;
  let parserLine = 0;
  let countedTwice = 0;
  let failure: unknown = null;

  function createParser(separator: Separator): Parser {
    const parser = new Parser({
      bom: true,
      delimiter: separator,
      max_record_size: LONGEST_RECORD_MB * 1024 * 1024,
      record_delimiter: ['\r\n', '\n', '\r'],
      relax_column_count: true,
      relax_quotes: true,
      skip_empty_lines: true,
      // Records are taken as they are found and none is queued in the stream: a failure names its own line.
      on_record: (record: string[]) => {
        // The parser counts a line end of two characters within quotes as two lines.
        if (parser.info.lines - parserLine > 1) countedTwice += lineEndsOfTwo(record);
        parserLine = parser.info.lines;
        const line = parserLine - countedTwice;
        lastLine = line;
        if (header === null) header = headerOf(record, file, line);
        else if (header.length === 1 || record.length > 1 || record[0]?.trim() !== '') {
          if (record.length !== header.length) throw brokenLine(file, line, wrongCount(record, header, separator));
          records.push(record);
          lines.push(line);
        }
        return null;
      },
    });
    parser.on('error', (error) => {
      failure ??= error;
    });
    return parser.resume();
  }

  const check = createUtf8Check();
  let parser: Parser | null = null;
  let begin: Buffer = Buffer.alloc(0); // what was read before the separator is known
  let bytes = 0;
  try {
    const stream = createReadStream(file, { highWaterMark: CHUNK_BYTES, ...(signal === undefined ? {} : { signal }) });
    for await (const chunk of stream) {
      refuse(check.take(chunk), file);
      bytes += chunk.length;
      if (parser === null) {
        begin = Buffer.concat([begin, chunk]);
        const separator = separatorOf(begin, false);
        if (separator === null) continue;
        parser = createParser(separator);
        await written(parser, begin);
      } else await written(parser, chunk);
      if (failure !== null) throw failure;
      if (header !== null && records.length > 0) yield { header, records, lines, bytes };
      records = [];
      lines = [];
    }
    refuse(check.end(), file);
    if (parser === null) {
      parser = createParser(separatorOf(begin, true) ?? ',');
      await written(parser, begin);
    }
    await ended(parser);
    if (failure !== null) throw failure;
  } catch (error) {
    signal?.throwIfAborted();
    throw readableFailure(error, file, lastLine + 1);
  }
  if (header === null)
    throw new HalfspaceError('BadSchema', `${file} is empty: expected a line with column names first.`);
  // The header alone still tells the caller which columns there are.
  yield { header, records, lines, bytes };
}

const PARSER_FAILURES: Partial<Record<CsvErrorCode, string>> = {
  CSV_QUOTE_NOT_CLOSED: 'a quoted field that begins here or below is never closed',
  CSV_MAX_RECORD_SIZE: `here or below begins a line of more than ${LONGEST_RECORD_MB} MB; is a quote never closed?`,
};

/** `file:line: what`, for anything that is wrong with a line. */
export function brokenLine(file: string, line: number, what: string): HalfspaceError {
  return new HalfspaceError('BadSchema', `${file}:${line}: ${cut(what)}.`);
}

/** @throws HalfspaceError `BadSchema` for a byte that is not UTF-8, with its place. */
function refuse(bad: BadByte | null, file: string): void {
  if (bad === null) return;
  const { offset, line, value } = bad;
  // A UTF-16 file begins with FF FE or FE FF, which never occur in UTF-8.
  if (offset === 0 && (value === 0xff || value === 0xfe)) throw utf16(file);
  const what = `the byte 0x${value.toString(16)} at offset ${offset} is not UTF-8`;
  throw brokenLine(file, line, `${what}; save the file as UTF-8 (iconv -f LATIN1 -t UTF-8)`);
}

function utf16(file: string): HalfspaceError {
  return brokenLine(file, 1, 'this is UTF-16; save the file as UTF-8 (iconv -f UTF-16 -t UTF-8)');
}

function lineEndsOfTwo(record: readonly string[]): number {
  let count = 0;
  for (const field of record) count += field.split('\r\n').length - 1;
  return count;
}

/** A file that is no CSV may hold megabytes where a name is expected. */
export function cut(text: string): string {
  return text.length <= LONGEST_REASON ? text : `${text.slice(0, LONGEST_REASON)}…`;
}

function headerOf(record: readonly string[], file: string, line: number): string[] {
  // Without its mark at the beginning, UTF-16 shows itself by the zero byte of each Latin letter.
  if (record.some((name) => name.includes('\0'))) throw utf16(file);
  // Spreadsheets leave columns without a name or values at the end of each line.
  const twice = findTwice(record.filter((name) => name !== ''));
  if (twice !== undefined) throw brokenLine(file, line, `the column ${JSON.stringify(twice)} is there twice`);
  return [...record];
}

function findTwice(names: readonly string[]): string | undefined {
  const seen = new Set<string>();
  return names.find((name) => seen.size === seen.add(name).size);
}

/** What is wrong with a line of more or fewer fields than there are columns. */
function wrongCount(record: readonly string[], header: readonly string[], separator: Separator): string {
  const { length } = header;
  const what = `expected ${length} ${length === 1 ? 'field' : 'fields'} as in the first line, found ${record.length}`;
  const hint = separator === ',' ? separatorHint(header) : '';
  if (hint !== '') return `${what}.${hint.replace(/\.$/, '')}`;
  const isCut = record.some((field, i) => /^\s*[+-]?\d+$/.test(field) && /^\d+\s*$/.test(record[i + 1] ?? ''));
  if (separator !== ',' || record.length < length || !isCut) return what;
  return `${what}; a number with a decimal comma must stand in quotes, or semicolons separate the fields`;
}

function written(parser: Parser, chunk: unknown): Promise<void> {
  return new Promise((resolve) => parser.write(chunk, () => resolve()));
}

function ended(parser: Parser): Promise<void> {
  return new Promise((resolve) => {
    parser.once('end', resolve);
    parser.once('error', () => resolve());
    parser.end();
  });
}

function readableFailure(error: unknown, file: string, line: number): unknown {
  if (error instanceof HalfspaceError) return error;
  if (error instanceof CsvError) {
    return brokenLine(file, line, PARSER_FAILURES[error.code] ?? error.message);
  }
  const code = error instanceof Error && 'code' in error ? error.code : null;
  const why =
    code === 'ENOENT'
      ? 'There is no such file'
      : code === 'EISDIR'
        ? 'This is a folder, not a file'
        : `It cannot be read (${String(code)})`;
  return code === null ? error : new HalfspaceError('BadSettings', `${file}: ${why}. Give the path of a CSV file.`);
}
