import { describe, expect, test } from 'vitest';
import { failure, load, SMALL } from './load-yaml.js';

describe('what stands around pipelines is refused:', () => {
  test('a pipeline name that cannot be part of an id', () => {
    const { message } = failure(() => load(SMALL.replace('one:', 'One Two:')));
    expect(message).toContain('halfspace.yaml:3:3 pipelines.One Two: expected a name of lower-case letters');
  });

  test('a time limit longer than a timer holds', () => {
    const yaml = SMALL.replace('database: factory', 'database: factory, query_timeout: 30d');
    expect(failure(() => load(yaml)).message).toContain('influx.query_timeout: expected at most 24h, got "30d"');
  });

  test('a default pipeline that does not exist', () => {
    expect(failure(() => load(`default: two\n${SMALL}`)).message).toContain(
      'halfspace.yaml:1:10 default: expected one of the pipelines: one',
    );
  });

  test('a channel of an unknown kind', () => {
    expect(failure(() => load(`${SMALL}channels: { ops: { kind: mail } }\n`)).message).toContain(
      'halfspace.yaml:6:26 channels.ops.kind: expected a channel of kind slack or webhook, got',
    );
  });

  test.each([
    'https://host/store',
    's3://b',
    's3://bucket/../a',
    's3://bucket/a b',
    's3://bucket/a?region=x',
    'file://',
  ])('another kind of store: %s', (url) => {
    const { message } = failure(() => load(`${SMALL}store: { url: "${url}" }\n`));
    expect(message).toContain('store.url: expected a folder such as file:///var/lib/halfspace');
    expect(message).toContain('or a bucket such as s3://bucket/prefix, got a text that is none (not shown here)');
    const variable = failure(() => load(SMALL, { env: { STORE_URL: url } })).message;
    expect(variable).toMatch(/store\.url: expected a folder .*, got the value of STORE_URL$/);
  });

  test('a folder whose first name would be read as a host', () => {
    const { message } = failure(() => load(`${SMALL}store: { url: "file://srv/models" }\n`));
    expect(message).toContain('store.url: a folder on this computer has three slashes (file:///srv/models)');
  });

  test("keys in the store's address, without showing them", () => {
    const { message } = failure(() => load(`${SMALL}store: { url: "s3://KEY:SECRET@bucket/prefix" }\n`));
    expect(message).toBe(
      'halfspace.yaml:6:15 store.url: keys have no place in the address; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY instead',
    );
  });
});
