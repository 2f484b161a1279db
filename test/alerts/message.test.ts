import { describe, expect, it } from 'vitest';
import { type AlertMessage, alertMessage, alertSummary } from '../../src/alerts/message.js';
import { codeSpan, cutEscaped, isPublicUrl, linkTo, printable } from '../../src/alerts/slack-text.js';
import { randomFrom, testSeed } from '../random.js';
import { exampleAlert } from './example-alert.js';

/** Every text a message shows, with the kind of object it stands in and Slack's limit for it. */
function textsOf(message: AlertMessage): { kind: string; text: string; limit: number }[] {
  const texts = [{ kind: 'text', text: message.text, limit: 3000 }];
  for (const block of message.blocks) {
    if (block.type === 'header') texts.push({ kind: 'plain_text', text: block.text.text, limit: 150 });
    else if (block.type === 'image') texts.push({ kind: 'alt', text: block.alt_text, limit: 2000 });
    else if (block.type === 'context') {
      for (const element of block.elements) texts.push({ kind: element.type, text: element.text, limit: 2000 });
    } else if ('fields' in block) {
      for (const field of block.fields) texts.push({ kind: field.type, text: field.text, limit: 2000 });
    } else texts.push({ kind: block.text.type, text: block.text.text, limit: 3000 });
  }
  return texts;
}

function fieldsOf(message: AlertMessage): string[] {
  return message.blocks.flatMap((block) => ('fields' in block ? block.fields.map((field) => field.text) : []));
}

