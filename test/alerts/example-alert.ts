import type { Alert } from '../../src/alerts/channel.js';
import type { AnomalyEvent } from '../../src/contract/anomaly-event.js';

/** An alert as the job makes it, with the given parts of its event replaced. */
export function exampleAlert(event: Partial<AnomalyEvent> = {}, alert: Partial<Omit<Alert, 'event'>> = {}): Alert {
  return {
    kind: 'event',
    isFoundLate: false,
    event: {
      key: 'machines/bosch-gmbh-m1/1795500902000000000',
      pipeline: 'machines',
      uniqueId: 'bosch-gmbh-m1',
      ids: { provider: 'Bosch GmbH', machineID: 'm1' },
      first: '1795500902000000000',
      last: '1795500960250000000',
      rows: 57,
      open: true,
      worst: {
        time: '1795500931000000000',
        score: 0.97312345678,
        values: { power: 512.3, load: null },
        reason: 'score 0.973 is above the threshold 0.8',
      },
      threshold: 0.8,
      limits: { power: [0, 500] },
      ...event,
    },
    runUrl: 'http://localhost:8233/namespaces/default/workflows/detect%2Fmachines/run-1',
    plotUrl: 'https://plots.example.com/a.png?x=1&y=2',
    ...alert,
  };
}
