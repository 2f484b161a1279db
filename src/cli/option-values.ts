import { InvalidArgumentError } from 'commander';
import { parseDuration } from '../contract/duration.js';

/** What the texts of options mean. Each function throws InvalidArgumentError, which says what was expected. */

/** The texts between commas, without spaces around them. */
export function listOf(text: string): string[] {
  const items = text.split(',').map((item) => item.trim());
  if (items.includes('')) throw new InvalidArgumentError('Expected names between commas, got an empty one.');
  return items;
}

/** For an option that may be given more than once: all its texts, in their order. */
export function appended(text: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), text];
}

/** For an option `name=value` that may be given more than once: the values by name. */
export function constant(
  text: string,
  before: Readonly<Record<string, string>> | undefined,
): Readonly<Record<string, string>> {
  const at = text.indexOf('=');
  if (at < 1 || at === text.length - 1) throw new InvalidArgumentError('Expected name=value.');
  return Object.fromEntries([...Object.entries(before ?? {}), [text.slice(0, at), text.slice(at + 1)]]);
}

/** An integer from 0 to 2^53 - 1. */
export function wholeNumber(text: string): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(number)) return number;
  throw new InvalidArgumentError('Expected a whole number.');
}

/** Milliseconds, more than 0. */
export function durationMs(text: string): number {
  const duration = parseDuration(text);
  if (duration !== null && duration > 0) return duration;
  throw new InvalidArgumentError('Expected a duration such as 90s, 5m, 2h or 1h30m.');
}

/** 0 to 65535; 0 stands for any free port. */
export function portNumber(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new InvalidArgumentError('Expected a port, 0 (any free one) to 65535.');
}

/** A text that names something. */
export function nonEmpty(text: string): string {
  if (text.trim() !== '') return text;
  throw new InvalidArgumentError('Expected a name, got nothing.');
}