describe('alertMessage', () => {
  it('says machine, rows, times, worst score and values, limits, reason, run, plot and key', () => {
    const alert = exampleAlert();
    const message = alertMessage(alert);
    expect(message.text).toBe(
      'Anomaly on bosch-gmbh-m1 (machines): 57 anomalous rows, 2026-11-24 06:15:02 UTC to 2026-11-24 06:16:00.250 UTC, ' +
        'worst score 0.973123 (threshold 0.8): score 0.973 is above the threshold 0.8',
    );
    expect(message.blocks).toEqual([
      { type: 'header', text: { type: 'plain_text', text: 'Anomaly on bosch-gmbh-m1', emoji: false } },
      { type: 'section', fields: expect.any(Array) },
      {
        type: 'section',
        text: { type: 'plain_text', text: 'Reason: score 0.973 is above the threshold 0.8', emoji: false },
      },
      {
        type: 'section',
        text: { type: 'mrkdwn', text: `<${alert.runUrl}|Open the run in Temporal>`, verbatim: true },
      },
      {
        type: 'image',
        image_url: 'https://plots.example.com/a.png?x=1&y=2',
        alt_text: 'Score and values of bosch-gmbh-m1 over time',
      },
      {
        type: 'context',
        elements: [{ type: 'mrkdwn', text: 'Event `machines/bosch-gmbh-m1/1795500902000000000`', verbatim: true }],
      },
    ]);
    expect(fieldsOf(message)).toEqual([
      '*Machine*\n`provider` `Bosch GmbH`\n`machineID` `m1`',
      '*Pipeline*\n`machines`',
      '*Anomalous*\n57 rows; the event is still open',
      '*Worst score*\n0.973123 (threshold 0.8)',
      '*First*\n2026-11-24 06:15:02 UTC',
      '*Last*\n2026-11-24 06:16:00.250 UTC',
      '*At the worst row, 2026-11-24 06:15:31 UTC*\n`power` 512.3 (declared limits 0 to 500)\n`load` no value',
    ]);
  });

  it('speaks of one row in the singular and names its time once', () => {
    const { first } = exampleAlert().event;
    const summary = alertSummary(exampleAlert({ rows: 1, last: first, open: false }));
    expect(summary).toContain(': 1 anomalous row, 2026-11-24 06:15:02 UTC, worst');
    expect(fieldsOf(alertMessage(exampleAlert({ open: false })))).toContain('*Anomalous*\n57 rows; the event is over');
  });

  it('says how many events before it nobody was told of', () => {
    const alert = exampleAlert({ earlier: { events: 2, rows: 10, since: '1795500000000000000' } });
    const text = ', and 2 earlier events since 2026-11-24 06:00:00 UTC, 10 rows';
    expect(alertSummary(alert)).toContain(`to 2026-11-24 06:16:00.250 UTC${text}, worst score`);
    expect(fieldsOf(alertMessage(alert))).toContain(
      '*Before it, told to nobody*\n2 events since 2026-11-24 06:00:00 UTC, 10 rows',
    );
    const one = exampleAlert({ earlier: { events: 1, rows: 1, since: '1795500000000000000' } });
    expect(alertSummary(one)).toContain(', and 1 earlier event since 2026-11-24 06:00:00 UTC, 1 row, worst');
  });

  it('says that an event came to light with late rows', () => {
    const alert = exampleAlert({}, { isFoundLate: true });
    expect(alertSummary(alert)).toMatch(/threshold 0.8; found when late rows came$/);
    expect(JSON.stringify(alertMessage(alert).blocks)).toContain('threshold 0.8; found when late rows came');
  });

  it('of a silent machine says since when, and nothing of scores', () => {
    const time = '1795500900000000000';
    const reason = 'no rows since 2026-11-24T06:15:00Z';
    const alert = exampleAlert({ rows: 0, worst: { time, score: 0, values: {}, cause: 'silent', reason } });
    expect(alertSummary(alert)).toBe('No rows from bosch-gmbh-m1 (machines) since 2026-11-24 06:15:00 UTC');
    const message = alertMessage(alert);
    expect(message.blocks[0]).toMatchObject({ text: { text: 'No rows from bosch-gmbh-m1' } });
    expect(message.blocks[2]).toMatchObject({ text: { text: 'Reason: no rows for longer than verdict.stale_after' } });
    expect(fieldsOf(message).slice(2)).toEqual([
      '*Last row*\n2026-11-24 06:15:00 UTC',
      '*Missed since*\n2026-11-24 06:15:02 UTC',
    ]);
    expect(
      textsOf(message).some(({ text }) => /score|threshold/i.test(text) && !text.startsWith('Score and values')),
    ).toBe(false);
  });

  it('takes back what late rows have undone', () => {
    const alert = exampleAlert({}, { kind: 'revised' });
    expect(alertSummary(alert)).toBe(
      'Revised, no anomaly on bosch-gmbh-m1 (machines): 57 anomalous rows were told, 2026-11-24 06:15:02 UTC to 2026-11-24 06:16:00.250 UTC; rows there came late, were changed or removed since, and nothing there is anomalous any more',
    );
    const message = alertMessage(alert);
    expect(message.blocks[0]).toMatchObject({ text: { text: 'Revised, no anomaly on bosch-gmbh-m1' } });
    expect(fieldsOf(message)).toContain('*Was told*\n57 anomalous rows');
    expect(JSON.stringify(message)).not.toContain('still open');
  });

  it('links to a plot that Slack cannot fetch instead of showing it', () => {
    const message = alertMessage(exampleAlert({}, { plotUrl: 'http://localhost:8080/a.png' }));
    expect(message.blocks.some((block) => block.type === 'image')).toBe(false);
    expect(JSON.stringify(message.blocks)).toContain('<http://localhost:8080/a.png|Open the plot>');
  });

  it('leaves out what has no address, or none a browser opens', () => {
    for (const [runUrl, plotUrl] of [
      [null, null],
      ['javascript:alert(1)', 'file:///etc/passwd'],
      ['not a url', `https://plots.example.com/${'x'.repeat(4000)}`],
    ] as const) {
      const types = alertMessage(exampleAlert({}, { runUrl, plotUrl })).blocks.map((block) => block.type);
      expect(types).toEqual(['header', 'section', 'section', 'context']);
    }
  });

  it('shows eight columns at most and says how many more there are', () => {
    const values = Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`column${at}`, at]));
    const worst = { ...exampleAlert().event.worst, values };
    const shown = fieldsOf(alertMessage(exampleAlert({ worst, limits: {} }))).at(-1) ?? '';
    expect(shown.split('\n')).toHaveLength(10);
    expect(shown).toMatch(/`column7` 7\nand 32 more$/);
  });

  it('keeps whole lines of many long ids', () => {
    const ids = Object.fromEntries(Array.from({ length: 60 }, (_, at) => [`column${at}`, '<'.repeat(100)]));
    const shown = fieldsOf(alertMessage(exampleAlert({ ids })))[0] ?? '';
    expect(shown.length).toBeLessThanOrEqual(2000);
    expect(shown).toMatch(/`\nand \d+ more$/);
  });

  it('stays within Slack’s limits and lets no id mention, link or format, whatever the id', () => {
    const seed = testSeed();
    const random = randomFrom(seed);
    for (let round = 0; round < 400; round++) {
      const text = (): string => hostileText(random);
      const ids = Object.fromEntries(Array.from({ length: Math.floor(random() * 5) }, () => [text(), text()]));
      const columns = Array.from({ length: Math.floor(random() * 12) }, text);
      const message = alertMessage(
        exampleAlert(
          {
            key: text(),
            pipeline: text(),
            uniqueId: text(),
            ids,
            limits: Object.fromEntries(columns.slice(3).map((column) => [column, [random(), 1e300] as const])),
            worst: {
              time: '0',
              score: random(),
              values: Object.fromEntries(columns.map((column) => [column, random() * 10 ** (600 * random() - 300)])),
              reason: text(),
            },
          },
          { runUrl: `https://temporal.example.com/${text()}`, plotUrl: `https://plots.example.com/${text()}` },
        ),
      );
      for (const { kind, text: shown, limit } of textsOf(message)) {
        const context = `seed ${seed}, round ${round}, ${kind}: ${shown.slice(0, 300)}`;
        expect(shown.length, context).toBeGreaterThan(0);
        expect(shown.length, context).toBeLessThanOrEqual(limit);
        expect(shown, context).not.toMatch(/\p{Cs}/u);
        expect(shown, context).not.toMatch(/[^\P{Cc}\n]|\p{Cf}/u);
        // What is left in angle brackets is ours: a link to an http address with one of our two labels.
        const rest = shown.replace(/<https?:[^<>|\s]*\|Open the (run in Temporal|plot)>/g, '');
        expect(rest, context).not.toMatch(/[<>]/);
        expect(rest, context).not.toMatch(/&(?!amp;|lt;|gt;)/);
        if (kind !== 'mrkdwn') continue;
        // Outside code spans and our own labels no markup is left.
        expect(rest.replace(/^\*[^*\n]*\*\n/, '').replace(/`[^`\n]*`/g, ''), context).not.toMatch(/[*_~`]/);
      }
      expect(JSON.stringify(message).length).toBeLessThan(60_000);
      for (const block of message.blocks) {
        if ('fields' in block) expect(block.fields.length).toBeLessThanOrEqual(10);
        if (block.type === 'image') expect(block.image_url.length).toBeLessThanOrEqual(3000);
      }
    }
  });
});

