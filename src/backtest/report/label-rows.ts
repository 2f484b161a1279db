import { formatDuration } from '../../contract/duration.js';
import { eventRatesOf } from '../../evaluation/eventwise.js';
import { precisionOfPoints } from '../../evaluation/precision.js';
import type { Totals } from '../backtest.js';

/** What the figures against labels mean. */
export const DEFINITIONS = `<h2>What the figures against labels mean</h2>
<dl>
<dt>by row</dt>
<dd>Precision: of the rows called anomalous, the share that lies in a labelled stretch. Recall: of the scored rows in labelled
stretches, the share called anomalous. A stretch holds its first and its last moment. The rows that a model learns before it
scores count too.</dd>
<dt>by event</dt>
<dd>Precision: of the events, the share that touches a labelled stretch. Recall: of the labelled stretches within the time
looked at, the share with an anomalous row inside; one without any row counts as missed.</dd>
<dt>F1</dt>
<dd>The harmonic mean of precision and recall. No adjustment is made: a stretch that was found is not counted as if all of its
rows had been.</dd>
<dt>mean delay</dt>
<dd>From the begin of a stretch to the first anomalous row in it, over the stretches that were found.</dd>
</dl>
`;

/** The rows of the table of settings that labels add. */
export function labelRows(totals: readonly Totals[]): string[][] {
  const points = totals.map((total) => (total.points === null ? null : precisionOfPoints(total.points)));
  const events = totals.map((total) => (total.eventwise === null ? null : eventRatesOf(total.eventwise)));
  return [
    ['precision by row', ...points.map((rates) => share(rates?.precision))],
    ['recall by row', ...points.map((rates) => share(rates?.recall))],
    ['F1 by row', ...points.map((rates) => share(rates?.f1))],
    ['precision by event', ...events.map((rates) => share(rates?.precision))],
    ['recall by event', ...events.map((rates) => share(rates?.recall))],
    ['F1 by event', ...events.map((rates) => share(rates?.f1))],
    ['labelled stretches found', ...totals.map(({ eventwise }) => foundText(eventwise))],
    ['mean delay', ...events.map((rates) => delayText(rates?.meanDelayMs ?? null))],
  ];
}

function foundText(counts: Totals['eventwise']): string {
  return counts === null ? '-' : `${counts.found} of ${counts.found + counts.missed}`;
}

/** A dash where there is nothing to share. */
function share(value: number | null | undefined): string {
  return value == null ? '-' : value.toFixed(3);
}

function delayText(ms: number | null): string {
  return ms === null ? '-' : formatDuration(Math.round(ms));
}
