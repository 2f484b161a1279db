import { nearest } from './nearest.js';
import type { SectionSettings } from './schema.js';
import type { Path } from './yaml-file.js';

type Pipelines = SectionSettings['pipelines'];

interface Problem {
  readonly path: Path;
  readonly message: string;
  readonly atKey: boolean;
}

/**
 * What is wrong with pipelines that are right by themselves. That two of them write the same series needs no check: each
 * line carries its pipeline's name as a tag.
 */
export function problemsTogether(pipelines: Pipelines): Problem[] {
  return [...circles(pipelines), ...columnsOfTwoKinds(pipelines), ...vainWaits(pipelines)];
}

/** Waits that no run of another pipeline would ever end. */
function vainWaits(pipelines: Pipelines): Problem[] {
  const names = Object.keys(pipelines);
  return names.flatMap((name) => {
    const other = pipelines[name]?.wait_for?.pipeline ?? null;
    const message = other === null ? null : vainWait(pipelines, name, other);
    return message === null ? [] : [{ path: ['pipelines', name, 'wait_for', 'pipeline'], message, atKey: false }];
  });
}

function vainWait(pipelines: Pipelines, name: string, other: string): string | null {
  const known = Object.keys(pipelines);
  if (!known.includes(other)) {
    const close = nearest(other, known);
    return `unknown pipeline \`${other}\`; ${close === null ? `known: ${known.join(', ')}` : `did you mean \`${close}\`?`}`;
  }
  if (other === name) return 'a pipeline cannot wait for itself; name another or leave it out';
  if (pipelines[other]?.mode === 'replay') {
    return `\`${other}\` is a replay, which never gets past a time; name an incremental pipeline`;
  }
  const way = [name];
  for (let next: string | null = other; next !== null; next = pipelines[next]?.wait_for?.pipeline ?? null) {
    way.push(next);
    if (next === name) return `pipelines wait for each other: ${way.join(' → ')}; leave one of them out`;
    if (way.indexOf(next) < way.length - 1) return null;
  }
  return null;
}

/** Scores that become rows, whose scores become rows: each run would feed the next for ever. */
function circles(pipelines: Pipelines): Problem[] {
  const reached = new Set<string>();
  return Object.keys(pipelines).flatMap((name) => {
    if (reached.has(name)) return [];
    const circle = wayBack(pipelines, name);
    if (circle === null) return [];
    for (const member of circle) reached.add(member);
    const way = circle.map((member) => `${member} → ${pipelines[member]?.output?.table}`).join(' → ');
    return [
      {
        path: ['pipelines', name, 'output', 'table'],
        message: `scores come back as rows: ${way} → ${name}; give one of them another output table`,
        atKey: false,
      },
    ];
  });
}

/** The shortest way from a pipeline back to itself, each member reading what the one before it writes; null without one. */
function wayBack(pipelines: Pipelines, start: string): string[] | null {
  const ways = [[start]];
  const seen = new Set<string>();
  for (const way of ways) {
    const output = pipelines[way.at(-1) ?? start]?.output?.table;
    if (output === undefined) continue;
    for (const reader of Object.keys(pipelines)) {
      if (seen.has(reader) || !tablesRead(pipelines, reader).has(output)) continue;
      if (reader === start) return way;
      seen.add(reader);
      ways.push([...way, reader]);
    }
  }
  return null;
}

const TABLE_NAME = /\b(?:from|join)\s+(?:\w+\s*\.\s*|"[^"]*"\s*\.\s*)?(?:"((?:[^"]|"")+)"|(\w+))/gi;

/** Of a query the names behind FROM and JOIN, as the database sees them: lower case unless quoted. */
function tablesRead(pipelines: Pipelines, name: string): Set<string> {
  const { table = null, query = null } = pipelines[name]?.source ?? {};
  if (query === null) return new Set(table === null ? [] : [table]);
  const plain = query.replace(/--[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^']|'')*'/g, ' ');
  return new Set(
    Array.from(
      plain.matchAll(TABLE_NAME),
      ([, quoted, bare = '']) => quoted?.replaceAll('""', '"') ?? bare.toLowerCase(),
    ),
  );
}

/** A column of a table is a tag or a field, for all who write to it. */
function columnsOfTwoKinds(pipelines: Pipelines): Problem[] {
  const named = Object.entries(pipelines);
  return named.flatMap(([name, { source, output }]) =>
    named.flatMap(([other, { source: others, output: othersOutput }]) => {
      if (output === null || output.table !== othersOutput?.table) return [];
      return source.values.flatMap((column, i) => {
        if (name === other || !others.id.includes(column)) return [];
        const message = `\`${column}\` is a value here and an id of \`${other}\`, and both write to \`${output.table}\`, where it can be one only; give them different output tables`;
        return [{ path: ['pipelines', name, 'source', 'values', i], message, atKey: false }];
      });
    }),
  );
}
