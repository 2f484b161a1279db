import { Document, isCollection, isMap } from 'yaml';
import { formatDuration } from '../contract/duration.js';
import type { DetectorSettings, FeatureSettings, PipelineSettings, VerdictRules } from '../contract/pipeline.js';

/** Longer lines are broken where YAML allows it. */
const LINE_WIDTH = 110;

/** What a model and its verdicts depend on, as halfspace.yaml would have it, every default written out. */
export function modelSettingsText({
  resample,
  features,
  normalise,
  detector,
  model,
  order,
  verdict,
}: PipelineSettings): string {
  const { machines = {}, ...rules } = verdict;
  const ofMachines = Object.entries(machines).map(([pattern, own]) => [pattern, writtenRules(own)]);
  const document = new Document({
    ...(resample === null
      ? {}
      : { resample: { ...resample, every: formatDuration(resample.every), limit: formatDuration(resample.limit) } }),
    features: features.map(writtenFeature),
    ...(normalise === 'none' ? {} : { normalise }),
    detector: writtenDetector(detector),
    model,
    order,
    verdict: {
      ...writtenRules(rules),
      ...(ofMachines.length === 0 ? {} : { machines: Object.fromEntries(ofMachines) }),
    },
  });
  // A setting a line, and what it holds behind it.
  if (isMap(document.contents)) {
    for (const { value } of document.contents.items) if (isCollection(value)) value.flow = true;
  }
  return document.toString({ lineWidth: LINE_WIDTH });
}

function writtenFeature(feature: FeatureSettings): unknown {
  switch (feature.kind) {
    case 'value':
      return feature.column;
    case 'difference':
      return { difference: feature.column };
    case 'hour':
    case 'weekday':
      return { [feature.kind]: feature.zone };
    default:
      return { [feature.kind]: feature.column, rows: feature.rows };
  }
}

function writtenDetector(detector: DetectorSettings): unknown {
  switch (detector.kind) {
    case 'seasonal':
      return { ...detector, period: formatDuration(detector.period) };
    case 'vote':
      return { ...detector, of: detector.of.map((one) => ({ ...one, detector: writtenDetector(one.detector) })) };
    case 'module': {
      // Worked out from the file.
      const { sha256: _, ...written } = detector;
      return written;
    }
    default:
      return detector;
  }
}

function writtenRules(rules: Partial<VerdictRules>): Record<string, unknown> {
  const { stuck_after: stuck } = rules;
  const durations = (['clear_after', 'hold_for', 'repeat_after', 'stale_after'] as const).flatMap((name) => {
    const ms = rules[name];
    return typeof ms === 'number' ? [[name, formatDuration(ms)] as const] : [];
  });
  const columns = Object.entries(typeof stuck === 'object' && stuck !== null ? stuck : {});
  return {
    ...rules,
    ...Object.fromEntries(durations),
    ...(typeof stuck === 'number' ? { stuck_after: formatDuration(stuck) } : {}),
    ...(columns.length === 0
      ? {}
      : { stuck_after: Object.fromEntries(columns.map(([name, ms]) => [name, formatDuration(ms)])) }),
  };
}
