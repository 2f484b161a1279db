import type { ScoredSlice } from '../model/model.js';
import { type EventJson, eventToJson } from '../verdict/event-json.js';

/** The events a window touched, as JSON. */
export interface WindowEvents {
  readonly closed: readonly EventJson[];
  readonly open: EventJson | null;
}

export const NO_EVENTS: WindowEvents = { closed: [], open: null };

/** Null when the window touched no event. */
export function windowEventsJson({ open, closed }: ScoredSlice): Uint8Array | null {
  if (open === null && closed.length === 0) return null;
  const events: WindowEvents = { closed: closed.map(eventToJson), open: open === null ? null : eventToJson(open) };
  return new TextEncoder().encode(JSON.stringify(events));
}
