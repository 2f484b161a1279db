import { readableTime, shortNumber } from '../../alerts/message.js';
import { grouped } from '../../charts/chart-text.js';
import { modelSettingsText } from '../../config/pipeline-text.js';
import type { BacktestResult, MachineResult } from '../backtest.js';
import { escaped, table } from './html.js';
import { DEFINITIONS, labelRows } from './label-rows.js';
import { fleetLearningText, learningText } from './learning-text.js';
import { machineSection } from './machine-section.js';
import { STYLE } from './style.js';

/** Machines that are drawn; of more, those with most events. All are listed up to the second number. */
const MOST_DRAWN = 50;
const MOST_LISTED = 1000;

/**
 * One HTML document that needs nothing else: style inside, no scripts and nothing to load, which its own policy forbids as well.
 * Whatever ids and reasons hold is text in it. About 50 KB a machine that is drawn.
 */
export function* reportHtml(result: BacktestResult): Generator<string, void, void> {
  const { pipeline, span, machines } = result;
  const title = `Backtest of ${escaped(pipeline)}`;
  yield `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<h1>${title}</h1>
<p>${grouped(result.rows)} rows of ${grouped(machines.length)} machines from ${readableTime(String(span.from))} to
${readableTime(String(span.to - 1n))}, each machine with a new model at the beginning. Nothing was written or sent.</p>
</header>
<main>
`;
  yield settingsTable(result);
  yield settingsDetails(result);
  if (result.labels !== null) yield DEFINITIONS;
  yield messagesNote(result);
  const drawn = drawnMachines(result);
  yield machineTable(result, new Map(drawn.map(({ machine, anchor }) => [machine.uniqueId, anchor])));
  yield legend(result);
  for (const { machine, anchor } of drawn) yield machineSection(result, machine, anchor);
  yield `</main>\n</body>\n</html>\n`;
}

function settingsTable({ variants, totals, machines, labels }: BacktestResult): string {
  const row = (name: string, cell: (index: number) => string) => [name, ...variants.map((_, i) => cell(i))];
  const count = (name: string, of: (total: (typeof totals)[number]) => number) =>
    row(name, (i) => {
      const total = totals[i];
      return total === undefined ? '' : grouped(of(total));
    });
  const share = (i: number) => {
    const { anomalies = 0, rows = 0 } = totals[i] ?? {};
    return rows === 0 ? '-' : `${((100 * anomalies) / rows).toPrecision(2)} %`;
  };
  const rows = [
    row('changed', (i) => changesText(variants[i]?.changes ?? [])),
    count('rows', (total) => total.rows),
    count('rows without any value', (total) => total.unscored),
    row('only learned', (i) => learningCell(totals[i], machines.length)),
    count('anomalous rows', (total) => total.anomalies),
    row('share of the rows', share),
    count('by score', (total) => total.causes.score),
    count('outside the valid range', (total) => total.causes.range),
    count('stuck', (total) => total.causes.stuck),
    count(`machines with events, of ${grouped(machines.length)}`, (total) => total.eventful),
    count('events', (total) => total.events),
    count('events that are told', (total) => total.told),
    count('messages to channels', (total) => total.messages),
    ...(labels === null ? [] : labelRows(totals)),
  ];
  return table('Settings side by side', ['', ...variants.map(({ name }) => escaped(name))], rows);
}

function learningCell(total: BacktestResult['totals'][number] | undefined, machines: number): string {
  const text = total === undefined ? '' : fleetLearningText(total, machines);
  return text === '' ? 'no row' : text;
}

function changesText(changes: readonly string[]): string {
  return changes.length === 0 ? 'nothing' : changes.map((text) => `<code>${escaped(text)}</code>`).join('<br>');
}

function settingsDetails({ variants }: BacktestResult): string {
  const parts = variants.map(({ name, settings }) => {
    // Line by line: a text from outside may be long, and its lines stay lines.
    const lines = modelSettingsText(settings).trimEnd().split('\n').map(escaped);
    return `<h3>${escaped(name)}</h3><pre>${lines.join('\n')}</pre>`;
  });
  return `<details><summary>The settings, whole</summary>${parts.join('')}</details>\n`;
}

function messagesNote({ variants }: BacktestResult): string {
  const channels = [...new Set(variants.flatMap(({ settings }) => settings.alerts))];
  const to = channels.length === 0 ? 'The pipeline names no channel, so nobody would be told.' : '';
  return `<p class="faint">${to} A message is shown as it reads once its event is over. A live run sends it when it first sees
the event, with the rows so far, and tells only the newest of several events that one run sees first.</p>\n`;
}

function drawnMachines({ machines }: BacktestResult): { machine: MachineResult; anchor: string }[] {
  const chosen = new Set(
    [...machines].sort((a, b) => mostEvents(b) - mostEvents(a) || Number(b.rows - a.rows)).slice(0, MOST_DRAWN),
  );
  return machines.filter((machine) => chosen.has(machine)).map((machine, i) => ({ machine, anchor: `m${i + 1}` }));
}

function mostEvents({ outcomes }: MachineResult): number {
  return Math.max(...outcomes.map(({ events }) => events));
}

function machineTable({ machines, variants }: BacktestResult, anchors: ReadonlyMap<string, string>): string {
  const rows = machines.slice(0, MOST_LISTED).map(({ uniqueId, rows, outcomes, first, last }) => {
    const anchor = anchors.get(uniqueId);
    const name = anchor === undefined ? escaped(uniqueId) : `<a href="#${anchor}">${escaped(uniqueId)}</a>`;
    const found = outcomes.map(({ events, anomalies, ...learning }) => {
      const counts = `${grouped(events)} (${grouped(anomalies)} ${anomalies === 1 ? 'row' : 'rows'})`;
      return learning.scoredFrom === null ? `${counts}, ${learningText(learning)}` : counts;
    });
    return [name, grouped(rows), readableTime(String(first)), readableTime(String(last)), ...found];
  });
  const headings = [
    'machine',
    'rows',
    'first row',
    'last row',
    ...variants.map(({ name }) => `events: ${escaped(name)}`),
  ];
  const more = machines.length - rows.length;
  const rest = more > 0 ? `<p>and ${grouped(more)} machines more</p>\n` : '';
  const undrawn = machines.length - anchors.size;
  const drawn = undrawn > 0 ? `<p>The ${anchors.size} machines with most events are drawn below.</p>\n` : '';
  return `<h2>Machines</h2>\n${table('Events and anomalous rows by machine', headings, rows)}${rest}${drawn}`;
}

function legend({ labels, variants }: BacktestResult): string {
  const thresholds = new Set(variants.map(({ settings }) => shortNumber(settings.verdict.threshold)));
  return (
    '<p class="faint"><span class="key v">value, lowest to highest a pixel</span> <span class="key s">highest score a pixel</span> ' +
    `<span class="key t">threshold (${[...thresholds].join(', ')})</span> <span class="key a">anomalous</span>` +
    `${labels === null ? '' : ' <span class="key l">labelled</span>'}</p>\n`
  );
}
