import type { BacktestResult, MachineResult, Totals } from '../../backtest/backtest.js';
import type { Learning } from '../../backtest/learning.js';
import type { MachineOutcome } from '../../backtest/machine-backtest.js';
import { fleetLearningText } from '../../backtest/report/learning-text.js';
import { isoFromNanos } from '../../contract/time.js';
import { type EventCounts, eventRatesOf } from '../../evaluation/eventwise.js';
import type { PointCounts } from '../../evaluation/pointwise.js';
import { precisionOfPoints } from '../../evaluation/precision.js';

/** What was found besides the result itself. */
export interface BacktestRemarks {
  readonly duplicates: number;
  readonly missing: number;
  readonly unidentified: number;
  /** Machines that were left out. */
  readonly refused: number;
  /** Labels outside the history, and labels of machines without rows there. */
  readonly unusedLabels: number;
  readonly report: string;
  readonly seconds: number;
}

/** What `halfspace backtest --json` prints: counts, a variant each; shares are null where there is nothing to share. */
export function backtestDocument(result: BacktestResult, { unusedLabels, ...remarks }: BacktestRemarks): object {
  const { pipeline, span, machines, variants, totals, rows, labels } = result;
  return {
    pipeline,
    from: isoFromNanos(span.from),
    to: isoFromNanos(span.to),
    rows,
    machines: machines.length,
    variants: variants.map(({ name, changes }, i) => ({
      name,
      changes,
      ...totalsDocument(totals[i]),
      by_machine: Object.fromEntries(machines.map((machine) => [machine.uniqueId, machineDocument(machine, i)])),
    })),
    ...(labels === null ? {} : { labels: [...labels.values()].flat().length, unused_labels: unusedLabels }),
    ...remarks,
  };
}

function totalsDocument(totals: Totals | undefined): object {
  if (totals === undefined) return {};
  const { eventful, messages, unscoredMachines, ...counts } = totals;
  const document = { ...countsDocument(counts), machines_with_events: eventful, messages };
  return { ...document, machines_still_learning: unscoredMachines };
}

function machineDocument({ outcomes }: MachineResult, index: number): object {
  const outcome = outcomes[index];
  return outcome === undefined ? {} : countsDocument(outcome);
}

type Counts = Pick<
  MachineOutcome,
  'rows' | 'unscored' | 'anomalies' | 'causes' | 'events' | 'told' | 'points' | 'eventwise' | keyof Learning
>;

function countsDocument(counts: Counts): object {
  const { rows, unscored, learning, scoredFrom, anomalies, causes, events, told, points, eventwise } = counts;
  return {
    rows,
    unscored,
    learning_rows: learning,
    scored_from: scoredFrom === null ? null : isoFromNanos(scoredFrom),
    anomalies,
    causes,
    events,
    told,
    ...(points === null ? {} : { by_row: rowsDocument(points) }),
    ...(eventwise === null ? {} : { by_event: eventsDocument(eventwise) }),
  };
}

function rowsDocument(points: PointCounts): object {
  return {
    true_positives: points.truePositives,
    false_positives: points.falsePositives,
    false_negatives: points.falseNegatives,
    true_negatives: points.trueNegatives,
    ...precisionOfPoints(points),
  };
}

function eventsDocument(counts: EventCounts): object {
  const { trueEvents, falseEvents, found, missed } = counts;
  const { meanDelayMs, ...rates } = eventRatesOf(counts);
  return { true_events: trueEvents, false_events: falseEvents, found, missed, ...rates, mean_delay_ms: meanDelayMs };
}

/** The same for people, a line a variant. */
export function backtestSummary(result: BacktestResult, { report, seconds }: BacktestRemarks): string {
  const { machines, variants, totals, rows } = result;
  const lines = variants.map(({ name }, i) => {
    const total = totals[i];
    if (total === undefined) return '';
    const found = `${counted(total.events, 'event')} on ${counted(total.eventful, 'machine')}`;
    const sent = `${counted(total.anomalies, 'anomalous row')}, ${counted(total.messages, 'message')}`;
    const against = total.eventwise === null ? '' : againstLabels(total.eventwise, total.points);
    const learning = fleetLearningText(total, machines.length);
    return `  ${name}: ${found}, ${sent}${against}${learning === '' ? '' : `; ${learning}`}\n`;
  });
  const of = `${counted(rows, 'row')} of ${counted(machines.length, 'machine')}`;
  return `backtested ${of} in ${seconds.toFixed(1)} s: ${report}\n${lines.join('')}`;
}

function againstLabels(events: EventCounts, points: PointCounts | null): string {
  const { f1 } = eventRatesOf(events);
  const rows =
    points === null
      ? ''
      : `, ${points.truePositives} of ${counted(points.truePositives + points.falseNegatives, 'labelled row')}`;
  return `, F1 by event ${f1 === null ? '-' : f1.toFixed(3)}${rows}`;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
