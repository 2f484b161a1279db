import { alertSummary, readableTime, shortNumber } from '../../alerts/message.js';
import { grouped } from '../../charts/chart-text.js';
import { type BacktestResult, type MachineResult, SHOWN_COLUMNS } from '../backtest.js';
import { escaped, table } from './html.js';
import { machinePlot } from './plot.js';

/** Events and messages that are shown of a machine and variant; a message says again what its event says. */
const MOST_SHOWN = 20;
const MOST_MESSAGES = 10;

/** One machine: its plot, its events with their reasons, and what would have been sent. */
export function machineSection(result: BacktestResult, machine: MachineResult, anchor: string): string {
  const { variants } = result;
  const columns = variants[0]?.settings.source.values ?? [];
  const undrawn = columns.slice(SHOWN_COLUMNS).map(escaped).join(', ');
  const note = undrawn === '' ? '' : `<p class="faint">not drawn: ${undrawn}</p>\n`;
  return (
    `<section>\n<h2 id="${anchor}">${escaped(machine.uniqueId)}</h2>\n` +
    `${machinePlot(result, machine)}${note}${eventTable(result, machine)}${messages(result, machine)}</section>\n`
  );
}

function eventTable({ variants }: BacktestResult, { outcomes }: MachineResult): string {
  const rows = outcomes.flatMap(({ kept }, i) =>
    kept
      .slice(0, MOST_SHOWN)
      .map(({ event, isTold }) => [
        escaped(variants[i]?.name ?? ''),
        readableTime(event.first),
        `${readableTime(event.last)}${event.open ? ', still open' : ''}`,
        grouped(event.rows),
        shortNumber(event.worst.score),
        escaped(event.worst.reason),
        isTold ? 'yes' : 'no, a repeat',
      ]),
  );
  const headings = ['settings', 'first anomalous row', 'last', 'rows', 'worst score', 'reason', 'told'];
  return rows.length === 0 ? '<p>No events.</p>\n' : `${table('Events', headings, rows)}${moreEvents(outcomes)}`;
}

function moreEvents(outcomes: MachineResult['outcomes']): string {
  const more = outcomes.reduce((sum, { events }) => sum + Math.max(events - MOST_SHOWN, 0), 0);
  return more === 0 ? '' : `<p>The first ${MOST_SHOWN} events of each; ${grouped(more)} more are not shown.</p>\n`;
}

function messages({ variants }: BacktestResult, { outcomes }: MachineResult): string {
  const parts = outcomes.map(({ kept, told }, i) => {
    const channels = variants[i]?.settings.alerts ?? [];
    if (told === 0) return '';
    const shown = kept.filter(({ isTold }) => isTold).slice(0, MOST_MESSAGES);
    const lines = shown.map(({ event }) => {
      const alert = { kind: 'event', event, isFoundLate: false, runUrl: null, plotUrl: null } as const;
      return `<li>${escaped(alertSummary(alert))}</li>`;
    });
    const to = channels.length === 0 ? 'to no channel' : `to ${channels.map(escaped).join(', ')}`;
    const more = told > shown.length ? `<p>and ${grouped(told - shown.length)} more</p>` : '';
    const name = `${escaped(variants[i]?.name ?? '')}: ${grouped(told)} ${told === 1 ? 'message' : 'messages'} ${to}`;
    return `<h3>${name}</h3><ol>${lines.join('\n')}</ol>${more}`;
  });
  if (parts.every((part) => part === '')) return '';
  return `<details><summary>What would have been sent</summary>${parts.join('')}</details>\n`;
}
