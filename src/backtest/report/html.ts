import { shortText } from '../../charts/chart-text.js';

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
/** Longer than any id or reason that says something. */
const LONGEST_TEXT = 500;

/** Text from outside as the text or attribute of an element: nothing in it is markup, control characters are left out. */
export function escaped(text: string): string {
  return shortText(text, LONGEST_TEXT).replace(/[&<>"']/g, (char) => ESCAPES[char] ?? '');
}

/** A table with a heading a column; cells are markup already, the first of each row is the row's heading. */
export function table(caption: string, headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const head = headings.map((cell) => `<th scope="col">${cell}</th>`).join('');
  const body = rows.map(([first = '', ...cells]) => {
    const others = cells.map((cell) => `<td>${cell}</td>`).join('');
    return `<tr><th scope="row">${first}</th>${others}</tr>`;
  });
  return (
    `<div class="wide"><table><caption>${caption}</caption><thead><tr>${head}</tr></thead>` +
    `<tbody>${body.join('\n')}</tbody></table></div>\n`
  );
}
