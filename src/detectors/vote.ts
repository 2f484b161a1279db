import { HalfspaceError } from '../contract/failures.js';
import type { VoteMemberSettings, VoteSettings } from '../contract/pipeline.js';
import { ByteReader, ByteWriter } from './byte-codec.js';
import { checkRows } from './check-rows.js';
import {
  type Batch,
  copyExplanation,
  createExplanations,
  type Detector,
  type DetectorOutput,
  type LearningOrder,
} from './detector.js';
import { fingerprint } from './feature-order.js';

/**
 * Several detectors over the same rows. Each score is first stretched so that 0.5 is where its own alarm begins (`above`);
 * the vote's is then the k-th largest, which is above 0.5 exactly when k detectors or more give the alarm. With `any` it
 * is the largest, with `all` the smallest: `OrAggregator` and `AndAggregator` of ADTK 0.6.2, and what lies between.
 */

const MAGIC = 0x45544f56; // 'VOTE' read as bytes
const VERSION = 1;
/** Rows that each member takes before the next has its turn. */
const CHUNK_ROWS = 1024;
const EVEN = 0.5;

/** Makes the `index`-th member. */
type MakeMember = (settings: VoteMemberSettings['detector'], index: number) => Detector;

export class Vote implements Detector {
  /** `<member's kind> <its view>`; members of one kind are told apart by their place, from 1. */
  readonly views: readonly string[];
  readonly #members: readonly Member[];
  readonly #stride: number;
  /** Detectors that must give the alarm. */
  readonly #need: number;
  readonly #mark: number;
  /** Stretched scores of one row, ascending. */
  readonly #ranked: Float64Array;

  constructor(settings: VoteSettings, features: readonly string[], make: MakeMember) {
    this.#need = neededOf(settings);
    this.#stride = features.length;
    this.#mark = fingerprint(settings);
    this.#ranked = new Float64Array(settings.of.length);
    this.#members = membersOf(
      settings,
      settings.of.map(({ detector }, index) => make(detector, index)),
    );
    this.views = this.#members.flatMap(({ views }) => views);
  }

  /**
   * The detector that `toBytes` was called on; its members refuse other features.
   * Throws CorruptSnapshot for bytes of another kind, settings or features.
   */
  static fromBytes(
    bytes: Uint8Array,
    settings: VoteSettings,
    features: readonly string[],
    make: (settings: VoteMemberSettings['detector'], bytes: Uint8Array) => Detector,
  ): Vote {
    const reader = new ByteReader(bytes, 'a vote', MAGIC);
    reader.expect('the version', reader.u32(), VERSION);
    reader.expect('the mark of settings', reader.u32(), fingerprint(settings));
    const saved = settings.of.map(() => reader.bytes(reader.u32()));
    reader.end();
    return new Vote(settings, features, (member, index) => make(member, saved[index]!));
  }

  /** Of the member that learned most. */
  get rows(): number {
    return Math.max(...this.#members.map(({ detector }) => detector.rows));
  }

  get sizeBytes(): number {
    return this.#members.reduce((sum, { detector }) => sum + detector.sizeBytes, 0);
  }

  process(batch: Batch, from: number, to: number, order: LearningOrder, { scores, explained }: DetectorOutput): void {
    checkRows(batch, from, to, this.#stride, scores);
    for (let at = from; at < to; at += CHUNK_ROWS) {
      const part = partOf(batch, at, Math.min(to, at + CHUNK_ROWS), this.#stride);
      const heard = this.#members.map(({ detector }) => {
        const told = explained === null || detector.views.length === 0 ? null : createExplanations(part.rows);
        const own = { scores: new Float64Array(part.rows), explained: told };
        detector.process(part, 0, part.rows, order, own);
        return own;
      });
      for (let row = 0; row < part.rows; row++) {
        scores[at + row] = this.#count(heard, row);
        if (explained === null) continue;
        const speaker = this.#speaker(heard, row);
        const told = heard[speaker]?.explained ?? null;
        if (told === null) continue;
        copyExplanation(told, row, explained, at + row);
        explained.view[at + row]! += this.#members[speaker]!.firstView;
      }
    }
  }

  toBytes(): Uint8Array {
    const writer = new ByteWriter();
    writer.u32(MAGIC);
    writer.u32(VERSION);
    writer.u32(this.#mark);
    for (const { detector } of this.#members) {
      const bytes = detector.toBytes();
      writer.u32(bytes.length);
      writer.bytes(bytes);
    }
    return writer.finish();
  }

  #count(heard: readonly DetectorOutput[], row: number): number {
    const ranked = this.#ranked;
    for (let i = 0; i < ranked.length; i++) ranked[i] = stretched(heard[i]!.scores[row]!, this.#members[i]!.above);
    ranked.sort();
    return ranked[ranked.length - this.#need]!;
  }

  /**
   * Of the members that explain the row the one with the largest stretched score, of equal ones a fixed limit, then the
   * first; -1 when none does.
   */
  #speaker(heard: readonly DetectorOutput[], row: number): number {
    let best = -1;
    let bestScore = -1;
    for (const [index, { scores, explained }] of heard.entries()) {
      if (explained === null || explained.feature[row] === -1) continue;
      const { above, isLimit } = this.#members[index]!;
      const score = stretched(scores[row]!, above);
      const isFirmer = isLimit && score === bestScore && !this.#members[best]!.isLimit;
      if (score <= bestScore && !isFirmer) continue;
      best = index;
      bestScore = score;
    }
    return best;
  }
}

interface Member {
  readonly detector: Detector;
  readonly above: number;
  /** Whether it knows fixed limits and nothing else. */
  readonly isLimit: boolean;
  readonly views: readonly string[];
  /** Where its views begin among those of the vote. */
  readonly firstView: number;
}

function membersOf({ of }: VoteSettings, detectors: readonly Detector[]): Member[] {
  let firstView = 0;
  return detectors.map((detector, index) => {
    const { above, detector: settings } = of[index]!;
    const hasTwin = of.some((other, place) => place !== index && other.detector.kind === settings.kind);
    const name = hasTwin ? `${settings.kind} ${index + 1}` : settings.kind;
    const views = detector.views.map((view) => `${name} ${view}`);
    firstView += views.length;
    const isLimit = settings.kind === 'threshold';
    return { detector, above, isLimit, views, firstView: firstView - views.length };
  });
}

function neededOf({ of, need }: VoteSettings): number {
  const needed = need === 'any' ? 1 : need === 'all' ? of.length : need;
  if (Number.isInteger(needed) && needed >= 1 && needed <= of.length) return needed;
  throw new HalfspaceError(
    'BadSettings',
    `Expected \`need\` of a vote to be any, all or 1 to ${of.length}, got \`${need}\`.`,
  );
}

/** `score` on a scale on which 0.5 stands where `above` does; both halves are straight. */
function stretched(score: number, above: number): number {
  if (score <= above) return above === 0 ? EVEN : (EVEN * score) / above;
  const part = EVEN + (EVEN * (score - above)) / (1 - above);
  // Just above must not round down to an even vote.
  return part > EVEN ? part : EVEN + Number.EPSILON;
}

function partOf(
  { times, values, raw, missing, growing = null }: Batch,
  from: number,
  to: number,
  stride: number,
): Batch {
  const cells = [from * stride, to * stride] as const;
  return {
    rows: to - from,
    times: times === null ? null : times.subarray(from, to),
    values: values.subarray(...cells),
    raw: raw.subarray(...cells),
    missing: missing === null ? null : missing.subarray(...cells),
    growing: growing === null ? null : growing.subarray(from, to),
  };
}
