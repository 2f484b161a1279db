import type { BackfillDigest, DigestMachine } from '../contract/digest.js';
import type { DigestMessage } from './channel.js';
import {
  type AlertMessage,
  HEADER_LENGTH,
  type MessageBlock,
  markup,
  plain,
  readableTime,
  SECTION_LENGTH,
  shortNumber,
} from './message.js';
import { codeSpan, cutEscaped, linkTo, printable } from './slack-text.js';

/** Twenty lines of this length and the rest of the message stay below Slack's limit of a section. */
const ID_LENGTH = 60;

/** A Slack message about a whole backfill; ids are treated as in {@link alertMessage}. */
export function digestMessage({ digest, runUrl }: DigestMessage): AlertMessage {
  const link = linkTo(runUrl, 'Open the backfill in Temporal');
  const blocks: MessageBlock[] = [
    { type: 'header', text: plain(`Backfill of ${digest.pipeline}`, HEADER_LENGTH) },
    { type: 'section', text: plain(digestSummary(digest), SECTION_LENGTH) },
  ];
  if (digest.worst.length > 0) blocks.push({ type: 'section', text: markup(machineLines(digest)) });
  if (link !== null) blocks.push({ type: 'section', text: markup(link) });
  return { text: cutEscaped(digestSummary(digest), SECTION_LENGTH), blocks };
}

/** The digest in one line of plain text, not escaped: for a log. */
export function digestSummary(digest: BackfillDigest): string {
  const { machines, rows, events, unfinished, range } = digest;
  const span = `${readableTime(range.from)} to ${readableTime(range.to)}`;
  const found =
    rows === 0
      ? 'no anomalous rows'
      : `${counted(rows, 'anomalous row')} in ${counted(events, 'event')} on ${counted(machines, 'machine')}`;
  const left = unfinished === 0 ? '' : `; ${counted(unfinished, 'machine')} could not be finished`;
  return `Backfill of ${printable(digest.pipeline, ID_LENGTH)}, ${span}: ${found}${left}`;
}

/** As many machines, worst first, as a section holds: cutting inside a line could leave half an entity. */
function machineLines({ worst, machines }: BackfillDigest): string {
  const room = SECTION_LENGTH - 20; // for the last line
  const lines: string[] = [];
  let length = 0;
  for (const machine of worst) {
    const line = machineLine(machine);
    length += line.length + 1;
    if (length > room) break;
    lines.push(line);
  }
  const more = machines - lines.length;
  return more > 0 ? [...lines, `and ${more} more`].join('\n') : lines.join('\n');
}

function machineLine({ uniqueId, rows, events, worst }: DigestMachine): string {
  const found = `${counted(events, 'event')}, ${counted(rows, 'row')}`;
  return `${codeSpan(uniqueId, ID_LENGTH)} ${found}, worst score ${shortNumber(worst.score)} at ${readableTime(worst.time)}`;
}

function counted(amount: number, word: string): string {
  return `${amount} ${word}${amount === 1 ? '' : 's'}`;
}
