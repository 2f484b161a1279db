import { nearest } from './nearest.js';
import type { SectionSettings } from './schema.js';
import { tablesIn } from './tables-in-query.js';
import type { Path } from './yaml-file.js';

type Pipelines = SectionSettings['pipelines'];

interface Problem {
  readonly path: Path;
  readonly message: string;
  readonly atKey: boolean;
}

/** What a pipeline writes to one table. */
interface Writing {
  readonly setting: 'output' | 'aggregate';
  readonly table: string;
  /** Fields made of each value column, in the order of `source.values`. */
  readonly fields: readonly (readonly string[])[];
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

function writingsOf(pipelines: Pipelines, name: string): Writing[] {
  const pipeline = pipelines[name];
  if (pipeline === undefined) return [];
  const { source, output, aggregate } = pipeline;
  const writings: Writing[] = [];
  if (output !== null) {
    writings.push({ setting: 'output', table: output.table, fields: source.values.map((value) => [value]) });
  }
  if (aggregate !== null) {
    const { table, functions } = aggregate;
    const fields = source.values.map((value) => functions.map((made) => `${value}_${made}`));
    writings.push({ setting: 'aggregate', table, fields });
  }
  return writings;
}

/** What is written becomes rows, of which the same is written: each run would feed the next for ever. */
function circles(pipelines: Pipelines): Problem[] {
  const reached = new Set<string>();
  return Object.keys(pipelines).flatMap((name) => {
    if (reached.has(name)) return [];
    const circle = wayBack(pipelines, name);
    const [first] = circle ?? [];
    if (circle === null || first === undefined) return [];
    for (const { member } of circle) reached.add(member);
    const way = circle.map(({ member, writing }) => `${member} → ${writing.table}`).join(' → ');
    const what = circle.every(({ writing }) => writing.setting === 'output') ? 'scores' : 'what is written';
    const comes = what === 'scores' ? 'come' : 'comes';
    return [
      {
        path: ['pipelines', name, first.writing.setting, 'table'],
        message: `${what} ${comes} back as rows: ${way} → ${name}; give one of them another ${first.writing.setting} table`,
        atKey: false,
      },
    ];
  });
}

/** One step of a way: a pipeline, and what it writes for the next one to read. */
interface Step {
  readonly member: string;
  readonly writing: Writing;
}

/** The shortest way from a pipeline back to itself, each member reading what the one before it writes; null without one. */
function wayBack(pipelines: Pipelines, start: string): Step[] | null {
  const ways: { readonly steps: readonly Step[]; readonly last: string }[] = [{ steps: [], last: start }];
  const seen = new Set<string>();
  for (const { steps, last } of ways) {
    for (const writing of writingsOf(pipelines, last)) {
      const way = [...steps, { member: last, writing }];
      for (const reader of Object.keys(pipelines)) {
        if (seen.has(reader) || !tablesRead(pipelines, reader).has(writing.table)) continue;
        if (reader === start) return way;
        seen.add(reader);
        ways.push({ steps: way, last: reader });
      }
    }
  }
  return null;
}

function tablesRead(pipelines: Pipelines, name: string): ReadonlySet<string> {
  const { table = null, query = null, language = 'sql' } = pipelines[name]?.source ?? {};
  return query === null ? new Set(table === null ? [] : [table]) : tablesIn(query, language);
}

/** A column of a table is a tag or a field, for all who write to it; and scores are no aggregates. */
function columnsOfTwoKinds(pipelines: Pipelines): Problem[] {
  const named = Object.entries(pipelines);
  return named.flatMap(([name, { source }]) =>
    writingsOf(pipelines, name).flatMap((writing) =>
      named.flatMap(([other, { source: others }]) => {
        if (name === other) return [];
        const same = writingsOf(pipelines, other).find(({ table }) => table === writing.table);
        if (same === undefined) return [];
        if (same.setting !== writing.setting)
          return writing.setting === 'aggregate' ? [mixed(name, writing, other)] : [];
        return source.values.flatMap((_, i) => {
          const column = writing.fields[i]?.find((field) => others.id.includes(field));
          if (column === undefined) return [];
          const message = `\`${column}\` is a value here and an id of \`${other}\`, and both write to \`${writing.table}\`, where it can be one only; give them different output tables`;
          return [{ path: ['pipelines', name, 'source', 'values', i], message, atKey: false }];
        });
      }),
    ),
  );
}

function mixed(name: string, { table }: Writing, other: string): Problem {
  const message = `\`${table}\` is where \`${other}\` writes its scores; give aggregates a table of their own`;
  return { path: ['pipelines', name, 'aggregate', 'table'], message, atKey: false };
}
