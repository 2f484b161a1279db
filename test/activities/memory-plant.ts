import type { Attempt } from '../../src/activities/attempt.js';
import { checkAnomalies } from '../../src/activities/check-anomalies.js';
import type { ActivityDeps } from '../../src/activities/deps.js';
import { detectAnomalies } from '../../src/activities/detect-anomalies.js';
import { finishRun, recordLaggards } from '../../src/activities/finish-run.js';
import { loadModel, modelIsCached } from '../../src/activities/gate.js';
import { loadInfluxData } from '../../src/activities/load-influx-data.js';
import { ModelCache } from '../../src/activities/model-cache.js';
import { passOverModel } from '../../src/activities/pass-over.js';
import { JsonArtifacts } from '../../src/activities/plan-document.js';
import { planRun } from '../../src/activities/plan-run.js';
import { readMachines } from '../../src/activities/read-machines.js';
import { rollBackModel } from '../../src/activities/roll-back.js';
import { sendAlert } from '../../src/activities/send-alert.js';
import { SlicePacks } from '../../src/activities/slices.js';
import { transformData } from '../../src/activities/transform-data.js';
import { writeScores } from '../../src/activities/write-scores.js';
import type { Alert } from '../../src/alerts/channel.js';
import { HalfspaceError } from '../../src/contract/failures.js';
import type {
  Detection,
  MachineAnswer,
  MachineInput,
  MachineResult,
  ModelGate,
} from '../../src/contract/machine-run.js';
import type { PipelineSettings } from '../../src/contract/pipeline.js';
import type { RunPlan, Window } from '../../src/contract/run-plan.js';
import type { RunResult } from '../../src/contract/run-result.js';
import { msFromNanos } from '../../src/contract/time.js';
import type { Laggard } from '../../src/store/progress.js';
import { addChunk, addOutcome, NO_TOTALS } from '../../src/workflows/run-totals.js';
import { MemoryInflux } from './memory-influx.js';
import { MemoryStore } from './memory-store.js';

export const PIPELINE = 'p';
const RUN = { workflowId: 'w', runId: 'r' };
const ATTEMPT: Attempt = { signal: new AbortController().signal, report: () => {}, breathe: async () => {} };

/** A process that died: nothing of it goes on. */
export class Killed extends Error {}

/**
 * The job's real steps, called one after the other as the workflows call them, over a store and a database in memory: fast
 * enough for thousands of runs, and any call can be the one at which everything stops.
 */
export class MemoryPlant {
  readonly store: MemoryStore;
  readonly influx: MemoryInflux;
  readonly sent: Alert[] = [];
  /** Children of the last run. */
  children: MachineResult[] = [];
  /** Throws for machines that are to fail. */
  beforeChild: (uniqueId: string) => void = () => {};
  /** True while the channel is down. */
  isDown = false;
  /** Whether the channel refuses this one, though it is up. */
  refuses: (alert: Alert) => boolean = () => false;
  settings: PipelineSettings;
  #runs = 0;

  /** @param before a plant whose store and database go on under other settings. */
  constructor(settings: PipelineSettings, before?: MemoryPlant) {
    this.settings = settings;
    this.store = before?.store ?? new MemoryStore();
    this.influx = before?.influx ?? new MemoryInflux();
  }

  /** One run up to `until`, in as many chunks as it takes; every chunk has a worker of its own, with nothing in memory. */
  async run(until: bigint): Promise<RunResult> {
    this.children = [];
    const runId = String(this.#runs++);
    let result: RunResult | null = null;
    let span: Window | undefined;
    for (;;) {
      const chunksDone = result?.chunks ?? 0;
      const plan = await planRun(
        this.#deps(),
        {
          pipeline: PIPELINE,
          scope: PIPELINE,
          events: 'told',
          until: String(until),
          span,
          chunksDone,
          nowMs: msFromNanos(until) + chunksDone,
          runId,
        },
        ATTEMPT,
      );
      if ('kind' in plan) throw new Error(plan.kind === 'skip' ? 'skipped' : 'Expected a run that waits no longer');
      span = plan.span;
      result = addChunk(result, await this.#chunk(plan, msFromNanos(until) + chunksDone));
      if (plan.chunk.index >= plan.chunk.count) return result;
    }
  }

  async #chunk(plan: RunPlan, nowMs: number): Promise<RunResult> {
    const deps = this.#deps();
    const documents = new JsonArtifacts(this.store);
    const packs = new SlicePacks(this.store);
    const loaded = await loadInfluxData(deps, documents, { plan }, ATTEMPT);
    const shaped = await transformData(deps, documents, { plan, loaded }, ATTEMPT);
    const page = await readMachines(documents, { manifest: shaped.manifest, offset: 0, limit: 100 });
    let totals = NO_TOTALS;
    const laggards = [];
    for (const machine of page) {
      const { uniqueId, ids } = machine;
      let lag: (Pick<Laggard, 'why'> & Partial<Laggard>) | null = null;
      try {
        this.beforeChild(uniqueId);
        const answer = await detectMachine({ plan, machine, run: RUN }, nowMs, deps, documents, packs);
        if (answer.kind === 'set back') {
          const { from, reason } = answer;
          lag = { why: 'set back', from };
          totals = addOutcome(totals, { kind: 'set back', problem: { uniqueId, reason }, from });
        } else {
          this.children.push(answer);
          totals = addOutcome(totals, { kind: 'done', result: answer });
          if (answer.alerts.some(({ status }) => status === 'failed')) lag = { why: 'undelivered' };
        }
      } catch (error) {
        if (error instanceof Killed) throw error;
        lag = { why: 'failed' };
        totals = addOutcome(totals, { kind: 'failed', problem: { uniqueId, reason: String(error) } });
      }
      if (lag === null) continue;
      laggards.push(await recordLaggards(deps, documents, { plan, lagging: [{ uniqueId, ids, ...lag }] }));
    }
    const aggregates = { written: 0, isOwed: false, warnings: [] };
    return finishRun(deps, documents, { plan, loaded, shaped, totals, laggards, aggregates, seconds: 0 });
  }

  /** A machine's newest snapshot. */
  newest(machine: string): Uint8Array | undefined {
    const folder = `snapshots/${PIPELINE}/${machine}/`;
    const keys = [...this.store.objects.keys()].filter((key) => key.startsWith(folder) && key.endsWith('.snapshot'));
    return this.store.objects.get(keys.sort().at(-1) ?? '');
  }

  #deps(): ActivityDeps {
    return {
      influx: this.influx,
      storage: this.store,
      models: new ModelCache(64 * 1024 * 1024),
      pipelines: { [PIPELINE]: this.settings },
      channels: new Map([
        [
          'ops',
          {
            name: 'ops',
            send: async (alert: Alert) => {
              if (this.isDown || this.refuses(alert)) throw new Error('down');
              this.sent.push(alert);
              return 'delivered' as const;
            },
            sendDigest: async () => 'delivered' as const,
          },
        ],
      ]),
      machinesAtOnce: 100,
      homes: async () => [],
      isSearchable: async () => false,
      links: { temporalUi: null, namespace: 'default', plots: null },
      log: () => {},
    };
  }
}

