import type { AnomalyEvent, EarlierEvents } from '../contract/anomaly-event.js';
import { isoFromNanos, type Nanos } from '../contract/time.js';
import type { Alert } from './channel.js';
import { codeSpan, cutEscaped, isPublicUrl, linkTo, printable } from './slack-text.js';

/** Plain text in a Slack block: shown as it is, nothing in it is markup. */
export interface PlainText {
  readonly type: 'plain_text';
  readonly text: string;
  readonly emoji: false;
}

/** Slack markup; `verbatim` keeps Slack from making links and mentions of its own. */
export interface Markup {
  readonly type: 'mrkdwn';
  readonly text: string;
  readonly verbatim: true;
}

/** The blocks used here, see https://docs.slack.dev/reference/block-kit/blocks */
export type MessageBlock =
  | { readonly type: 'header'; readonly text: PlainText }
  | { readonly type: 'section'; readonly text: PlainText | Markup }
  | { readonly type: 'section'; readonly fields: readonly Markup[] }
  | { readonly type: 'image'; readonly image_url: string; readonly alt_text: string }
  | { readonly type: 'context'; readonly elements: readonly Markup[] };

export interface AlertMessage {
  /** One line, escaped for Slack: what notifications and clients without blocks show. */
  readonly text: string;
  readonly blocks: readonly MessageBlock[];
}

// Slack's limits, https://docs.slack.dev/reference/block-kit/blocks
export const HEADER_LENGTH = 150;
export const SECTION_LENGTH = 3000;
const FIELD_LENGTH = 2000;
const IMAGE_URL_LENGTH = 3000;
const ALT_TEXT_LENGTH = 2000;
/** Long enough for any real id, short enough for one line. */
const ID_LENGTH = 120;
const REASON_LENGTH = 500;
const COLUMNS_SHOWN = 8;

/**
 * A Slack message about one event. Ids, columns and reasons come from outside: control characters are taken out, Slack's
 * control characters escaped, long ones cut, so that none can mention, link, format or overflow a block.
 */
export function alertMessage(alert: Alert): AlertMessage {
  const { event } = alert;
  const links = [linkTo(alert.runUrl, 'Open the run in Temporal')];
  const hasPicture = alert.plotUrl !== null && alert.plotUrl.length <= IMAGE_URL_LENGTH && isPublicUrl(alert.plotUrl);
  if (!hasPicture) links.push(linkTo(alert.plotUrl, 'Open the plot'));
  const shownLinks = links.filter((link) => link !== null);
  const blocks: MessageBlock[] = [
    { type: 'header', text: plain(`${titleOf(alert)} ${cut(event.uniqueId, ID_LENGTH)}`, HEADER_LENGTH) },
    { type: 'section', fields: [...summaryFields(alert)] },
    { type: 'section', text: plain(`Reason: ${explanationOf(alert)}`, SECTION_LENGTH) },
  ];
  if (shownLinks.length > 0) {
    blocks.push({ type: 'section', text: markup(shownLinks.join('  |  ')) });
  }
  if (hasPicture && alert.plotUrl !== null) {
    const altText = `Score and values of ${cut(event.uniqueId, ID_LENGTH)} over time`;
    blocks.push({
      type: 'image',
      image_url: new URL(alert.plotUrl).href,
      alt_text: cutEscaped(altText, ALT_TEXT_LENGTH),
    });
  }
  blocks.push({ type: 'context', elements: [markup(`Event ${codeSpan(event.key, FIELD_LENGTH / 2)}`)] });
  return { text: cutEscaped(alertSummary(alert), SECTION_LENGTH), blocks };
}

/** The alert in one line of plain text, not escaped: for a log. */
export function alertSummary(alert: Alert): string {
  const { event } = alert;
  const { worst } = event;
  const machine = `${cut(event.uniqueId, ID_LENGTH)} (${cut(event.pipeline, ID_LENGTH)})`;
  const when =
    event.first === event.last
      ? readableTime(event.first)
      : `${readableTime(event.first)} to ${readableTime(event.last)}`;
  if (alert.kind === 'revised')
    return `${titleOf(alert)} ${machine}: ${counted(event)} were told, ${when}; ${TAKEN_BACK}`;
  if (isSilence(alert)) return `${titleOf(alert)} ${machine} since ${readableTime(worst.time)}`;
  const score = `worst score ${shortNumber(worst.score)} (threshold ${shortNumber(event.threshold)})`;
  return `${titleOf(alert)} ${machine}: ${counted(event)}, ${when}${earlierText(event)}, ${score}: ${explanationOf(alert)}`;
}

/** A machine's newest event is told; of those before it the message says that there were any. */
function earlierText({ earlier }: AnomalyEvent): string {
  if (earlier === undefined) return '';
  return `, and ${countedEvents(earlier, 'earlier event')}`;
}

