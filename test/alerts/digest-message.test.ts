import { describe, expect, it } from 'vitest';
import { digestMessage, digestSummary } from '../../src/alerts/digest-message.js';
import { exampleDigest, exampleMachine } from './example-digest.js';

describe('the digest of a backfill', () => {
  it('says pipeline, range, machines, events, worst scores and where to look', () => {
    const { text, blocks } = digestMessage(exampleDigest({}, 'http://localhost:8233/x'));
    expect(text).toBe(
      'Backfill of machines, 2026-11-24 00:00:00 UTC to 2026-11-25 00:00:00 UTC: 57 anomalous rows in 1 event on 1 machine',
    );
    expect(blocks).toEqual([
      { type: 'header', text: { type: 'plain_text', text: 'Backfill of machines', emoji: false } },
      { type: 'section', text: { type: 'plain_text', text, emoji: false } },
      {
        type: 'section',
        text: {
          type: 'mrkdwn',
          text: '`bosch-gmbh-m1` 1 event, 57 rows, worst score 0.973123 at 2026-11-24 06:15:31 UTC',
          verbatim: true,
        },
      },
      {
        type: 'section',
        text: { type: 'mrkdwn', text: '<http://localhost:8233/x|Open the backfill in Temporal>', verbatim: true },
      },
    ]);
  });

  it('says that nothing was found, and what could not be finished', () => {
    const none = exampleDigest({ machines: 0, rows: 0, events: 0, unfinished: 2, worst: [] });
    expect(digestSummary(none.digest)).toMatch(/: no anomalous rows; 2 machines could not be finished$/);
    expect(digestMessage(none).blocks).toHaveLength(2);
  });

  it('stays within a section whatever the ids are, and says how many machines it leaves out', () => {
    const worst = Array.from({ length: 20 }, (_, i) => exampleMachine(`${i}${'<&>`@channel\n'.repeat(20)}`));
    const lines = digestMessage(exampleDigest({ machines: 500, worst })).blocks[2];
    const text = lines !== undefined && 'text' in lines ? lines.text.text : '';
    expect(text.length).toBeLessThanOrEqual(3000);
    expect(text.split('\n').at(-1)).toBe(`and ${500 - text.split('\n').length + 1} more`);
    expect(text).not.toMatch(/[<>]|&(?!amp;|lt;|gt;)/);
  });
});
