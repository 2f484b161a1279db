import { ApplicationFailure } from '@temporalio/activity';
import { describe, expect, it } from 'vitest';
import { homeOf } from '../../src/contract/homes.js';
import { machineWorkflowId } from '../../src/contract/names.js';
import type { MachineEntry } from '../../src/contract/run-plan.js';
import {
  AT_HOME,
  calls,
  client,
  gate,
  machineEntries,
  pipeline,
  run,
  sharedSteps,
  startHome,
  startWorker,
  WITH_EVENT,
} from './faked-steps.js';

describe('a machine', () => {
  it('costs two activities and a look when it is healthy and its model is in memory', async () => {
    await startWorker(1);
    await run();
    expect(calls.slice(4, -1)).toEqual(['modelIsCached', 'detectAnomalies', 'writeScores']);
    const { events } = await client.workflow.getHandle(machineWorkflowId(pipeline, 'm0')).fetchHistory();
    const scheduled = (events ?? []).map((event) => event.activityTaskScheduledEventAttributes?.activityType?.name);
    expect(scheduled.filter((name) => name !== undefined)).toEqual(['detectAnomalies', 'writeScores']);
  });

  it('has its model loaded only when the gate says no', async () => {
    await startWorker(1, {
      modelIsCached: async () => ({ base: 'b', cached: false, token: 1, watermark: '0', why: 'not cached' }),
    });
    const result = await run();
    expect(calls.slice(4, -1)).toEqual(['modelIsCached', 'loadModel', 'detectAnomalies', 'writeScores']);
    expect(result.models).toEqual({ cached: 0, loaded: 1, fresh: 0 });
  });

  it('is checked, plotted and told of before its scores are published', async () => {
    await startWorker(1, WITH_EVENT);
    await run();
    expect(calls.slice(4, -1)).toEqual([
      'modelIsCached',
      'detectAnomalies',
      'checkAnomalies',
      'plotAnomalies',
      'sendAlert',
      'sendAlert',
      'writeScores',
    ]);
  });

  it('tells of a silence beside the event', async () => {
    const told: unknown[] = [];
    await startWorker(1, {
      ...WITH_EVENT,
      checkAnomalies: async () => ({
        ...(await WITH_EVENT.checkAnomalies()),
        silence: { event: { key: 'silence' }, channels: ['b'] },
      }),
      sendAlert: async ({ event, channel }: { event: { key: string }; channel: string }) => {
        told.push([event.key, channel]);
        return 'delivered';
      },
    });
    await run();
    expect(told.at(-1)).toEqual(['silence', 'b']);
    expect(told).toHaveLength(3);
  });

  it('tells last what earlier runs could not tell, and not by a channel that is away', async () => {
    const failures = {
      away: ApplicationFailure.create({ message: 'no answer', nextRetryDelay: '5m' }),
      refused: ApplicationFailure.nonRetryable('no_text'),
    };
    for (const [how, most] of [
      ['away', 1],
      ['refused', 3],
    ] as const) {
      const told: string[] = [];
      await startWorker(1, {
        ...WITH_EVENT,
        checkAnomalies: async () => ({
          ...(await WITH_EVENT.checkAnomalies()),
          untold: ['first', 'second'].map((key) => ({ event: { key }, channels: ['a', 'b'] })),
        }),
        sendAlert: async ({ event, channel }: { event: { key: string }; channel: string }) => {
          told.push(`${event.key} by ${channel}`);
          if (channel === 'a') throw failures[how];
          return 'delivered';
        },
      });
      const { alerts } = await run();
      const byA = ['event by a', 'first by a', 'second by a'].slice(0, most);
      expect(told.filter((text) => text.endsWith('a'))).toEqual(byA);
      expect(told.filter((text) => text.endsWith('b'))).toEqual(['event by b', 'first by b', 'second by b']);
      expect(alerts.filter(({ status }) => status === 'failed')).toHaveLength(most);
    }
  });

  it('has its channels told at the same time', async () => {
    const told = gate();
    await startWorker(1, {
      ...WITH_EVENT,
      sendAlert: async ({ channel }: { channel: string }) => {
        if (channel === 'a') await told.opened;
        else told.open();
        return 'delivered';
      },
    });
    const { alerts } = await run();
    expect(alerts.map(({ channel, status }) => [channel, status])).toEqual([
      ['a', 'delivered'],
      ['b', 'delivered'],
    ]);
  });

  it('keeps from a channel that is away what the next run knows of, and tries what is new', async () => {
    const told: string[] = [];
    const message = (key: string) => ({ event: { key }, channels: ['a', 'b'] });
    await startWorker(1, {
      ...WITH_EVENT,
      checkAnomalies: async () => ({
        ...(await WITH_EVENT.checkAnomalies()),
        revised: [message('first'), message('second')],
        silence: message('silence'),
        untold: [message('third')],
      }),
      sendAlert: async ({ event, channel }: { event: { key: string }; channel: string }) => {
        told.push(`${event.key} by ${channel}`);
        if (channel === 'a') throw ApplicationFailure.nonRetryable('no answer for a minute', 'ChannelAway');
        return 'delivered';
      },
    });
    const { alerts } = await run();
    expect(told.filter((text) => text.endsWith('a'))).toEqual(['first by a', 'event by a']);
    const byB = ['first by b', 'second by b', 'event by b', 'silence by b', 'third by b'];
    expect(told.filter((text) => text.endsWith('b'))).toEqual(byB);
    expect(alerts.filter(({ status }) => status === 'failed')).toHaveLength(2);
  });

  it('is published also when its plot and a channel fail', async () => {
    await startWorker(1, {
      ...WITH_EVENT,
      plotAnomalies: async () => {
        throw ApplicationFailure.nonRetryable('no canvas');
      },
      sendAlert: async ({ channel }: { channel: string }) => {
        if (channel === 'a') throw ApplicationFailure.nonRetryable('no_service');
        return 'delivered';
      },
    });
    const result = await run();
    expect(result.done).toBe(1);
    expect(result.alerts.map(({ status, reason }) => [status, reason])).toEqual([
      ['failed', 'no_service'],
      ['delivered', undefined],
    ]);
    expect(calls).toContain('writeScores');
    expect(calls).toContain('recordLaggards');
  });
});

