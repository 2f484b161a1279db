import type { Variant } from '../../backtest/backtest.js';
import { loadSettings } from '../../config/load.js';
import { parseChange, type SettingChange } from '../../config/setting-changes.js';
import { SettingsError } from '../../config/settings-error.js';
import { pipelineSettings } from '../pipeline-settings.js';
import { UsageError } from '../usage-error.js';

/** What a model and its verdicts depend on; all variants read the same rows, and nothing is written or sent. */
const TRIED: readonly string[] = ['detector', 'model', 'features', 'resample', 'normalise', 'order', 'verdict'];
/** Beside the file's own settings: a report with more cannot be read. */
const MOST_BESIDE = 7;
const LONGEST_NAME = 60;

export interface VariantOptions {
  readonly pipeline?: string | undefined;
  readonly config?: string | undefined;
  /** Texts of `--set`, together one variant; and of `--variant`, one each. */
  readonly set?: readonly string[] | undefined;
  readonly variant?: readonly string[] | undefined;
}

export interface ChosenVariants {
  readonly pipeline: string;
  /** The settings file's own first. */
  readonly variants: readonly [Variant, ...Variant[]];
  /** Path of the settings file. */
  readonly file: string;
}

/**
 * The settings file's own settings, and beside them those of `--set` and `--variant`.
 * @throws UsageError for an option that says nothing; SettingsError for settings that cannot be, naming the option or the line.
 */
export function readVariants({ config, set = [], variant = [], ...options }: VariantOptions): ChosenVariants {
  const load = (changes: readonly SettingChange[]) => loadSettings({ file: config, sections: ['pipelines'], changes });
  const loaded = load([]);
  const { pipeline, settings } = pipelineSettings(options.pipeline ?? loaded.defaultPipeline, loaded.pipelines);
  const variants: [Variant, ...Variant[]] = [{ name: 'as set', changes: [], settings }];

  const asked = [
    ...(set.length === 0 ? [] : [{ name: set.join(' '), texts: set, option: '--set' }]),
    ...variant.map(parseVariant),
  ];
  for (const { name, texts, option } of asked) {
    if (variants.some((other) => other.name === name)) throw new UsageError(`Two variants are called \`${name}\``);
    const changes = texts.map((text) => change(text, pipeline, option));
    const changed = withOption(option, () => load(changes).pipelines);
    variants.push({ name: shortened(name), changes: texts, settings: pipelineSettings(pipeline, changed).settings });
  }
  if (asked.length > MOST_BESIDE) {
    const given = set.length === 0 ? '' : ', all of --set being one';
    throw new UsageError(
      `Expected at most ${MOST_BESIDE} variants beside the settings of the file, got ${asked.length}${given}`,
    );
  }
  return { pipeline, variants, file: loaded.file };
}

function parseVariant(text: string): { name: string; texts: readonly string[]; option: string } {
  const match = /^([^:={}[\]]+):(.+)$/su.exec(text);
  const [, name = '', changes = ''] = match ?? [];
  if (match === null || name.trim() === '') {
    throw new UsageError(`Expected --variant to be name:key=value,key=value, got \`${text}\``);
  }
  return { name: name.trim(), texts: splitOutsideBrackets(changes), option: `--variant ${name.trim()}` };
}

/** The texts between commas; those within brackets, braces or quotes separate nothing. */
function splitOutsideBrackets(text: string): string[] {
  const parts = [''];
  let depth = 0;
  let quote = '';
  for (const char of text) {
    if (quote !== '') quote = char === quote ? '' : quote;
    else if (char === '"' || char === "'") quote = char;
    else if ('[{'.includes(char)) depth++;
    else if (']}'.includes(char)) depth--;
    if (char === ',' && depth <= 0 && quote === '') parts.push('');
    else parts[parts.length - 1] += char;
  }
  return parts;
}

function change(text: string, pipeline: string, option: string): SettingChange {
  const said = `${option} ${text}:`;
  const parsed = parseChange(text, ['pipelines', pipeline], said);
  if (typeof parsed === 'string') throw new UsageError(`${said} ${parsed}`);
  const path = parsed.path.slice(2).map(String);
  if (isTried(path)) return parsed;
  const useless = path.slice(0, TRIED.includes(path[0] ?? '') ? 2 : 1).join('.');
  throw new UsageError(`${said} a backtest has no use for \`${useless}\`; it tries ${TRIED.join(', ')}`);
}

/** Whether a setting of a pipeline can make a difference to a backtest, which has no runs that could find a machine silent. */
export function isTried([top = '', below]: readonly string[]): boolean {
  return TRIED.includes(top) && !(top === 'verdict' && below === 'stale_after');
}

/** The file's own settings are right, so what is wrong at a line of it comes of the option. */
function withOption<T>(option: string, load: () => T): T {
  try {
    return load();
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    const problems = error.problems.map((problem) =>
      problem.said === undefined ? { ...problem, message: `${problem.message} (with ${option})` } : problem,
    );
    throw new SettingsError(error.file, problems, { cause: error });
  }
}

function shortened(name: string): string {
  return name.length <= LONGEST_NAME ? name : `${name.slice(0, LONGEST_NAME - 1)}…`;
}
