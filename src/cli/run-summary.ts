import type { RunResult } from '../contract/run.js';
import { isoFromNanos } from '../contract/time.js';
import { visible } from './visible.js';

const count = new Intl.NumberFormat('en-US');

/** What a run did, in a few lines for people. */
export function runSummary(result: RunResult): string {
  const { pipeline, window, machines, rows, anomalies, events, scoresWritten, models, seconds } = result;
  const whole = window.from === '0';
  const span = whole
    ? 'the whole source'
    : `${isoFromNanos(BigInt(window.from))} to ${isoFromNanos(BigInt(window.to))}`;
  const lines = [
    `${pipeline}: ${span}`,
    `  ${plural(machines, 'machine')}, ${plural(rows, 'row')} scored in ${seconds.toFixed(1)} s, ${plural(anomalies, 'anomalous row')} in ${plural(events, 'event')}`,
    `  ${plural(scoresWritten, 'score')} written; models: ${models.cached} cached, ${models.loaded} loaded, ${models.fresh} new`,
    ...result.alerts.map(
      ({ uniqueId, channel, status, reason }) =>
        `  alert ${status}: ${uniqueId} → ${channel}${reason === undefined ? '' : ` (${reason})`}`,
    ),
    ...result.plots.map((plot) => `  plot: ${plot}`),
    ...result.failed.map(({ uniqueId, reason }) => `  failed: ${uniqueId}: ${reason}`),
    ...result.refused.map(({ uniqueId, reason }) => `  refused: ${uniqueId}: ${reason}`),
    ...result.busy.map(({ uniqueId, reason }) => `  busy: ${uniqueId}: ${reason}`),
    ...result.warnings.map((warning) => `  warning: ${warning}`),
  ];
  return lines.map((line) => `${visible(line)}\n`).join('');
}

function plural(amount: number, word: string): string {
  return `${count.format(amount)} ${word}${amount === 1 ? '' : 's'}`;
}
