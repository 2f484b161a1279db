import type { AnomalyEvent } from '../contract/anomaly-event.js';
import type { MachineInput } from '../contract/machine-run.js';
import { earlierOf, FIRST_TIME, LAST_TIME, laterOf, type Nanos } from '../contract/time.js';
import { type AlertRecord, type AlertRecords, type IncidentSpan, isTold, spanOf } from '../store/alert-records.js';

/** The rows that a run scored. */
export interface ScoredStretch {
  /** None of them is earlier than this. */
  readonly from: Nanos;
  /** Rows among them were scored before, and late ones changed that: what people know of may be none. */
  readonly isAgain: boolean;
}

/**
 * Brings what people know of up to date with a machine's events as they are now. A record of a told event is an incident:
 * whatever event shares a row with its span is that incident, the span grows with it, and it is marked to be taken back when
 * none does any more.
 * @param events those a run touched, oldest first.
 * @returns the incidents that stand, of every channel, as far as they may share a row with one of the events.
 */
export async function settleIncidents(
  records: AlertRecords,
  { plan, machine }: MachineInput,
  events: readonly AnomalyEvent[],
  scored: ScoredStretch,
): Promise<AlertRecord[]> {
  const starts = [...events.map(({ first }) => first), ...(scored.isAgain ? [scored.from] : [])];
  const ends = scored.isAgain ? [FOREVER] : events.map(({ last }) => last);
  if (starts.length === 0 || ends.length === 0) return [];
  const stretch = { from: starts.reduce(earlierOf), until: ends.reduce(laterOf) };
  const standing: AlertRecord[] = [];
  for (const channel of plan.channels) {
    const known = await records.incidents(plan.pipeline, machine.uniqueId, channel, stretch);
    const settled = settle(known, events, scored);
    for (const [index, record] of settled.entries()) {
      const before = known[index];
      if (before !== undefined && record !== before) await records.keep(record, before.how);
      if (isTold(record.how)) standing.push(record);
    }
  }
  return standing;
}

/** Whether people know of an event, by this channel or by any. */
export function isKnown(incidents: readonly AlertRecord[], event: AnomalyEvent, channel?: string): boolean {
  return incidents.some(
    (incident) => (channel === undefined || incident.channel === channel) && shares(spanOf(incident), event),
  );
}

/** One channel's incidents, in the same order; those that did not change are the same objects. */
function settle(
  known: readonly AlertRecord[],
  events: readonly AnomalyEvent[],
  { from, isAgain }: ScoredStretch,
): AlertRecord[] {
  const spans = known.map(spanOf);
  return known.map((record, index) => {
    const span = spanOf(record);
    const own = events.filter((event) => shares(span, event));
    // Where its first event ended before the rows that were scored, it stands. One that reaches into them is among the events.
    const isWhole = BigInt(span.firstEnd) >= BigInt(from);
    const [first, last] = [own[0], own.at(-1)];
    if (first === undefined || last === undefined) {
      return isAgain && isWhole && isTold(record.how) ? { ...record, how: 'revising' } : record;
    }
    const [before, after] = [spans[index - 1], spans[index + 1]];
    // Rows between two incidents that became one event are the earlier one's, so that spans share none.
    const grown = {
      from: before !== undefined && shares(before, first) ? span.from : earlierOf(span.from, first.first),
      until:
        after !== undefined && shares(after, last)
          ? laterOf(span.until, String(BigInt(after.from) - 1n))
          : laterOf(span.until, last.last),
      firstEnd: isWhole ? first.last : earlierOf(span.firstEnd, first.last),
    };
    const isBack = record.how === 'revising';
    if (!isBack && isSame(span, grown)) return record;
    return { ...record, how: isBack ? 'delivered' : record.how, span: grown };
  });
}

/** Whether a span and an event have a stretch of time in common. */
export function shares({ from, until }: IncidentSpan, { first, last }: AnomalyEvent): boolean {
  return BigInt(first) <= BigInt(until) && BigInt(from) <= BigInt(last);
}

function isSame(a: IncidentSpan, b: IncidentSpan): boolean {
  return a.from === b.from && a.until === b.until && a.firstEnd === b.firstEnd;
}

/** Bounds of what 64-bit nanoseconds can say. */
export const EVER: Nanos = String(FIRST_TIME);
const FOREVER: Nanos = String(LAST_TIME);
