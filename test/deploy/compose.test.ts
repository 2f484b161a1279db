import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { describe, expect, test } from 'vitest';
import { parse, parseDocument } from 'yaml';
import { z } from 'zod';
import { ENVIRONMENT } from '../../src/config/environment.js';
import { loadSettings } from '../../src/config/load.js';
import { folderWith } from '../config/folder.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const read = (name: string) => readFileSync(join(ROOT, name), 'utf8');

const COMPOSE_FILE = z.looseObject({
  services: z.record(
    z.string(),
    z.looseObject({
      image: z.string(),
      build: z.string().optional(),
      command: z.array(z.string()).optional(),
      entrypoint: z.array(z.string()).optional(),
      environment: z.record(z.string(), z.string()).optional(),
      ports: z.array(z.string()).optional(),
      volumes: z.array(z.string()).optional(),
      healthcheck: z.unknown().optional(),
      depends_on: z.record(z.string(), z.object({ condition: z.string() })).optional(),
    }),
  ),
  volumes: z.record(z.string(), z.null()),
});

const TEXT = read('docker-compose.yml');
const FILE: unknown = parse(TEXT, { merge: true });
const { services, volumes } = COMPOSE_FILE.parse(FILE);
const ours = Object.entries(services).filter(([, { build }]) => build !== undefined);

describe('docker-compose.yml', () => {
  // The document's `$schema` and its `id`s are in older forms that this validator refuses; nothing refers to them.
  const { $schema, id, ...schema } = JSON.parse(read('test/deploy/compose-spec.json'));
  const validate = new Ajv2019({ strict: false, validateFormats: false }).removeKeyword('id').compile(schema);

  test('follows the schema of the Compose Specification', () => {
    expect([$schema, id]).toEqual(['http://json-schema.org/draft/2019-09/schema#', 'compose_spec.json']);
    expect(validate(FILE), JSON.stringify(validate.errors, null, 1)).toBe(true);
  });

  test('would not follow it with a misspelt key', () => {
    expect(validate(parse(TEXT.replace('healthcheck:', 'heathcheck:'), { merge: true }))).toBe(false);
  });

  test('has no duplicate keys or unresolved anchors', () => {
    const { errors, warnings } = parseDocument(TEXT, { merge: true });
    expect([...errors, ...warnings]).toEqual([]);
  });

  test('has the database, Temporal with its database and UI, a simulator and a worker', () => {
    expect(Object.keys(services)).toEqual(
      expect.arrayContaining(['influxdb', 'temporal', 'temporal-database', 'temporal-ui', 'simulator', 'worker']),
    );
  });

  test('pins the version of each image that it does not build', () => {
    for (const [name, { image, build }] of Object.entries(services)) {
      if (build === undefined) expect(image, name).toMatch(/:\d+\.\d+/);
    }
  });

  test('opens ports to this machine only', () => {
    const ports = Object.values(services).flatMap((service) => service.ports ?? []);
    expect(ports).not.toEqual([]);
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
  });

  test('waits only for what exists and can come true', () => {
    for (const [name, { depends_on = {} }] of Object.entries(services)) {
      for (const [other, { condition }] of Object.entries(depends_on)) {
        const target = services[other];
        expect(target, `${name} waits for ${other}`).toBeDefined();
        expect(['service_healthy', 'service_completed_successfully']).toContain(condition);
        expect(condition === 'service_healthy', `${name} waits for ${other}`).toBe(target?.healthcheck !== undefined);
      }
    }
  });

  test('mounts only files that exist and volumes that are declared', () => {
    for (const [name, service] of Object.entries(services)) {
      for (const volume of service.volumes ?? []) {
        const [from = ''] = volume.split(':');
        if (from.startsWith('./')) expect(existsSync(join(ROOT, from)), `${name}: ${from}`).toBe(true);
        else expect(Object.keys(volumes), name).toContain(from);
      }
      const script = service.entrypoint?.find((word) => word.startsWith('/deploy/'));
      if (script !== undefined) expect(existsSync(join(ROOT, script.replace('/deploy', 'deploy/temporal')))).toBe(true);
    }
  });

  test('uses only variables that .env.example lists, each with a default', () => {
    const known = ENVIRONMENT.map(({ name }) => name);
    const used = [...TEXT.replace(/#.*$/gm, '').matchAll(/\$\{([A-Z0-9_]+)(:-)?/g)];
    expect(used.map(([, name]) => name)).toContain('TEMPORAL_DB_PASSWORD');
    for (const [, name, fallback] of used) {
      expect(known).toContain(name);
      expect(fallback, name).toBe(':-');
    }
  });

  test('runs commands that exist', () => {
    const { scripts } = z.object({ scripts: z.record(z.string(), z.string()) }).parse(JSON.parse(read('package.json')));
    const commands = Object.values(scripts).flatMap((script) => /bin\/halfspace\.js (\w+)/.exec(script)?.[1] ?? []);
    expect(ours.map(([name]) => name)).toEqual(['simulator', 'worker', 'schedules']);
    for (const [name, { command = [] }] of ours) expect(commands, name).toContain(command[0]);
  });

  test('gives the worker all that the shipped halfspace.yaml needs', () => {
    const env = Object.fromEntries(
      Object.entries(services.worker?.environment ?? {}).map(([key, value]) => [
        key,
        value.replace(/\$\{[A-Z0-9_]+:-([^}]*)\}/g, '$1'),
      ]),
    );
    const settings = loadSettings({ cwd: folderWith(), env });
    expect(settings.influx).toMatchObject({ host: 'http://influxdb:8181', token: null, database: 'factory' });
    expect(settings.storeUrl).toBe('file:///var/lib/halfspace/store');
    expect(services.worker?.volumes).toContain('halfspace-data:/var/lib/halfspace');
  });
});

describe('Dockerfile', () => {
  const dockerfile = read('Dockerfile');

  test('copies only files that exist and that .dockerignore lets through', () => {
    const allowed = read('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, files = '']) =>
      files.split(' '),
    );
    expect(copied).toContain('src');
    for (const file of copied) {
      expect(existsSync(join(ROOT, file)), file).toBe(true);
      expect(allowed).toContain(file);
    }
  });

  test('runs as a user without rights, on a Node that package.json allows', () => {
    const last = dockerfile.slice(dockerfile.lastIndexOf('FROM '));
    expect(last).toMatch(/^FROM node:22-slim/);
    expect(last).toMatch(/^USER node$/m);
    expect(JSON.parse(read('package.json')).engines.node).toBe('>=20.19');
  });
});
