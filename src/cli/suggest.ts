import { loadSettings } from '../config/load.js';
import { factsOf, type MachineFacts } from '../suggest/machine-facts.js';
import { type Suggestion, suggest } from '../suggest/suggestions.js';
import { type HistoryOptions, noRows, noValues, openHistory, rangeOf, withInflux } from './backtest/open-history.js';
import { isTried } from './backtest/variants.js';
import type { CliIo } from './io.js';
import { pipelineSettings } from './pipeline-settings.js';
import { shellWord } from './shell-word.js';
import { gather } from './suggest/gather.js';
import { factsDocument, factsText, variantOption, yamlSnippet } from './suggest/text.js';
import { createTrial, problemOf } from './suggest/trial.js';
import { untilStopped } from './until-stopped.js';
import { UsageError } from './usage-error.js';
import { visible } from './visible.js';

export interface SuggestOptions extends HistoryOptions {
  readonly pipeline?: string | undefined;
  /** unique_id; all machines when left out. */
  readonly machine?: string | undefined;
}

/**
 * Looks at machines' histories and prints settings for them, each with its reason.
 * @throws UsageError for options that do not fit together, or a machine that has no rows; HalfspaceError for settings, files or
 * rows that cannot be used.
 */
export async function suggestSettings(options: SuggestOptions, io: CliIo): Promise<void> {
  const range = rangeOf(options);
  const loaded = loadSettings({ file: options.config, sections: ['pipelines'] });
  const { pipeline, settings } = pipelineSettings(options.pipeline ?? loaded.defaultPipeline, loaded.pipelines);
  const slices = await untilStopped((signal) =>
    withInflux(options, async (influx) => {
      const history = await openHistory(options, settings, range, influx, signal, io);
      const found = await gather(history, options.machine, signal, io);
      if (found.length === 0 && options.machine === undefined) throw noRows(history.source, range);
      const isEmpty = found.every(({ values }) => values.every(Number.isNaN));
      if (found.length > 0 && isEmpty) throw noValues(history.source, settings);
      return found;
    }),
  );
  if (slices.length === 0) {
    throw new UsageError(visible(`There are no rows of a machine with the unique_id ${options.machine}`));
  }
  const machines = slices.map((slice) => factsOf(slice, settings.source.values));
  const trial = createTrial(slices);
  const found = suggest(machines, settings, trial);
  const proposed = () => {
    const changes = found.map(({ path, value }) => ({
      path: ['pipelines', pipeline, ...path],
      value,
      said: 'suggest',
    }));
    const changed = loadSettings({ file: options.config, sections: ['pipelines'], changes });
    return pipelineSettings(pipeline, changed.pipelines).settings;
  };
  const leftOut = problemOf(found, settings, proposed, trial);
  print(pipeline, machines, leftOut === null ? found : suggest(machines, settings, trial, true), leftOut, io);
}

function print(
  pipeline: string,
  machines: readonly MachineFacts[],
  suggestions: readonly Suggestion[],
  leftOut: string | null,
  io: CliIo,
): void {
  const variant = variantOption(suggestions.filter(({ path }) => isTried(path)));
  const untried = suggestions.filter(({ path }) => !isTried(path)).map(({ path }) => path.join('.'));
  const yaml = yamlSnippet(pipeline, suggestions);
  if (io.json) {
    const document = {
      pipeline,
      machines: machines.map(factsDocument),
      suggestions: suggestions.map(({ path, value, reason }) => ({
        setting: path.join('.'),
        value: value ?? null,
        reason,
      })),
      left_out: leftOut,
      yaml,
      variant,
      not_in_variant: untried,
    };
    io.stdout(`${JSON.stringify(document)}\n`);
    return;
  }
  for (const facts of machines) io.stdout(factsText(facts));
  if (leftOut !== null) io.stdout(`\n${visible(leftOut)}\n`);
  io.stdout(suggestions.length === 0 ? '\nNothing to suggest: the settings fit what was seen.\n' : `\n${yaml}`);
  if (variant === null) return;
  const but = untried.length === 0 ? '' : `, but not of ${untried.join(', ')}, which it does not try`;
  io.stdout(
    `\nhalfspace backtest shows what comes of it${but}:\n  --pipeline ${pipeline} --variant ${shellWord(variant)}\n`,
  );
}
