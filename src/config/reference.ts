import { z } from 'zod';
import { ENVIRONMENT, type Reader } from './environment.js';
import { fileSchema } from './schema.js';

const READERS: Readonly<Record<Reader, string>> = {
  settings: 'halfspace.yaml as shipped',
  halfspace: 'halfspace itself',
  temporal: "Temporal's client",
  s3: 'a store in S3',
  compose: 'docker-compose.yml',
};

/** JSON Schema (draft 2020-12) of halfspace.yaml as people write it, for editors. */
export function settingsJsonSchema(): Record<string, unknown> {
  return { ...z.toJSONSchema(fileSchema, { io: 'input' }), title: 'halfspace.yaml' };
}

interface Row {
  readonly key: string;
  readonly form: string;
  readonly fallback: string;
  readonly description: string;
}

type Json = Record<string, unknown>;

/** Markdown tables of every setting, one a section, in the order of the schema. */
export function settingsTables(): string {
  const properties = settingsJsonSchema().properties as Record<string, Json>;
  return Object.entries(properties)
    .map(([name, schema]) => {
      const rows = rowsOf(name, schema, requiredOf(settingsJsonSchema()).includes(name));
      const lines = rows.map(({ key, form, fallback, description }) => [key, form, fallback, description]);
      return `### ${name}\n\n${tableOf([['key', 'form', 'default', 'meaning'], ...lines])}`;
    })
    .join('\n\n');
}

/** A Markdown table of every environment variable. */
export function environmentTable(): string {
  const lines = ENVIRONMENT.map(({ name, reader, fallback, description }) => {
    return [code(name), READERS[reader], fallback === null || fallback === '' ? '' : code(fallback), description];
  });
  return tableOf([['variable', 'read by', 'default', 'meaning'], ...lines]);
}

function rowsOf(path: string, schema: Json, required: boolean): Row[] {
  const own: Row = {
    key: code(path),
    form: formOf(schema),
    fallback: required && !('default' in schema) ? 'required' : fallbackOf(schema),
    description: String(schema.description ?? ''),
  };
  return [own, ...innerRows(path, schema)];
}

function innerRows(path: string, schema: Json): Row[] {
  const rows = Object.entries((schema.properties ?? {}) as Record<string, Json>).flatMap(([key, inner]) =>
    rowsOf(`${path}.${key}`, inner, requiredOf(schema).includes(key)),
  );
  const named = schema.additionalProperties;
  if (typeof named === 'object' && named !== null) rows.push(...innerRows(`${path}.<name>`, named as Json));
  const branches = branchesOf(schema).filter((branch) => 'properties' in branch);
  rows.push(...merged(branches.flatMap((branch) => innerRows(path, branch))));
  if (schema.items !== undefined) {
    const items = branchesOf(schema.items as Json);
    rows.push(...merged(items.flatMap((item) => innerRows(`${path}[]`, item))));
  }
  return rows;
}

/** Alternatives have keys in common: one row a key, with the forms of all. */
function merged(rows: readonly Row[]): Row[] {
  const byKey = new Map<string, Row>();
  for (const row of rows) {
    const known = byKey.get(row.key);
    byKey.set(row.key, known === undefined ? row : joined(known, row));
  }
  return [...byKey.values()];
}

/** What the two have in common is said once. */
function joined(a: Row, b: Row): Row {
  const forms = new Set([...a.form.split(' or '), ...b.form.split(' or ')]);
  const isSaid = a.description.includes(b.description);
  const fallbacks = new Set([...a.fallback.split(' or '), ...b.fallback.split(' or ')]);
  return {
    ...a,
    fallback: [...fallbacks].filter((fallback) => fallback !== '').join(' or '),
    form: [...forms].join(' or '),
    description: isSaid ? a.description : `${a.description} ${b.description}`,
  };
}

function branchesOf(schema: Json): Json[] {
  return ((schema.anyOf ?? schema.oneOf ?? []) as Json[]).filter((branch) => branch.type !== 'null');
}

function requiredOf(schema: Json): readonly string[] {
  return (schema.required ?? []) as string[];
}

function formOf(schema: Json): string {
  if ('const' in schema) return code(String(schema.const));
  if (Array.isArray(schema.enum)) return schema.enum.map((value) => code(String(value))).join(' or ');
  if (schema.type === 'boolean') return '`true` or `false`';
  if (schema.type === 'array') return 'prefixItems' in schema ? '[low, high]' : 'list';
  if (schema.type === 'integer' || schema.type === 'number') return `${schema.type}${rangeOf(schema)}`;
  if (schema.type === 'string' || (Array.isArray(schema.type) && schema.type.includes('string')))
    return String(schema.pattern ?? '').includes('ms') ? 'duration' : 'text';
  if (schema.type === 'object') return 'propertyNames' in schema ? 'settings by name' : 'settings';
  const forms = branchesOf(schema)
    .filter((branch) => branch.const !== '')
    .map(formOf);
  return [...new Set(forms)].join(' or ');
}

function rangeOf({ minimum, exclusiveMinimum, maximum, exclusiveMaximum }: Json): string {
  const [least, most] = [minimum ?? exclusiveMinimum, maximum ?? exclusiveMaximum];
  if (least === undefined && most === undefined) return '';
  return ` ${least ?? ''}..${most ?? ''}`;
}

function fallbackOf(schema: Json): string {
  if (!('default' in schema)) return '';
  const { default: fallback } = schema;
  if (fallback === null) return 'none';
  return typeof fallback === 'object' && schema.type === 'object'
    ? ''
    : code(typeof fallback === 'string' ? fallback : JSON.stringify(fallback));
}

function code(text: string): string {
  return `\`${text}\``;
}

/** A Markdown table, its first line the head, padded as the formatter pads it. */
function tableOf(lines: readonly (readonly string[])[]): string {
  const cells = lines.map((line) => line.map((cell) => cell.replaceAll('|', '\\|')));
  const widths = (cells[0] ?? []).map((_, i) => Math.max(...cells.map((line) => line[i]?.length ?? 0)));
  const padded = cells.map((line) => line.map((cell, i) => cell.padEnd(widths[i] ?? 0)));
  const rule = widths.map((width) => '-'.repeat(width));
  const [head = [], ...body] = padded;
  return [head, rule, ...body].map((line) => `| ${line.join(' | ')} |`).join('\n');
}

/** The text of halfspace.schema.json. */
export function schemaFile(): string {
  const text = JSON.stringify(settingsJsonSchema(), null, 2);
  // Lists of words on one line where they fit: what the formatter would make of them.
  const lists = text.replace(/\[\n\s+("[^"]*"(?:,\n\s+"[^"]*")*)\n\s+\]/g, (_, words: string) => {
    return `[${words.replace(/,\n\s+/g, ', ')}]`;
  });
  return `${lists}\n`;
}

/**
 * docs/configuration.md with its tables made anew; the words around them stay.
 * @throws Error when the page has lost a marker of a table.
 */
export function configurationPage(page: string): string {
  return withBlock(withBlock(page, 'settings', settingsTables()), 'environment', environmentTable());
}

function withBlock(page: string, name: string, content: string): string {
  const [start, end] = [`<!-- ${name}: generated -->`, `<!-- ${name}: end -->`];
  const from = page.indexOf(start);
  const to = page.indexOf(end);
  if (from < 0 || to < from) throw new Error(`Expected the page to have the lines ${start} and ${end}`);
  return `${page.slice(0, from + start.length)}\n\n${content}\n\n${page.slice(to)}`;
}
