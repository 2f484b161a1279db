import { existsSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { S3Access } from '../contract/store-address.js';
import { readEnvironment } from './environment.js';
import { problemsOf, valueAt } from './issues.js';
import { nearest } from './nearest.js';
import { problemsTogether } from './pipelines-together.js';
import { DEFAULT_STORE_URL, fileSchema, SECTIONS, type Section, type SectionSettings } from './schema.js';
import { placedProblem, type SettingChange, withChanges } from './setting-changes.js';
import { SettingsError, type SettingsProblem } from './settings-error.js';
import { codeOf, NOT_UTF8, readUtf8 } from './text-file.js';
import { resolveVariables, type VariableProblem, type Variables } from './variables.js';
import { type Path, parseYamlFile, type YamlFile } from './yaml-file.js';

/** The halfspace.yaml that comes with the package. */
export const SHIPPED_FILE = fileURLToPath(new URL('../../halfspace.yaml', import.meta.url));
const FILE_NAME = 'halfspace.yaml';
const FOLDER_SCHEME = 'file://';

export interface LoadOptions<S extends Section = Section> {
  /** Settings file; HALFSPACE_CONFIG or halfspace.yaml in `cwd` when left out. */
  readonly file?: string | undefined;
  readonly cwd?: string;
  readonly env?: Variables;
  /** Sections to read; all when left out. The variables and mistakes of other sections do not matter. */
  readonly sections?: readonly S[];
  /** Settings in place of what the file says. */
  readonly changes?: readonly SettingChange[];
}

interface FileSettings {
  /** Absolute path of the file that was read. */
  readonly file: string;
  /** No file of the user's was found: the one that comes with halfspace was read. */
  readonly shipped: boolean;
  /** Name of the default pipeline; null when the file has no pipeline. */
  readonly defaultPipeline: string | null;
  /** Address of the store, a folder's absolute and percent-encoded; null when `store` was not asked for. */
  readonly storeUrl: string | null;
  /** How to reach a store in a bucket. */
  readonly s3: S3Access;
}

/** What halfspace.yaml says; a section that was not asked for is null. */
export type LoadedSettings<S extends Section> = FileSettings & {
  readonly [K in Section]: K extends S ? SectionSettings[K] : SectionSettings[K] | null;
};

/** Everything halfspace.yaml says. */
export type Settings = LoadedSettings<Section>;

/**
 * The settings with every default filled in.
 * @throws SettingsError naming every problem with its line, or that there is no such file.
 */
export function loadSettings<S extends Section = Section>(options: LoadOptions<S> = {}): LoadedSettings<S> {
  const { cwd = process.cwd(), changes = [] } = options;
  const environment = readEnvironment({ cwd, ...(options.env === undefined ? {} : { env: options.env }) });
  const { file, shipped } = chooseFile(options.file ?? environment.configFile, cwd);
  const name = shownName(file, cwd);
  const yaml = readYaml(file, name);
  const wanted: readonly Section[] = options.sections ?? sectionNames();

  const read = readSections(withChanges(yaml.value, changes), wanted, environment.variables);
  const problems = read.problems.map(({ path, message, atKey }) => {
    const place = atKey ? yaml.locateKey(path) : yaml.locate(path);
    return placedProblem({ path: path.join('.'), ...place, message }, path, changes);
  });
  if (problems.length > 0) throw new SettingsError(name, inOrder(problems));

  const settings: FileSettings & Record<Section, unknown> = {
    file,
    shipped,
    defaultPipeline: defaultPipeline(yaml),
    storeUrl: read.sections.store === null ? null : absoluteUrl(read.sections.store.url, cwd),
    s3: environment.s3,
    ...read.sections,
  };
  // Sections were parsed by their own schemas; the type only says which of them were asked for.
  return settings as LoadedSettings<S>;
}

/**
 * That the setting at `path` of a file that was loaded turned out to be unusable, and why.
 * @param file absolute, as the loaded settings name it.
 */
export function settingsErrorAt(file: string, path: Path, message: string, cause?: unknown): SettingsError {
  const name = shownName(file, process.cwd());
  const problem = { path: path.join('.'), ...readYaml(file, name).locate(path), message };
  return new SettingsError(name, [problem], { cause });
}

/** A folder's address is written as it is, without percent signs; openers want a real one. */
function absoluteUrl(url: string, cwd: string): string {
  return url.startsWith(FOLDER_SCHEME) ? pathToFileURL(resolve(cwd, url.slice(FOLDER_SCHEME.length))).href : url;
}

function chooseFile(given: string | null, cwd: string): { file: string; shipped: boolean } {
  if (given !== null) return { file: resolve(cwd, given), shipped: false };
  const own = resolve(cwd, FILE_NAME);
  return existsSync(own) ? { file: own, shipped: own === SHIPPED_FILE } : { file: SHIPPED_FILE, shipped: true };
}

function readYaml(file: string, name: string): YamlFile {
  let text: string;
  try {
    text = readUtf8(file);
  } catch (error) {
    const message = unreadable(codeOf(error));
    throw new SettingsError(name, [{ path: '', line: 1, column: 1, message }], { cause: error });
  }
  const yaml = parseYamlFile(text);
  if (yaml.problems.length > 0) throw new SettingsError(name, yaml.problems);
  return yaml;
}

function unreadable(code: string): string {
  if (code === 'ENOENT') return 'there is no such file; give another with --config or write one with `halfspace init`';
  return code === NOT_UTF8 ? 'not a UTF-8 text; save it as UTF-8' : `cannot be read (${code})`;
}

interface Problem {
  readonly path: Path;
  readonly message: string;
  readonly atKey: boolean;
}

interface SectionsRead {
  readonly sections: { [S in Section]: SectionSettings[S] | null };
  readonly problems: readonly Problem[];
}

function readSections(raw: unknown, wanted: readonly Section[], variables: Variables): SectionsRead {
  const sections: SectionsRead['sections'] = {
    influx: null,
    pipelines: null,
    channels: null,
    store: null,
    links: null,
    worker: null,
  };
  if (!isGroup(raw)) {
    return { sections, problems: [{ path: [], message: 'expected settings such as influx, pipelines', atKey: false }] };
  }
  const problems: Problem[] = [...topLevelProblems(raw)];
  const read = <S extends Section>(section: S): SectionSettings[S] | null => {
    const missing: VariableProblem[] = [];
    // A section with nothing under it (all of it commented out) counts as left out.
    const own = valueAt(raw, [section]) ?? undefined;
    const written = section === 'store' ? withStoreUrl(own) : own;
    const shown = section === 'store' ? { ...raw, store: written } : raw;
    const resolved = resolveVariables(written, [section], variables, missing);
    // A value with a missing variable is reported once, for the variable.
    const unresolved = new Set(missing.map(({ path }) => path.join('\n')));
    problems.push(...missing.map((problem) => ({ ...problem, atKey: false })));
    const result = SECTIONS[section].safeParse(resolved);
    if (result.success) return withoutPrototype(result.data) as SectionSettings[S];
    problems.push(
      ...problemsOf(result.error.issues, [section], shown).filter(({ path }) => !unresolved.has(path.join('\n'))),
    );
    return null;
  };
  for (const section of wanted) Object.assign(sections, { [section]: read(section) });
  problems.push(...unknownChannels(sections.pipelines, raw), ...problemsTogether(sections.pipelines ?? {}));
  return { sections, problems };
}

function topLevelProblems(raw: object): Problem[] {
  const known = Object.keys(fileSchema.shape);
  const found: Problem[] = [];
  for (const key of Object.keys(raw)) {
    if (known.includes(key)) continue;
    const close = nearest(key, known);
    const hint = close === null ? `known here: ${known.join(', ')}` : `did you mean \`${close}\`?`;
    found.push({ path: [key], message: `unknown setting; ${hint}`, atKey: true });
  }
  const chosen = valueAt(raw, ['default']);
  const pipelines = Object.keys(valueAt(raw, ['pipelines']) ?? {});
  if (chosen !== undefined && !(typeof chosen === 'string' && pipelines.includes(chosen))) {
    found.push({ path: ['default'], message: `expected one of the pipelines: ${pipelines.join(', ')}`, atKey: false });
  }
  return found;
}

/** The default address names a variable, so it must be there before variables are replaced. */
function withStoreUrl(store: unknown): unknown {
  if (store === undefined) return { url: DEFAULT_STORE_URL };
  return isGroup(store) ? { url: DEFAULT_STORE_URL, ...store } : store;
}

/** A name such as `constructor` finds nothing in what people name themselves unless they did. */
function withoutPrototype(settings: object): object {
  return Object.assign(Object.create(null), settings);
}

function isGroup(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function unknownChannels(pipelines: SectionSettings['pipelines'] | null, raw: object): Problem[] {
  const channels = Object.keys(valueAt(raw, ['channels']) ?? {});
  return Object.entries(pipelines ?? {}).flatMap(([name, { alerts }]) =>
    alerts.flatMap((channel, i) => {
      if (channels.includes(channel)) return [];
      const close = nearest(channel, channels);
      const known = channels.length === 0 ? 'there are none under `channels`' : `known: ${channels.join(', ')}`;
      const hint = close === null ? known : `did you mean \`${close}\`?`;
      return [
        { path: ['pipelines', name, 'alerts', i], message: `unknown channel \`${channel}\`; ${hint}`, atKey: false },
      ];
    }),
  );
}

function defaultPipeline(yaml: YamlFile): string | null {
  const chosen = valueAt(yaml.value, ['default']);
  return typeof chosen === 'string' ? chosen : yaml.firstKey(['pipelines']);
}

function sectionNames(): Section[] {
  return ['influx', 'pipelines', 'channels', 'store', 'links', 'worker'];
}

/** As people would name it: relative below the working directory, else absolute. */
function shownName(file: string, cwd: string): string {
  const below = relative(cwd, file);
  return below === '' || below.startsWith('..') ? file : below;
}

function inOrder(problems: readonly SettingsProblem[]): SettingsProblem[] {
  return [...problems].sort((a, b) => a.line - b.line || a.column - b.column);
}
