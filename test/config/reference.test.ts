import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse as parseDotenv } from 'dotenv';
import { describe, expect, test } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { ENVIRONMENT } from '../../src/config/environment.js';
import { configurationPage, schemaFile, settingsJsonSchema, settingsTables } from '../../src/config/reference.js';
import { variablesIn } from '../../src/config/variables.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const read = (name: string) => readFileSync(join(ROOT, name), 'utf8');
const REMEDY = 'run `npm run build && node scripts/generate-config-docs.mjs`';

describe('generated files', () => {
  test('halfspace.schema.json is what the schema says', () => {
    expect(read('halfspace.schema.json'), REMEDY).toBe(schemaFile());
  });

  test('the tables of docs/configuration.md are what the schema says', () => {
    const page = read('docs/configuration.md');
    expect(page, REMEDY).toBe(configurationPage(page));
    for (const key of [
      'influx.host',
      'pipelines.<name>.detector.window_size',
      'channels.<name>.webhook',
      'store.url',
    ]) {
      expect(page).toContain(`\n| \`${key}\` `);
    }
  });

  test('what alternatives of a setting have in common is said once', () => {
    expect(settingsTables()).toMatch(
      /after_load\[\]\.otherwise` +\| `fail` or `warn` +\| `fail` +\| `fail` stops the run, `warn` only says so\. +\|/,
    );
  });

  test('a page that lost its markers is an error', () => {
    expect(() => configurationPage('# Configuration')).toThrow('<!-- settings: generated -->');
  });
});

describe('the schema for editors', () => {
  const validate = new Ajv2020({ strict: false }).compile(settingsJsonSchema());

  test('accepts the shipped file, which points to it', () => {
    const text = read('halfspace.yaml');
    expect(text.split('\n')[0]).toBe('# yaml-language-server: $schema=./halfspace.schema.json');
    expect(validate(parseYaml(text)), JSON.stringify(validate.errors)).toBe(true);
  });

  test('refuses an unknown key and a value out of range', () => {
    const text = read('halfspace.yaml');
    expect(validate(parseYaml(text.replace('verdict:', 'verdikt:')))).toBe(false);
    expect(validate(parseYaml(text.replace('threshold: 0.8', 'threshold: 8')))).toBe(false);
  });
});

describe('environment variables', () => {
  const known = new Set(ENVIRONMENT.map(({ name }) => name));
  const example = read('.env.example');
  const listed = new Set([...example.matchAll(/^(?:# )?([A-Z][A-Z0-9_]*)=/gm)].map(([, name]) => name));

  test('.env.example lists each one that is read, and no other', () => {
    expect([...listed].sort()).toEqual([...known].sort());
    expect(ENVIRONMENT).toHaveLength(known.size);
  });

  test('.env.example can be copied as it is: what it sets has a meaning', () => {
    for (const name of Object.keys(parseDotenv(example))) expect(known).toContain(name);
  });

  test('those of the shipped halfspace.yaml are the ones said to be read by it', () => {
    const named = new Set([...variablesIn(read('halfspace.yaml').replace(/#.*$/gm, '')), 'STORE_URL']);
    const said = ENVIRONMENT.filter(({ reader }) => reader === 'settings').map(({ name }) => name);
    expect([...named].sort()).toEqual(said.sort());
  });

  test('are read in src/config and nowhere else', () => {
    const files = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' }).filter((f) =>
      f.endsWith('.ts'),
    );
    const readers = files.filter((file) => read(join('src', file)).includes('process.env'));
    expect(readers).toEqual(['config/environment.ts']);
  });
});