function countedEvents({ events, rows, since }: EarlierEvents, what: string): string {
  return `${events} ${what}${events === 1 ? '' : 's'} since ${readableTime(since)}, ${countedRows(rows)}`;
}

function isSilence({ event }: Alert): boolean {
  return event.worst.cause === 'silent';
}

function titleOf(alert: Alert): string {
  if (isSilence(alert)) return 'No rows from';
  return alert.kind === 'revised' ? 'Revised, no anomaly on' : 'Anomaly on';
}

const TAKEN_BACK = 'rows there came late, were changed or removed since, and nothing there is anomalous any more';

function explanationOf({ kind, event, isFoundLate }: Alert): string {
  if (kind === 'revised') return TAKEN_BACK;
  // Since when is said elsewhere.
  if (event.worst.cause === 'silent') return 'no rows for longer than verdict.stale_after';
  const reason = cut(event.worst.reason, REASON_LENGTH);
  return isFoundLate ? `${reason}; found when late rows came` : reason;
}

function summaryFields(alert: Alert): readonly Markup[] {
  const { kind, event } = alert;
  const { worst } = event;
  const ids = Object.entries(event.ids).map(
    ([column, id]) => `${codeSpan(column, ID_LENGTH)} ${codeSpan(id, ID_LENGTH)}`,
  );
  const names = [
    field('Machine', ids.length === 0 ? codeSpan(event.uniqueId, ID_LENGTH) : joinFitting(ids)),
    field('Pipeline', codeSpan(event.pipeline, ID_LENGTH)),
  ];
  if (isSilence(alert)) {
    return [...names, field('Last row', readableTime(worst.time)), field('Missed since', readableTime(event.first))];
  }
  return [
    ...names,
    kind === 'revised'
      ? field('Was told', counted(event))
      : field('Anomalous', `${countedRows(event.rows)}; the event ${event.open ? 'is still open' : 'is over'}`),
    ...(kind === 'revised' || event.earlier === undefined
      ? []
      : [field('Before it, told to nobody', countedEvents(event.earlier, 'event'))]),
    field('Worst score', `${shortNumber(worst.score)} (threshold ${shortNumber(event.threshold)})`),
    field('First', readableTime(event.first)),
    field('Last', readableTime(event.last)),
    field(`At the worst row, ${readableTime(worst.time)}`, worstValues(event)),
  ];
}

/** One line a value column with its declared limits; columns that only have limits follow. */
function worstValues(event: AnomalyEvent): string {
  const columns = [...new Set([...Object.keys(event.worst.values), ...Object.keys(event.limits)])];
  const lines = columns.slice(0, COLUMNS_SHOWN).map((column) => {
    const value = event.worst.values[column] ?? null;
    const limits = event.limits[column];
    const declared =
      limits === undefined ? '' : ` (declared limits ${shortNumber(limits[0])} to ${shortNumber(limits[1])})`;
    return `${codeSpan(column, ID_LENGTH)} ${value === null ? 'no value' : shortNumber(value)}${declared}`;
  });
  const more = columns.length - COLUMNS_SHOWN;
  if (more > 0) lines.push(`and ${more} more`);
  return columns.length === 0 ? 'no values' : joinFitting(lines);
}

/** As many whole lines as a field holds: cutting inside one could leave half an entity. */
function joinFitting(lines: readonly string[]): string {
  const room = FIELD_LENGTH - 100; // the label above and the last line below
  const kept: string[] = [];
  let length = 0;
  for (const line of lines) {
    length += line.length + 1;
    if (length > room) return [...kept, `and ${lines.length - kept.length} more`].join('\n');
    kept.push(line);
  }
  return kept.join('\n');
}

function countedRows(rows: number): string {
  return `${rows} ${rows === 1 ? 'row' : 'rows'}`;
}

function counted(event: AnomalyEvent): string {
  return `${event.rows} anomalous ${event.rows === 1 ? 'row' : 'rows'}`;
}

/** `2026-11-23 08:15:02.250 UTC`: to the millisecond where there is a fraction. */
export function readableTime(nanos: Nanos): string {
  const [date = '', clock = ''] = isoFromNanos(BigInt(nanos)).slice(0, -1).split('T');
  return `${date} ${clock.replace(/(\.\d{3})\d+$/, '$1')} UTC`;
}

/** Six digits tell a value from its limit and a score from its threshold. */
export function shortNumber(value: number): string {
  return String(Number(value.toPrecision(6)));
}

function cut(text: string, length: number): string {
  return printable(text, length);
}

export function plain(text: string, length: number): PlainText {
  return { type: 'plain_text', text: cutEscaped(text, length), emoji: false };
}

export function markup(text: string): Markup {
  return { type: 'mrkdwn', text, verbatim: true };
}

function field(label: string, text: string): Markup {
  return markup(`*${label}*\n${text}`);
}
