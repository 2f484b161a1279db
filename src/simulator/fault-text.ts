import { parseDuration } from '../contract/duration.js';
import { HalfspaceError } from '../contract/failures.js';
import { DEFAULT_BY, FAULT_KINDS, type Fault, MEASUREMENTS, type Measurement } from './fault.js';

export const FAULT_FORM = 'machineID:kind[/field]@offset[+duration]';
const FORM = /^(?<machineID>.+):(?<kind>[a-z]+)(?:\/(?<field>[a-z]+))?@(?<offset>-?\w+)(?:\+(?<duration>\w+))?$/;
const DEFAULT_FIELD: Measurement = 'power';

/**
 * The fault that a text like `machine2:overload@110m+1m` or `machine1:stuck/temperature@1h` describes, and its machine; the offset
 * counts from `originMs` and may be negative; without a duration it lasts. The field is power when none is given; a gap without a
 * field leaves out whole rows.
 * @throws HalfspaceError `BadSettings` saying what is wrong and what could be written.
 */
export function parseFault(text: string, originMs: number): { readonly machineID: string; readonly fault: Fault } {
  const groups = FORM.exec(text)?.groups;
  if (groups === undefined) throw wrong(text, `it has not the form ${FAULT_FORM}, as in machine2:overload@110m+1m`);
  const { machineID = '', kind = '', field, offset = '', duration } = groups;
  const known = FAULT_KINDS.find((name) => name === kind);
  if (known === undefined) throw wrong(text, `the kind is one of ${FAULT_KINDS.join(', ')}`);
  const measurement = MEASUREMENTS.find((name) => name === field) ?? null;
  if (field !== undefined && measurement === null) throw wrong(text, `the field is one of ${MEASUREMENTS.join(', ')}`);
  if (known === 'overload' && field !== undefined)
    throw wrong(text, 'an overload is a fault of the whole machine, without a field');
  const backwards = offset.startsWith('-');
  const offsetMs = parseDuration(backwards ? offset.slice(1) : offset);
  const durationMs = duration === undefined ? Number.POSITIVE_INFINITY : parseDuration(duration);
  if (offsetMs === null || durationMs === null)
    throw wrong(text, 'offset and duration are written like 90s, 5m or 1h30m');
  if (durationMs === 0) throw wrong(text, 'the duration is longer than 0s');
  const fromMs = originMs + (backwards ? -offsetMs : offsetMs);
  return { machineID, fault: faultOf(known, measurement, { fromMs, toMs: fromMs + durationMs }) };
}

function faultOf(kind: Fault['kind'], field: Measurement | null, span: { fromMs: number; toMs: number }): Fault {
  const one = field ?? DEFAULT_FIELD;
  switch (kind) {
    case 'overload':
      return { kind, ...span };
    case 'spike':
    case 'drift':
      return { kind, field: one, by: DEFAULT_BY[one], ...span };
    case 'stuck':
      return { kind, field: one, ...span };
    case 'gap':
      return { kind, field, ...span };
  }
}

function wrong(text: string, why: string): HalfspaceError {
  return new HalfspaceError('BadSettings', `Cannot read the fault \`${text}\`: ${why}.`);
}
