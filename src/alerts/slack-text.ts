/** Slack's three control characters, https://docs.slack.dev/messaging/formatting-message-text#escaping */
const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };
const ELLIPSIS = '…';
const EMPTY = '(empty)';
const LINK_LENGTH = 1400; // two of them and their labels fit into a section

/**
 * One line of text, at most `length` UTF-16 units and never empty: runs of white space, control, format and broken
 * characters become one space. A longer text ends in an ellipsis.
 */
export function printable(text: string, length: number): string {
  // A text of megabytes is cut before it is searched; runs are at most as long as what is kept here.
  const line = text
    .slice(0, 16 * length)
    .replace(/[\s\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim();
  if (line === '') return EMPTY;
  return line.length <= length ? line : takeWhole(Array.from(line), length);
}

/** Text escaped for Slack in at most `length` UTF-16 units, cut between characters and never inside an entity. */
export function cutEscaped(text: string, length: number): string {
  const units = Array.from(text.slice(0, length + 1), (character) => ENTITIES[character] ?? character);
  const whole = units.join('');
  return whole.length <= length && text.length <= length ? whole : takeWhole(units, length);
}

/** Text as a Slack code span, in which nothing is markup; back quotes would end it and become apostrophes. */
export function codeSpan(text: string, length: number): string {
  return `\`${cutEscaped(printable(text, length).replaceAll('`', "'"), length)}\``;
}

/** A link in Slack's markup; null without an address, or when it is too long or not http or https. */
export function linkTo(address: string | null, label: string): string | null {
  const url = webUrl(address);
  if (url === null) return null;
  // What ends an address inside <…|…> goes as percent codes, which mean the same to the server.
  const href = url.href.replaceAll('|', '%7C').replaceAll('<', '%3C').replaceAll('>', '%3E').replaceAll('&', '&amp;');
  return href.length > LINK_LENGTH ? null : `<${href}|${label}>`;
}

/**
 * True for an http or https address that Slack's servers can reach as far as the host tells: Slack refuses a whole
 * message whose picture it cannot fetch. Private, loopback and link-local addresses and names without a dot are not.
 */
export function isPublicUrl(address: string): boolean {
  const url = webUrl(address);
  if (url === null) return false;
  const host = url.hostname.replace(/\.$/, '');
  if (host.startsWith('[')) return !/^\[(::|fc|fd|fe[89ab])/.test(host);
  if (/^\d+\.\d+\.\d+\.\d+$/.test(host)) {
    return !/^(0|10|127|169\.254|192\.168|172\.(1[6-9]|2\d|3[01])|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\./.test(host);
  }
  return host.includes('.') && !/\.(localhost|local|internal|lan|home\.arpa|test|invalid|example)$/.test(host);
}

function webUrl(address: string | null): URL | null {
  if (address === null || !URL.canParse(address)) return null;
  const url = new URL(address);
  return url.protocol === 'http:' || url.protocol === 'https:' ? url : null;
}

function takeWhole(units: readonly string[], length: number): string {
  let kept = '';
  for (const unit of units) {
    if (kept.length + unit.length > length - ELLIPSIS.length) break;
    kept += unit;
  }
  return kept + ELLIPSIS;
}
