import type { PipelineSettings } from '../contract/pipeline.js';

/** Tries settings on rows that were seen; null where too few could be scored. */
export type Trial = (settings: PipelineSettings) => TrialOutcome | null;

export interface TrialOutcome {
  /** Share of ordinary rows that is anomalous, 0..1. Where most are is left out: it may be a fault. */
  readonly ordinary: number;
  /** Share that is anomalous of rows of which one column was moved by {@link MOVED_BY}, 0..1; null where none varies. */
  readonly noticed: number | null;
}

/** How far rows are moved, in standard deviations of the column's own values: who looks at a plot does not miss it. */
export const MOVED_BY = 10;

/** Share of ordinary rows that good settings call anomalous at most: one or two a day at a row a minute. */
const MOST_ORDINARY = 0.001;
/** Share of the moved rows that good settings notice at least. */
const LEAST_NOTICED = 0.8;

export function isQuiet({ ordinary }: TrialOutcome): boolean {
  return ordinary <= MOST_ORDINARY;
}

/** Whether a plain fault is seen. */
export function isAlert({ noticed }: TrialOutcome): boolean {
  return noticed === null || noticed >= LEAST_NOTICED;
}

/** `3.4 % of ordinary rows are anomalous`, and what is not noticed where that is too much. */
export function problemText(outcome: TrialOutcome): string {
  return [
    ...(isQuiet(outcome) ? [] : [ordinaryText(outcome)]),
    ...(isAlert(outcome) ? [] : [noticedText(outcome)]),
  ].join(', ');
}

export function ordinaryText({ ordinary }: TrialOutcome): string {
  return `${percent(ordinary)} of ordinary rows are anomalous`;
}

function noticedText({ noticed }: TrialOutcome): string {
  return `${percent(noticed ?? 0)} of rows moved by ${MOVED_BY} standard deviations are noticed`;
}

/** At least one digit that says something: 0.02 %, 3.4 %, 97 %. */
export function percent(share: number): string {
  return `${Number((100 * share).toPrecision(2))} %`;
}