async function detectMachine(
  input: MachineInput,
  startedAtMs: number,
  deps: ActivityDeps,
  documents: JsonArtifacts,
  packs: SlicePacks,
): Promise<MachineAnswer> {
  const gate = await modelIsCached(deps, documents, { ...input, startedAtMs });
  try {
    return await detectFrom(gate, input, deps, documents, packs);
  } catch (error) {
    if (!(error instanceof HalfspaceError) || error.kind !== 'CorruptSnapshot') throw error;
    const other = await passOverModel(deps, documents, { ...input, gate });
    return 'kind' in other ? other : detectFrom(other, input, deps, documents, packs);
  }
}

async function detectFrom(
  found: ModelGate,
  input: MachineInput,
  deps: ActivityDeps,
  documents: JsonArtifacts,
  packs: SlicePacks,
): Promise<MachineAnswer> {
  let gate = found;
  if (!gate.cached) await loadModel(deps, { ...input, gate });
  let detection = await detectAnomalies(deps, documents, packs, { ...input, gate }, ATTEMPT);
  if (detection.kind === 'roll back') {
    gate = await rollBackModel(deps, documents, packs, { ...input, gate, wish: detection });
    detection = await detectAnomalies(deps, documents, packs, { ...input, gate }, ATTEMPT);
    if (detection.kind === 'roll back') throw new Error('Expected no second wish for an earlier model');
  }
  const checked = await checkAnomalies(deps, documents, { ...input, gate, detection });
  const alerts = await tell(deps, input, checked);
  const written = await writeScores(deps, documents, { ...input, gate, detection }, ATTEMPT);
  return resultOf(input, detection, gate, checked.events, written.scoresWritten, alerts);
}

async function tell(
  deps: ActivityDeps,
  { plan, run, machine: { uniqueId } }: MachineInput,
  { latest, channels, isFoundLate, revised, silence, untold: owed = [] }: Awaited<ReturnType<typeof checkAnomalies>>,
): Promise<MachineResult['alerts']> {
  const messages = [
    ...revised.map((taken) => ({ kind: 'revised' as const, isFoundLate: true, ...taken })),
    ...(latest === null ? [] : [{ kind: 'event' as const, isFoundLate, event: latest, channels }]),
    ...(silence === undefined ? [] : [{ kind: 'event' as const, isFoundLate: false, ...silence }]),
    ...owed.map((told) => ({ kind: 'event' as const, isFoundLate: false, ...told })),
  ];
  const outcomes: MachineResult['alerts'][number][] = [];
  for (const { channels: untold, ...message } of messages) {
    for (const channel of untold) {
      const outcome = { uniqueId, event: message.event.key, channel, kind: message.kind };
      const status = await sendAlert(deps, { plan, run, channel, plot: null, ...message }, ATTEMPT).catch((error) => {
        if (error instanceof Killed) throw error;
        return 'failed' as const;
      });
      outcomes.push({ ...outcome, status });
    }
  }
  return outcomes;
}

function resultOf(
  { machine: { uniqueId } }: MachineInput,
  { rows, scored, anomalies, late }: Detection,
  { why: model, passedOver }: ModelGate,
  events: number,
  scoresWritten: number,
  alerts: MachineResult['alerts'],
): MachineResult {
  const damaged = passedOver?.reason ?? null;
  return {
    kind: 'done',
    uniqueId,
    rows,
    ...(scored === undefined ? {} : { scored }),
    anomalies,
    events,
    scoresWritten,
    model,
    late,
    damaged,
    plot: null,
    alerts,
    deadHome: null,
  };
}
