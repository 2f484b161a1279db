/**
 * A model's state as bytes, little-endian:
 *
 *   0  magic "HSSN" · u16 format version · u16 length of the settings hash
 *   8  i64 watermark (ns) · f64 rows learned, those without any value included
 *  24  u32 length of machine, normaliser, detector, event, recent, rules, shaping · u32 CRC-32 of everything else
 *  56  settings hash (ASCII) · machine (JSON: unique_id, then its ids) · normaliser · detector · event (JSON, empty when none is open) ·
 *      recent (i64 width, then a bucket: i64 start · u32 rows, high, low; at its end i64 since, where there is one; empty where
 *      late rows are not looked for) ·
 *      rules (verdict/rule-state.ts) · shaping (shape/shaping.ts)
 *
 * The same state gives the same bytes. Only data is read back, never code.
 */
import { HalfspaceError } from '../contract/failures.js';
import { featureNames } from '../contract/features.js';
import type { PipelineSettings } from '../contract/pipeline.js';
import { normaliserFromBytes } from '../detectors/normaliser.js';
import type { RowBucket } from '../shape/row-buckets.js';
import { Shaping } from '../shape/shaping.js';
import { collisionReason, isSameTuple } from '../shape/unique-id.js';
import { type EventJson, eventFromJson, eventToJson } from '../verdict/event-json.js';
import type { TrackedEvent } from '../verdict/event-tracker.js';
import { RuleState } from '../verdict/rule-state.js';
import { crc32 } from './crc32.js';
import { machineDetectorFromBytes } from './machine-detector.js';
import type { Model } from './model.js';
import type { Recent } from './recent.js';

const MAGIC = 'HSSN';
const VERSION = 3;
const HEADER_BYTES = 56;
const LENGTHS_AT = 24;
const CRC_AT = 52;
const WIDTH_BYTES = 8;
const BUCKET_BYTES = 20;
const SINCE_BYTES = 8;

/** What a snapshot belongs to; it is only ever read back for the same machine and settings. */
export interface SnapshotOwner {
  readonly uniqueId: string;
  /** Exact values of the id columns. */
  readonly ids: readonly string[];
  /** Hash of the learning settings. */
  readonly settingsHash: string;
}

/** What a snapshot says of itself, without the settings it was learned with. */
export interface SnapshotHeader extends SnapshotOwner {
  /** Nanoseconds. */
  readonly watermark: bigint;
  /** Rows learned, those without any value included. */
  readonly rows: number;
  readonly openEvent: TrackedEvent | null;
}

/** @param model one that has learned at least a row. */
export function encodeSnapshot(model: Model, { uniqueId, ids, settingsHash }: SnapshotOwner): Uint8Array {
  const text = new TextEncoder();
  const hash = text.encode(settingsHash);
  const parts = [
    text.encode(JSON.stringify([uniqueId, ...ids])),
    model.normaliser.toBytes(),
    model.detector.toBytes(),
    text.encode(model.openEvent === null ? '' : JSON.stringify(eventToJson(model.openEvent))),
    model.recent === null ? new Uint8Array() : bytesFromRecent(model.recent),
    model.rules.toBytes(),
    model.shaping.toBytes(),
  ];
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, HEADER_BYTES + hash.length));
  const view = new DataView(bytes.buffer);
  bytes.set(text.encode(MAGIC), 0);
  view.setUint16(4, VERSION, true);
  view.setUint16(6, hash.length, true);
  view.setBigInt64(8, model.watermark ?? 0n, true);
  view.setFloat64(16, model.rows, true);
  let at = HEADER_BYTES;
  bytes.set(hash, at);
  at += hash.length;
  for (const [index, part] of parts.entries()) {
    view.setUint32(LENGTHS_AT + 4 * index, part.length, true);
    bytes.set(part, at);
    at += part.length;
  }
  view.setUint32(CRC_AT, crc32(bytes), true);
  return bytes;
}

/**
 * @throws HalfspaceError `CorruptSnapshot` when the bytes are damaged, of another machine, or of other learning settings;
 * `IdCollision` when they are of a machine with other ids and the same unique_id, whose rows came in other windows.
 */
export function decodeSnapshot(bytes: Uint8Array, settings: PipelineSettings, owner: SnapshotOwner): Model {
  const { header, normaliser, detector, recent, rules, shaping } = partsOf(bytes);
  if (header.uniqueId !== owner.uniqueId) {
    throw corrupt(`it is of the machine ${header.uniqueId}, not of ${owner.uniqueId}`);
  }
  if (header.settingsHash !== owner.settingsHash) {
    throw corrupt(`it was learned with settings ${header.settingsHash}, these are ${owner.settingsHash}`);
  }
  checkIds(header, owner.ids);
  return {
    shaping: Shaping.fromBytes(settings, shaping),
    normaliser: normaliserFromBytes(settings.normalise, featureNames(settings), normaliser),
    rules: RuleState.fromBytes(rules, settings.source.values.length),
    detector: machineDetectorFromBytes(settings, detector),
    openEvent: header.openEvent,
    watermark: header.watermark,
    rows: header.rows,
    recent: recent.length === 0 ? null : recentFromBytes(recent),
  };
}

