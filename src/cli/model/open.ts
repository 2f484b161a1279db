import { learningSettingsHash } from '../../activities/plan-document.js';
import type { TemporalClient } from '../../client.js';
import { loadSettings } from '../../config/load.js';
import type { PipelineSettings } from '../../contract/pipeline.js';
import { loadDetectorModules } from '../../detector-modules.js';
import { formatSnapshotName, type SnapshotName, Snapshots } from '../../store/snapshots.js';
import { openStorage, type Storage } from '../../store/storage.js';
import { shellWord } from '../shell-word.js';
import { choosePipeline } from '../trigger.js';
import { UsageError } from '../usage-error.js';
import { visible } from '../visible.js';

/** What every `model` command may be told. */
export interface ModelOptions {
  readonly config?: string | undefined;
  /** Instead of the working directory and the environment. */
  readonly cwd?: string | undefined;
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Instead of Temporal's address in the environment. */
  readonly connect?: (() => Promise<TemporalClient>) | undefined;
}

export interface MachineOptions extends ModelOptions {
  readonly pipeline: string;
  /** The exact unique_id. */
  readonly machine: string;
}

export interface OpenModels {
  /** The settings file. */
  readonly file: string;
  readonly storage: Storage;
  readonly snapshots: Snapshots;
  readonly pipelines: Readonly<Record<string, PipelineSettings>>;
}

/** The store that halfspace.yaml names, without asking it anything. */
export function openModels({ config, cwd, env }: ModelOptions): OpenModels {
  const settings = loadSettings({
    file: config,
    sections: ['pipelines', 'store'],
    ...(cwd === undefined ? {} : { cwd }),
    ...(env === undefined ? {} : { env }),
  });
  const storage = openStorage(settings.storeUrl ?? '', settings.s3);
  return { storage, snapshots: new Snapshots(storage), pipelines: settings.pipelines, file: settings.file };
}

/** One machine's snapshots, of which there are some. */
export interface OpenMachine extends OpenModels {
  readonly pipeline: string;
  readonly uniqueId: string;
  readonly settings: PipelineSettings;
  readonly settingsHash: string;
  /** Newest first, at least one. */
  readonly names: readonly [SnapshotName, ...SnapshotName[]];
}

/** @throws UsageError when there is no such pipeline or no snapshot of the machine. */
export async function openMachine(options: MachineOptions): Promise<OpenMachine> {
  const models = openModels(options);
  const pipeline = choosePipeline(options.pipeline, Object.keys(models.pipelines));
  const settings = models.pipelines[pipeline];
  const uniqueId = options.machine;
  const [newest, ...older] = await models.snapshots.list(pipeline, uniqueId);
  if (settings === undefined || newest === undefined) {
    throw new UsageError(
      `${pipeline} has no model of \`${visible(uniqueId)}\`; \`halfspace model list ${pipeline}\` shows those it has`,
    );
  }
  await loadDetectorModules({ file: models.file, pipelines: { [pipeline]: settings } });
  const settingsHash = learningSettingsHash(settings);
  return { ...models, pipeline, uniqueId, settings, settingsHash, names: [newest, ...older] };
}

/** The snapshot whose name is or begins with `text`. @throws UsageError when none or several do. */
export function chooseSnapshot({ pipeline, uniqueId, names }: OpenMachine, text: string): SnapshotName {
  const [found, second] = names.filter((name) => formatSnapshotName(name).startsWith(text));
  if (text !== '' && found !== undefined && second === undefined) return found;
  const command = `halfspace model show ${shellWord(pipeline)} ${shellWord(uniqueId)}`;
  const how = found === undefined ? 'No snapshot' : 'More than one snapshot';
  throw new UsageError(
    `${how} of \`${visible(uniqueId)}\` has a name that begins with \`${visible(text)}\`; \`${visible(command)}\` lists them`,
  );
}
