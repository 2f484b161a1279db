import { relative } from 'node:path';
import type { RunResult } from '../contract/run-result.js';
import { plural } from './run-summary.js';

/** A finished run of the live demo: one line, and below it what there is to look at. Plots are paths below `cwd`. */
export function demoRunText(result: RunResult, cwd: string): string {
  const { rows, machines, seconds, models, alerts, plots, failed, refused, busy, warnings } = result;
  const origin = [
    ...(models.fresh > 0 ? [`${plural(models.fresh, 'new model')}`] : []),
    ...(models.loaded > 0 ? [`${plural(models.loaded, 'model')} loaded from the store`] : []),
  ].join(', ');
  const what = `${plural(rows, 'row')} of ${plural(machines, 'machine')} scored in ${seconds.toFixed(1)} s`;
  const lines = [
    `${what}: ${findings(result)}${origin === '' ? '' : ` (${origin})`}`,
    ...alerts.map(({ uniqueId, kind, channel, status, reason }) =>
      status === 'failed'
        ? `${channel} could not be told of ${uniqueId}: ${reason}`
        : `${channel} was told ${kind === 'revised' ? 'that there is no anomaly on' : 'of'} ${uniqueId}${status === 'logged' ? ' (in this log: it has no webhook)' : ''}`,
    ),
    ...plots.map((plot) => `plot ${shownPath(plot, cwd)}`),
    ...[...failed, ...refused, ...busy].map(({ uniqueId, reason }) => `${uniqueId} was not scored: ${reason}`),
    ...warnings.map((warning) => `warning: ${warning}`),
  ];
  return lines.join('\n');
}

/** Rows may belong to an event that people know already. */
function findings({ anomalies, alerts }: RunResult): string {
  if (anomalies === 0) return 'none anomalous';
  const news = alerts.some(({ kind }) => kind === 'event') ? 'a new event' : 'the event goes on, nobody is told twice';
  return `${anomalies} anomalous, ${news}`;
}

/** `12:01:20Z  text`: UTC, as all times of the messages are. Further lines are indented alike. */
export function atClock(time: Date, text: string): string {
  const [first = '', ...others] = text.split('\n');
  const indent = ' '.repeat(11);
  return [`${time.toISOString().slice(11, 19)}Z  ${first}\n`, ...others.map((line) => `${indent}${line}\n`)].join('');
}

/** As people would open it from where they are; what is not below stays as it is. */
export function shownPath(path: string, cwd: string): string {
  const below = relative(cwd, path);
  return below.startsWith('..') ? path : below;
}
