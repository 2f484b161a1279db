import type { PlotData, PlotReason } from './plot-data.js';

/** Longest line of a reason, its time aside. */
const REASON_LENGTH = 120;

/** `Anomalies - <Column> - <unique_id>`; several columns with commas in between; of a wider id the middle is left out. */
export function chartTitle(data: PlotData, widthPx: number): string {
  const length = Math.max(12, Math.floor(40 / Math.max(1, data.columns.length)));
  const column = data.columns.map(({ name }) => shortText(name, length)).join(', ');
  const head = `Anomalies - ${column.charAt(0).toUpperCase()}${column.slice(1)} - `;
  for (let length = 200; length > 12; length -= 4) {
    const title = head + shortText(data.uniqueId, length);
    if (titlePx(title) <= widthPx) return title;
  }
  return head + shortText(data.uniqueId, 12);
}

/** About how wide bold text of 17 px is, on the safe side: there is no canvas to measure it here. */
function titlePx(text: string): number {
  let px = 0;
  for (const character of text)
    px += /[\u2e80-\u{10ffff}MWmw@%]/u.test(character) ? 19 : /[A-Z]/.test(character) ? 15 : 11.8;
  return px;
}

/** How many rows, how many of them anomalous, first and last time to the second; for at least one row. */
export function chartSubtitle(timesMs: Float64Array, anomalies: number): string {
  const rows = timesMs.length;
  const first = readableTime(timesMs[0] ?? 0);
  const last = readableTime(timesMs[rows - 1] ?? 0);
  const counted = anomalies === 0 ? 'none anomalous' : `${grouped(anomalies)} anomalous`;
  const noun = rows === 1 ? 'row' : 'rows';
  return `${grouped(rows)} ${noun}, ${counted}, ${first === last ? first : `${first} to ${last}`} UTC`;
}

function readableTime(ms: number): string {
  return new Date(ms).toISOString().replace('T', ' ').slice(0, 19);
}

/** `<time> UTC: <why>`, or only why. */
export function reasonLine({ timeMs, text }: PlotReason): string {
  const why = shortText(text, REASON_LENGTH);
  return timeMs === null ? why : `${readableTime(timeMs)} UTC: ${why}`;
}

/** Digits in groups of three, the same in every locale. */
export function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** Printable text of at most `length` characters; the middle is left out of a longer one, its ends tell machines apart. */
export function shortText(text: string, length: number): string {
  const characters = Array.from(text.slice(0, 4 * length).replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+/gu, ' '));
  const end = Array.from(text.slice(-4 * length).replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+/gu, ' '));
  if (text.length <= 4 * length && characters.length <= length) return characters.join('');
  const tail = Math.floor((length - 1) / 3);
  return `${characters.slice(0, length - 1 - tail).join('')}…${end.slice(-tail).join('')}`;
}
