/**
 * A model's state as bytes, little-endian:
 *
 *   0  magic "HSSN" · u16 format version · u16 length of the settings hash
 *   8  i64 watermark (ns) · f64 rows learned
 *  24  u32 length of normaliser, detector, event · u32 CRC-32 of everything else
 *  40  settings hash (ASCII) · normaliser · detector · event (JSON, empty when none is open)
 *
 * The same state gives the same bytes. Only data is read back, never code.
 */
import { HalfspaceError } from '../contract/failures.js';
import type { PipelineSettings } from '../contract/pipeline.js';
import { normaliserFromBytes } from '../detectors/normaliser.js';
import { detectorFromBytes } from '../detectors/registry.js';
import { type EventJson, eventFromJson, eventToJson } from '../verdict/event-json.js';
import type { TrackedEvent } from '../verdict/event-tracker.js';
import { crc32 } from './crc32.js';
import type { Model } from './model.js';

const MAGIC = 'HSSN';
const VERSION = 1;
const HEADER_BYTES = 40;
const CRC_AT = 36;

/** @param settingsHash hash of the learning settings; a snapshot is only ever read back under the same. */
export function encodeSnapshot(model: Model, settingsHash: string): Uint8Array {
  const hash = new TextEncoder().encode(settingsHash);
  const normaliser = model.normaliser.toBytes();
  const detector = model.detector.toBytes();
  const event = new TextEncoder().encode(model.openEvent === null ? '' : JSON.stringify(eventToJson(model.openEvent)));
  const bytes = new Uint8Array(HEADER_BYTES + hash.length + normaliser.length + detector.length + event.length);
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode(MAGIC), 0);
  view.setUint16(4, VERSION, true);
  view.setUint16(6, hash.length, true);
  view.setBigInt64(8, model.watermark ?? 0n, true);
  view.setFloat64(16, model.detector.rows, true);
  view.setUint32(24, normaliser.length, true);
  view.setUint32(28, detector.length, true);
  view.setUint32(32, event.length, true);
  let at = HEADER_BYTES;
  for (const part of [hash, normaliser, detector, event]) {
    bytes.set(part, at);
    at += part.length;
  }
  view.setUint32(CRC_AT, crc32(bytes), true);
  return bytes;
}

/** @throws HalfspaceError `CorruptSnapshot` when the bytes are damaged, foreign, or of other learning settings. */
export function decodeSnapshot(bytes: Uint8Array, settings: PipelineSettings, settingsHash: string): Model {
  if (bytes.length < HEADER_BYTES) throw corrupt(`expected at least ${HEADER_BYTES} bytes, got ${bytes.length}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = new TextDecoder().decode(bytes.subarray(0, 4));
  if (magic !== MAGIC) throw corrupt(`expected it to start with "${MAGIC}", got "${magic}"`);
  const version = view.getUint16(4, true);
  if (version !== VERSION) throw corrupt(`expected format version ${VERSION}, got ${version}`);
  const lengths = [
    view.getUint16(6, true),
    view.getUint32(24, true),
    view.getUint32(28, true),
    view.getUint32(32, true),
  ];
  const expected = lengths.reduce((sum, length) => sum + length, HEADER_BYTES);
  if (bytes.length !== expected) throw corrupt(`expected ${expected} bytes, got ${bytes.length}`);
  const unsigned = bytes.slice();
  new DataView(unsigned.buffer).setUint32(CRC_AT, 0, true);
  const crc = crc32(unsigned);
  const stated = view.getUint32(CRC_AT, true);
  if (crc !== stated) throw corrupt(`expected checksum ${stated.toString(16)}, got ${crc.toString(16)}`);

  let at = HEADER_BYTES;
  const [hash, normaliser, detector, event] = lengths.map((length) => {
    at += length;
    return bytes.slice(at - length, at);
  });
  const learnedWith = new TextDecoder().decode(hash);
  if (learnedWith !== settingsHash) {
    throw corrupt(`it was learned with settings ${learnedWith}, these are ${settingsHash}`);
  }
  const none = new Uint8Array();
  return {
    normaliser: normaliserFromBytes(settings.normalise, settings.source.values, normaliser ?? none),
    detector: detectorFromBytes(settings.detector, settings.source.values, detector ?? none),
    openEvent: event === undefined || event.length === 0 ? null : eventFromText(event),
    watermark: view.getBigInt64(8, true),
  };
}

/** The checksum has vouched for the bytes, so they are what {@link encodeSnapshot} wrote. */
function eventFromText(bytes: Uint8Array): TrackedEvent {
  return eventFromJson(JSON.parse(new TextDecoder().decode(bytes)) as EventJson);
}

function corrupt(what: string): HalfspaceError {
  return new HalfspaceError('CorruptSnapshot', `The snapshot cannot be used: ${what}`);
}
