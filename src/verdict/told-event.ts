import type { AnomalyEvent } from '../contract/anomaly-event.js';
import type { PipelineSettings } from '../contract/pipeline.js';
import type { EventJson } from './event-json.js';
import { rulesOf } from './machine-rules.js';
import { missingColumns, reasonText } from './reason.js';

/** Whose event it is. */
export interface EventOwner {
  readonly pipeline: string;
  /** Names the state that the event belongs to; the pipeline's name but in a backfill. */
  readonly scope: string;
  readonly uniqueId: string;
  /** The id columns' exact values, in the order of `source.id`. */
  readonly ids: readonly string[];
}

/** A tracked event as people are told of it. @param open true while it may go on. */
export function toldEvent(
  event: EventJson,
  open: boolean,
  owner: EventOwner,
  settings: Pick<PipelineSettings, 'source' | 'normalise' | 'verdict'>,
): AnomalyEvent {
  const { pipeline, scope, uniqueId, ids } = owner;
  const { values: names, id } = settings.source;
  const declared = typeof settings.normalise === 'string' ? {} : settings.normalise;
  const limits = Object.fromEntries(Object.entries(declared).filter(([name]) => names.includes(name)));
  const rules = rulesOf(settings.verdict, uniqueId);
  const {
    cause = 'score',
    feature = -1,
    view = null,
    expected = null,
    lower = null,
    upper = null,
    ...worst
  } = event.worst;
  const column = names[feature] ?? null;
  const found = {
    cause,
    score: worst.score,
    column,
    view,
    value: worst.values[feature] ?? Number.NaN,
    expected: expected ?? Number.NaN,
    lower: lower ?? Number.NaN,
    upper: upper ?? Number.NaN,
    missing: missingColumns(names, worst.values),
  };
  return {
    key: `${scope}/${uniqueId}/${event.first}`,
    pipeline,
    uniqueId,
    ids: Object.fromEntries(id.map((name, index) => [name, ids[index] ?? ''])),
    first: event.first,
    last: event.last,
    rows: event.rows,
    open,
    worst: {
      time: worst.time,
      score: worst.score,
      values: Object.fromEntries(names.map((name, index) => [name, worst.values[index] ?? null])),
      cause,
      column,
      expected,
      lower,
      upper,
      reason: reasonText(found, rules),
    },
    threshold: rules.threshold,
    limits,
  };
}