describe('a home', () => {
  it('takes the steps that need the model of its machines, and no others', async () => {
    const homes = ['home-a', 'home-b'];
    await startWorker(8, WITH_EVENT, { homes });
    for (const home of homes) {
      await startHome(home, { ...AT_HOME, detectAnomalies: WITH_EVENT.detectAnomalies });
    }
    expect(await run()).toMatchObject({ done: 8, models: { cached: 8, loaded: 0, fresh: 0 } });
    expect(sharedSteps()).toEqual([]);
    expect(calls.filter((name) => name === 'checkAnomalies')).toHaveLength(8);
    const wanted = machineEntries(8).map(({ uniqueId }) => homeOf(uniqueId, homes));
    for (const home of homes) {
      const own = calls.filter((name) => name === `${home} writeScores`);
      expect(own).toHaveLength(wanted.filter((queue) => queue === home).length);
    }
  });

  it('where nobody answers costs one machine a moment and is left out for the rest of the run', async () => {
    const [live, dead] = ['home-live', 'home-dead'];
    const homes = [live, dead];
    const wanted = machineEntries(12).map(({ uniqueId }) => homeOf(uniqueId, homes));
    for (const execution of [wanted.slice(0, 5), wanted.slice(5, 10), wanted.slice(10)]) {
      expect(new Set(execution)).toEqual(new Set(homes));
    }
    await startWorker(12, {}, { homes, machinesAtOnce: 1, machinesPerExecution: 5 });
    await startHome(live, AT_HOME);
    expect(await run()).toMatchObject({ machines: 12, done: 12 });
    expect(sharedSteps()).toEqual(Object.keys(AT_HOME));
  });

  it('that falls silent in the middle of a step has that step done elsewhere', async () => {
    const home = 'home-silent';
    const end = gate();
    await startWorker(1, {}, { homes: [home] });
    await startHome(home, { ...AT_HOME, detectAnomalies: () => end.opened });
    const result = await run();
    end.open();
    expect(result).toMatchObject({ done: 1, failedCount: 0 });
    expect(sharedSteps()).toEqual(['detectAnomalies', 'writeScores']);
  });

  it('that cannot do a step hands it on, unless it would fail anywhere', async () => {
    const home = 'home-weak';
    await startWorker(2, {}, { homes: [home] });
    await startHome(home, {
      ...AT_HOME,
      detectAnomalies: async ({ machine }: { machine: MachineEntry }) => {
        if (machine.uniqueId === 'm0') throw ApplicationFailure.retryable('store is away', 'StoreFault');
        throw ApplicationFailure.nonRetryable('poison row');
      },
    });
    expect(await run()).toMatchObject({ done: 1, failedCount: 1, failed: [{ uniqueId: 'm1', reason: 'poison row' }] });
    expect(calls.filter((name) => name.endsWith('detectAnomalies'))).toHaveLength(3);
  });
});
