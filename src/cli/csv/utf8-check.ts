import { isUtf8 } from 'node:buffer';

const LINE_FEED = 0x0a;
const LONGEST_CHARACTER = 4; // bytes, RFC 3629

/** The first byte that is not UTF-8. */
export interface BadByte {
  /** Bytes before it. */
  readonly offset: number;
  /** Its line, counted from 1. */
  readonly line: number;
  readonly value: number;
}

/** Looks at a stream of bytes piece by piece; characters may be cut anywhere. */
export interface Utf8Check {
  /** The bad byte in the bytes so far; null when there is none. Nothing more may be taken after one was found. */
  take(chunk: Buffer): BadByte | null;
  /** The bad byte when the stream ends within a character, else null. */
  end(): BadByte | null;
}

export function createUtf8Check(): Utf8Check {
  let begun: Buffer = Buffer.alloc(0); // a character whose other bytes are still to come
  let offset = 0;
  let line = 1;

  function pass(bytes: Buffer): void {
    offset += bytes.length;
    for (let at = bytes.indexOf(LINE_FEED); at >= 0; at = bytes.indexOf(LINE_FEED, at + 1)) line++;
  }

  return {
    take(chunk) {
      const bytes = begun.length === 0 ? chunk : Buffer.concat([begun, chunk]);
      const whole = wholeCharacters(bytes);
      if (!isUtf8(whole)) {
        const good = goodBytes(whole);
        pass(whole.subarray(0, good));
        return { offset, line, value: whole[good] ?? 0 };
      }
      pass(whole);
      begun = Buffer.from(bytes.subarray(whole.length));
      return null;
    },
    end: () => (begun.length === 0 ? null : { offset, line, value: begun[0] ?? 0 }),
  };
}

/** The bytes without a character at their end of which only the beginning is there. */
function wholeCharacters(bytes: Buffer): Buffer {
  for (let back = 1; back < LONGEST_CHARACTER && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte >= 0x80 && byte < 0xc0) continue; // the second or a later byte of a character
    return characterBytes(byte) > back ? bytes.subarray(0, bytes.length - back) : bytes;
  }
  return bytes;
}

function characterBytes(first: number): number {
  if (first < 0xc0) return 1;
  if (first < 0xe0) return 2;
  return first < 0xf0 ? 3 : 4;
}

/** Bytes before the first bad one. Halving works because a longer piece can only be worse. */
function goodBytes(bytes: Buffer): number {
  let good = 0;
  let bad = bytes.length;
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (isUtf8(wholeCharacters(bytes.subarray(0, middle)))) good = middle;
    else bad = middle;
  }
  return wholeCharacters(bytes.subarray(0, good)).length;
}