describe('Slack text', () => {
  it('cuts between characters and never inside an entity', () => {
    expect(cutEscaped('a<b>&c', 100)).toBe('a&lt;b&gt;&amp;c');
    expect(cutEscaped('aaa<', 6)).toBe('aaa…');
    expect(cutEscaped('😀😀😀', 4)).toBe('😀…');
    expect(cutEscaped('exact', 5)).toBe('exact');
    expect(cutEscaped('longer', 5)).toBe('long…');
  });

  it('makes one printable line that is never empty', () => {
    expect(printable('a\r\n\tb\u202e\u0000c\ud800', 20)).toBe('a b c');
    expect(printable(' \n ', 20)).toBe('(empty)');
    expect(codeSpan('a`b', 20)).toBe("`a'b`");
  });

  it('keeps an address from ending its link', () => {
    expect(linkTo('https://a.example.com/x|y>z&w', 'L')).toBe('<https://a.example.com/x%7Cy%3Ez&amp;w|L>');
  });

  it('tells public addresses from private ones', () => {
    for (const address of [
      'https://plots.example.com/a.png',
      'http://8.8.8.8/a',
      'http://172.32.0.1/a',
      'https://[2001:4860:4860::8888]/a',
    ]) {
      expect(isPublicUrl(address), address).toBe(true);
    }
    for (const address of [
      'http://localhost/a',
      'http://plots/a',
      'http://127.0.0.1:8080/a',
      'http://2130706433/a',
      'http://10.1.2.3/a',
      'http://172.16.0.1/a',
      'http://192.168.1.1/a',
      'http://169.254.169.254/a',
      'http://[::1]/a',
      'http://[fe80::1]/a',
      'http://nas.local./a',
      'ftp://plots.example.com/a',
      'nonsense',
    ]) {
      expect(isPublicUrl(address), address).toBe(false);
    }
  });
});

const HOSTILE = [
  '<!channel>',
  '<@U123>',
  '*bold*',
  '_it_',
  '~no~',
  '`code`',
  '```',
  '&',
  '&amp;',
  '<',
  '>',
  '|',
  '\n',
  '\r',
  '\u0000',
  '\u202e',
  '\ud800',
  '\udc00',
  '😀',
  '机器',
  'http://evil.example.com',
  '@here',
  ' ',
  'a',
  'Ω',
  '\u2028',
];

function hostileText(random: () => number): string {
  const parts = random() < 0.1 ? 3000 : Math.floor(random() * 30);
  let text = '';
  for (let part = 0; part < parts; part++) text += HOSTILE[Math.floor(random() * HOSTILE.length)] ?? '';
  return text;
}
