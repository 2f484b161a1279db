import type { PipelineSettings } from '../contract/pipeline.js';
import { UsageError } from './usage-error.js';

/** The settings of the pipeline that is asked for. @throws UsageError naming those there are. */
export function pipelineSettings(
  name: string | null,
  pipelines: Readonly<Record<string, PipelineSettings>>,
): { pipeline: string; settings: PipelineSettings } {
  const settings = name !== null && Object.hasOwn(pipelines, name) ? pipelines[name] : undefined;
  if (name !== null && settings !== undefined) return { pipeline: name, settings };
  const known = Object.keys(pipelines).join(', ') || 'none';
  throw new UsageError(`No pipeline is called \`${name ?? ''}\`; the settings have: ${known}`);
}
