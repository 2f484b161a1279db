import type { FlightMessage } from './arrow-stream.js';

/*
 * The three messages of Arrow Flight's DoGet the stand-in needs, in protocol buffers' wire format
 * (https://github.com/apache/arrow/blob/main/format/Flight.proto): Ticket { bytes ticket = 1 } and
 * FlightData { bytes data_header = 2; bytes data_body = 1000 }.
 */

const LENGTH_DELIMITED = 2; // wire type of bytes, strings and messages
const TICKET = 1;
const DATA_HEADER = 2;
const DATA_BODY = 1000;

/** The bytes inside a Ticket. @throws when the message is cut off or has a field of another type. */
export function ticketFromWire(message: Buffer): Buffer {
  let ticket: Buffer = Buffer.alloc(0);
  for (let at = 0; at < message.length; ) {
    const [tag, afterTag] = readVarint(message, at);
    const [length, start] = readVarint(message, afterTag);
    if ((tag & 7) !== LENGTH_DELIMITED || start + length > message.length) throw new Error('Expected a Flight Ticket');
    if (tag >> 3 === TICKET) ticket = message.subarray(start, start + length);
    at = start + length;
  }
  return ticket;
}

/** FlightData of one Arrow message. */
export function wireFromFlightData({ header, body }: FlightMessage): Buffer {
  return Buffer.concat([
    varint((DATA_HEADER << 3) | LENGTH_DELIMITED),
    varint(header.length),
    header,
    varint((DATA_BODY << 3) | LENGTH_DELIMITED),
    varint(body.length),
    body,
  ]);
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 127) {
    bytes.push((rest & 127) | 128);
    rest >>>= 7;
  }
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

function readVarint(message: Buffer, start: number): readonly [value: number, next: number] {
  let value = 0;
  for (let at = start, shift = 0; at < message.length && shift < 35; at++, shift += 7) {
    const byte = message[at] ?? 0;
    value += (byte & 127) * 2 ** shift;
    if (byte < 128) return [value, at + 1];
  }
  throw new Error('Expected a whole number in the Flight message');
}
