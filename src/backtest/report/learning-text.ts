import { readableTime } from '../../alerts/message.js';
import { grouped } from '../../charts/chart-text.js';
import type { Totals } from '../backtest.js';
import type { MachineOutcome } from '../machine-backtest.js';

type Found = Pick<MachineOutcome, 'learning' | 'scoredFrom'>;

/** For people, e.g. `learning until 2026-01-05 04:10:00 UTC (250 rows)`; empty where the first row was scored. */
export function learningText({ learning, scoredFrom }: Found, of = ''): string {
  if (scoredFrom === null) return learning === 0 ? 'no row was scored' : 'still learning at the end';
  const rows = `${grouped(learning)} ${learning === 1 ? 'row' : 'rows'}${of}`;
  return learning === 0 ? '' : `learning until ${readableTime(String(scoredFrom))} (${rows})`;
}

/** The same of `machines` together: until all that are scored at all are. */
export function fleetLearningText(fleet: Found & Pick<Totals, 'unscoredMachines'>, machines: number): string {
  const own = learningText(fleet, machines === 1 ? '' : ` of ${grouped(machines)} machines`);
  if (fleet.unscoredMachines === 0 || fleet.unscoredMachines === machines) return own;
  const others = own === '' ? '' : `, the others ${own}`;
  return `${grouped(fleet.unscoredMachines)} of ${grouped(machines)} machines still learning at the end${others}`;
}
