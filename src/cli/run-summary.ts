import type { RunResult } from '../contract/run-result.js';
import { isoFromNanos } from '../contract/time.js';
import { visible } from './visible.js';

const count = new Intl.NumberFormat('en-US');

/** What a run did, in a few lines for people. */
export function runSummary(result: RunResult): string {
  const {
    pipeline,
    window,
    chunks,
    machines,
    rows,
    scored = rows,
    anomalies,
    events,
    scoresWritten,
    models,
    seconds,
  } = result;
  const whole = window.from === '0';
  const span = whole
    ? 'the whole source'
    : `${isoFromNanos(BigInt(window.from))} to ${isoFromNanos(BigInt(window.to))}`;
  if (result.skipped !== undefined) return `${visible(`${pipeline}: skipped, ${result.skipped}`)}\n`;
  const lines = [
    `${pipeline}: ${span}${chunks > 1 ? ` in ${plural(chunks, 'chunk')}` : ''}`,
    `  ${plural(machines, 'machine')}, ${plural(scored, 'row')} scored${scored === rows ? '' : `, of ${count.format(rows)} read,`} in ${seconds.toFixed(1)} s, ${findings(anomalies, events)}`,
    `  ${plural(scoresWritten, 'score')} written; models: ${models.cached} cached, ${models.loaded} loaded, ${models.fresh} new`,
    ...(result.aggregatesWritten > 0 ? [`  ${plural(result.aggregatesWritten, 'aggregate')} written`] : []),
    ...lateLines(result),
    ...result.alerts.map(
      ({ uniqueId, kind, channel, status, earlierEvents = 0, reason }) =>
        `  ${kind === 'revised' ? 'revised ' : ''}alert ${status}: ${uniqueId} → ${channel}${earlierEvents === 0 ? '' : `, its newest event and ${earlierEvents} earlier`}${reason === undefined ? '' : ` (${reason})`}`,
    ),
    ...result.plots.map((plot) => `  plot: ${plot}`),
    ...result.failed.map(({ uniqueId, reason }) => `  failed: ${uniqueId}: ${reason}`),
    ...result.damaged.map(({ uniqueId, reason }) => `  damaged model: ${uniqueId}: ${reason}`),
    ...result.refused.map(({ uniqueId, reason }) => `  refused: ${uniqueId}: ${reason}`),
    ...result.busy.map(({ uniqueId, reason }) => `  busy: ${uniqueId}: ${reason}`),
    ...result.warnings.map((warning) => `  warning: ${warning}`),
  ];
  return lines.map((line) => `${visible(line)}\n`).join('');
}

function findings(anomalies: number, events: number): string {
  const rows = plural(anomalies, 'anomalous row');
  if (anomalies > 0) return `${rows} in ${plural(events, 'event')}`;
  return events === 0 ? rows : `${rows}, ${plural(events, 'event')}`;
}

/** How many rows came late is among the warnings. */
function lateLines({ rescored, rescoredCount }: RunResult): string[] {
  if (rescoredCount === 0) return [];
  const more = rescoredCount > rescored.length ? ` and ${rescoredCount - rescored.length} more` : '';
  return [`  scored again from before late rows: ${rescored.join(', ')}${more}`];
}

/** `1 row`, `21,600 rows`. */
export function plural(amount: number, word: string): string {
  return `${count.format(amount)} ${word}${amount === 1 ? '' : 's'}`;
}