function checkIds({ uniqueId, ids: known }: SnapshotOwner, ids: readonly string[]): void {
  if (isSameTuple(known, ids)) return;
  throw new HalfspaceError(
    'IdCollision',
    `${collisionReason({ uniqueId, tuples: [known, ids] })} Where it is one machine whose ids are written differently now, forget its model (\`halfspace model forget\`).`,
  );
}

/** Whose a snapshot is and how far it has learned. @throws as {@link decodeSnapshot} for bytes that are damaged. */
export function readSnapshotHeader(bytes: Uint8Array): SnapshotHeader {
  return partsOf(bytes).header;
}

interface SnapshotParts {
  readonly header: SnapshotHeader;
  readonly normaliser: Uint8Array;
  readonly detector: Uint8Array;
  readonly recent: Uint8Array;
  readonly rules: Uint8Array;
  readonly shaping: Uint8Array;
}

function partsOf(bytes: Uint8Array): SnapshotParts {
  if (bytes.length < HEADER_BYTES) throw corrupt(`expected at least ${HEADER_BYTES} bytes, got ${bytes.length}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = new TextDecoder().decode(bytes.subarray(0, 4));
  if (magic !== MAGIC) throw corrupt(`expected it to start with "${MAGIC}", got "${magic}"`);
  const version = view.getUint16(4, true);
  if (version !== VERSION) throw corrupt(`expected format version ${VERSION}, got ${version}`);
  const lengths = [view.getUint16(6, true)];
  for (let at = LENGTHS_AT; at < CRC_AT; at += 4) lengths.push(view.getUint32(at, true));
  const expected = lengths.reduce((sum, length) => sum + length, HEADER_BYTES);
  if (bytes.length !== expected) throw corrupt(`expected ${expected} bytes, got ${bytes.length}`);
  const unsigned = bytes.slice();
  new DataView(unsigned.buffer).setUint32(CRC_AT, 0, true);
  const crc = crc32(unsigned);
  const stated = view.getUint32(CRC_AT, true);
  if (crc !== stated) throw corrupt(`expected checksum ${stated.toString(16)}, got ${crc.toString(16)}`);

  let at = HEADER_BYTES;
  const none = new Uint8Array();
  const all = lengths.map((length) => {
    at += length;
    return bytes.slice(at - length, at);
  });
  const [hash = none, machine = none, normaliser = none, detector = none] = all;
  const [event = none, recent = none, rules = none, shaping = none] = all.slice(4);
  // The checksum has vouched for the bytes, so they are what encodeSnapshot wrote.
  const [uniqueId = '', ...ids] = JSON.parse(new TextDecoder().decode(machine)) as string[];
  const header: SnapshotHeader = {
    uniqueId,
    ids,
    settingsHash: new TextDecoder().decode(hash),
    watermark: view.getBigInt64(8, true),
    rows: view.getFloat64(16, true),
    openEvent: event.length === 0 ? null : eventFromText(event),
  };
  return { header, normaliser, detector, recent, rules, shaping };
}

function eventFromText(bytes: Uint8Array): TrackedEvent {
  return eventFromJson(JSON.parse(new TextDecoder().decode(bytes)) as EventJson);
}

function bytesFromRecent({ width, since, buckets }: Recent): Uint8Array {
  const end = WIDTH_BYTES + BUCKET_BYTES * buckets.length;
  const bytes = new Uint8Array(since === null ? end : end + SINCE_BYTES);
  const view = new DataView(bytes.buffer);
  view.setBigInt64(0, width, true);
  for (const [index, { start, rows, high, low }] of buckets.entries()) {
    const at = WIDTH_BYTES + BUCKET_BYTES * index;
    view.setBigInt64(at, start, true);
    view.setUint32(at + 8, rows, true);
    view.setUint32(at + 12, high, true);
    view.setUint32(at + 16, low, true);
  }
  if (since !== null) view.setBigInt64(end, since, true);
  return bytes;
}

/** The checksum has vouched for these too. */
function recentFromBytes(bytes: Uint8Array): Recent {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const buckets: RowBucket[] = [];
  // Shorter than a bucket, so what is left over tells.
  const hasSince = (bytes.length - WIDTH_BYTES) % BUCKET_BYTES === SINCE_BYTES;
  const end = hasSince ? bytes.length - SINCE_BYTES : bytes.length;
  for (let at = WIDTH_BYTES; at < end; at += BUCKET_BYTES) {
    buckets.push({
      start: view.getBigInt64(at, true),
      rows: view.getUint32(at + 8, true),
      high: view.getUint32(at + 12, true),
      low: view.getUint32(at + 16, true),
    });
  }
  return { width: view.getBigInt64(0, true), since: hasSince ? view.getBigInt64(end, true) : null, buckets };
}

function corrupt(what: string): HalfspaceError {
  return new HalfspaceError('CorruptSnapshot', `The snapshot cannot be used: ${what}`);
}
