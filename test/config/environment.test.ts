import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readEnvironment } from '../../src/config/environment.js';
import { nearest } from '../../src/config/nearest.js';
import { HalfspaceError } from '../../src/contract/failures.js';
import { folderWith } from './folder.js';

test('an empty environment has a value for everything', () => {
  const cwd = folderWith();
  expect(readEnvironment({ cwd, env: {} })).toEqual({
    variables: {},
    configFile: null,
    home: join(cwd, '.halfspace'),
    apiToken: null,
    logLevel: 'info',
    color: true,
    temporalCliPath: null,
    searchPath: null,
    cacheHome: join(cwd, '.halfspace/cache'),
    s3: { endpoint: null, region: null, profile: null, accessKeyId: null, secretAccessKey: null, sessionToken: null },
  });
});

test('variables are read from .env, and the real environment wins, empty values included', () => {
  const cwd = folderWith({ '.env': 'LOG_LEVEL=debug\nTEMPORAL_ADDRESS=file:1\nHALFSPACE_HOME=state\nNO_COLOR=1\n' });
  const environment = readEnvironment({ cwd, env: { TEMPORAL_ADDRESS: 'real:1', NO_COLOR: '' } });
  expect(environment).toMatchObject({ logLevel: 'debug', home: join(cwd, 'state'), color: true });
  expect(environment.variables.TEMPORAL_ADDRESS).toBe('real:1');
});

test('downloads are shared by checkouts where the system has a place for that', () => {
  const cwd = folderWith();
  expect(readEnvironment({ cwd, env: { HOME: '/home/a' } }).cacheHome).toBe('/home/a/.cache/halfspace');
  expect(readEnvironment({ cwd, env: { HOME: '/home/a', XDG_CACHE_HOME: '/var/c' } }).cacheHome).toBe(
    '/var/c/halfspace',
  );
});

test('an unknown log level is an error that lists the known ones', () => {
  expect(() => readEnvironment({ cwd: folderWith(), env: { LOG_LEVEL: 'loud' } })).toThrow(
    'Expected LOG_LEVEL to be one of debug, info, warn, error, got `loud`',
  );
  expect(readEnvironment({ cwd: folderWith(), env: { LOG_LEVEL: 'WARN' } }).logLevel).toBe('warn');
});

test('a .env that cannot be read is an error, not as good as none', () => {
  const cwd = folderWith();
  mkdirSync(join(cwd, '.env'));
  expect(() => readEnvironment({ cwd, env: {} })).toThrow(HalfspaceError);
  expect(() => readEnvironment({ cwd, env: {} })).toThrow(`Cannot read ${join(cwd, '.env')} (EISDIR)`);
});

test('a .env may begin with a byte order mark and have Windows line ends; one that is no UTF-8 text is an error', () => {
  const cwd = folderWith({ '.env': '\ufeffLOG_LEVEL=debug\r\nHALFSPACE_HOME=state\r\n' });
  expect(readEnvironment({ cwd, env: {} })).toMatchObject({ logLevel: 'debug', home: join(cwd, 'state') });
  writeFileSync(join(cwd, '.env'), Buffer.from('\ufeffLOG_LEVEL=debug\n', 'utf16le'));
  expect(() => readEnvironment({ cwd, env: {} })).toThrow(`${join(cwd, '.env')} is not a UTF-8 text`);
});

test('the nearest word is one slip away, two in a long word, and otherwise none', () => {
  const words = ['kind', 'window', 'window_size', 'threshold'];
  expect(nearest('treshold', words)).toBe('threshold');
  expect(nearest('Window-Size', words)).toBe('window_size');
  expect(nearest('wndiow', words)).toBe('window');
  expect(nearest('knid', words)).toBe('kind');
  expect(nearest('kn', words)).toBeNull();
  expect(nearest('colour', words)).toBeNull();
});

test('the way to S3 is read by the usual AWS names, from .env too', () => {
  const cwd = folderWith({ '.env': 'AWS_ACCESS_KEY_ID=key\nAWS_SECRET_ACCESS_KEY=secret\n' });
  const general = { AWS_DEFAULT_REGION: 'eu-west-1', AWS_ENDPOINT_URL: 'http://all:1', AWS_SESSION_TOKEN: '' };
  expect(readEnvironment({ cwd, env: general }).s3).toEqual({
    endpoint: 'http://all:1',
    region: 'eu-west-1',
    profile: null,
    accessKeyId: 'key',
    secretAccessKey: 'secret',
    sessionToken: null,
  });
  const special = { AWS_REGION: 'eu-north-1', AWS_ENDPOINT_URL_S3: 'http://s3:1', AWS_SESSION_TOKEN: 'token' };
  expect(readEnvironment({ cwd, env: { ...general, ...special, AWS_PROFILE: 'work' } }).s3).toMatchObject({
    endpoint: 'http://s3:1',
    region: 'eu-north-1',
    profile: 'work',
    sessionToken: 'token',
  });
});
