/** Control characters, line and paragraph separators, and what turns the direction of writing. */
const INVISIBLE = /[\p{Cc}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** One line for a terminal: ids come from outside, and what would move the cursor or hide text is shown as an escape. */
export function visible(text: string): string {
  return text.replace(INVISIBLE, (char) => SHORT[char] ?? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
