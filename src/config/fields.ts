import { z } from 'zod';
import { DURATION_PATTERN, formatDuration, parseDuration } from '../contract/duration.js';
import { nearest } from './nearest.js';

/**
 * The kinds of setting. Each carries its own "expected ..." text, so that a message reads the same wherever the value
 * is wrong; the loader adds the place and, where it is no secret, the value found.
 */

/** A group of settings; an unknown key is an error that suggests the nearest known one. One line a key in its message. */
export function group<S extends z.ZodRawShape>(shape: S): z.ZodObject<S, z.core.$strict> {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => unknownKey(key, known)).join('\n')
        : `expected settings (${known.join(', ')})`,
  });
}

function unknownKey(key: string, known: readonly string[]): string {
  const close = nearest(key, known);
  return close === null
    ? `unknown setting; known here: ${known.join(', ')}`
    : `unknown setting; did you mean \`${close}\`?`;
}

/** The name of a kind of detector, which says which other settings its group has. */
export function detectorKind<K extends string>(kind: K): z.ZodLiteral<K> {
  const error = `expected ${kind}`;
  return z.literal(kind, { error }).describe('Which detector it is; docs/detection.md says what each is for.');
}

/** An integer in `min..max`. */
export function integer(min: number, max: number): z.ZodNumber {
  const error = `expected an integer from ${min} to ${max}`;
  return z.number({ error }).int({ error }).min(min, { error }).max(max, { error });
}

/** A finite number in `min..max`. */
export function share(min: number, max: number): z.ZodNumber {
  const error = `expected a number from ${min} to ${max}`;
  return z.number({ error }).min(min, { error }).max(max, { error });
}

/** A hundred years: the window of a run stays within the times that InfluxDB holds. */
const LONGEST_MS = 36_500 * 86_400_000;

/** A duration as text; comes out as milliseconds. `least` and `most` are the smallest and largest allowed, in milliseconds. */
export function duration(least: number, most = LONGEST_MS): z.ZodPipe<z.ZodString, z.ZodTransform<number, string>> {
  const bound = least > 1 ? `, at least ${formatDuration(least)}` : least > 0 ? ', above zero' : '';
  const error = `expected a duration such as 90ms, 10s, 5m, 24h, 7d or 1h30m${bound}`;
  return z
    .string({ error })
    .regex(DURATION_PATTERN, { error, abort: true })
    .refine((text) => (parseDuration(text) ?? 0) >= least, {
      error: least > 1 ? `expected at least ${formatDuration(least)}` : error,
    })
    .refine((text) => (parseDuration(text) ?? 0) <= most, { error: `expected at most ${formatDuration(most)}` })
    .transform((text) => parseDuration(text) ?? 0);
}

/** A text with at least one character that is not a space. */
export function text(what: string): z.ZodString {
  const error = `expected ${what}`;
  return z.string({ error }).regex(/\S/, { error });
}

/** The name of a table or column: a text that SQL and line protocol can both hold. */
export function columnName(what: string): z.ZodString {
  const error = `expected ${what} without control characters and without a backslash at its end`;
  return text(what).refine((name) => !/\p{Cc}|\\$/u.test(name), { error });
}

/** A non-empty list of different names. */
export function names(what: string): z.ZodArray<z.ZodString> {
  const error = `expected a list of ${what}, at least one, e.g. [a, b]`;
  return z
    .array(columnName('a column name'), { error })
    .min(1, { error })
    .refine((list) => new Set(list).size === list.length, { error: `expected each of the ${what} once` });
}

/** An http or https address. */
export function address(): z.ZodString {
  const error = 'expected an address such as https://host:8181';
  return z.string({ error }).refine(isHttpAddress, { error });
}

/** An optional text: absent, null and empty all come out as null. */
export function optional(inner: z.ZodString) {
  const absent = z.literal('').transform(() => null);
  return z.union([absent, inner]).nullable().default(null);
}

function isHttpAddress(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return (protocol === 'http:' || protocol === 'https:') && hostname !== '';
}
