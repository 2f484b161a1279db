import type { VerdictRules } from '../contract/pipeline.js';
import type { Batch, Detector, DetectorOutput, Explanations, LearningOrder } from '../detectors/detector.js';
import type { Normaliser } from '../detectors/normaliser.js';
import { type EventPulse, isOpenAt } from '../verdict/event-tracker.js';
import type { RowJudge, RowsToJudge } from '../verdict/judge.js';

/** A batch's rows as the rules see them. */
export type JudgedBatch = RowsToJudge & { readonly explained: Explanations };

export interface PausingSteps {
  /** One that learns from row to row; null: the batch is normalised already. */
  readonly normaliser: Normaliser | null;
  readonly detector: Detector;
  readonly order: LearningOrder;
  readonly judge: RowJudge;
  readonly judged: JudgedBatch;
  readonly rules: VerdictRules;
  readonly out: DetectorOutput;
}

/**
 * Scores and judges rows `from <= i < to` one by one, and learns those that come while no event is open: whether one is
 * hangs on the verdict of the row before.
 * @param before where the event before them stands; null: none since the last one closed.
 * @returns the same after them.
 */
export function processPausing(
  batch: Batch,
  from: number,
  to: number,
  before: EventPulse | null,
  { normaliser, detector, order, judge, judged, rules, out }: PausingSteps,
): EventPulse | null {
  const features = batch.rows === 0 ? 0 : batch.values.length / batch.rows;
  let event = before;
  for (let row = from; row < to; row++) {
    const time = judged.times[row] ?? 0n;
    const isOpen = event !== null && isOpenAt(time, event, rules.clear_after);
    if (normaliser !== null) {
      const [first, end] = [row * features, (row + 1) * features];
      normaliser.normalise(batch.raw.subarray(first, end), 1, batch.values.subarray(first, end), !isOpen);
    }
    detector.process(batch, row, row + 1, isOpen ? 'score_only' : order, out);
    judge.judge(judged, row, row + 1);
    if (judged.causes[row] !== 0) event = { last: time, isCalm: false };
    else if (!isOpen) event = null;
    else if (event !== null && !Number.isNaN(judged.scores[row])) event = { last: event.last, isCalm: true };
  }
  return event;
}
