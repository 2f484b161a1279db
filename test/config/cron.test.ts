import { expect, test } from 'vitest';
import { cronProblem } from '../../src/config/cron.js';

test.each([
  '*/5 * * * *',
  '0 0 1 1 0',
  '59 23 31 12 7',
  '0,15,30,45 8-18 * * mon-fri',
  '10-50/20 */2 * JAN,jul SUN',
  '  5 4 * * *  ',
  '@hourly',
  '@daily',
  '@every 10m',
  '@every 1s',
  '@every  1h30m',
  '@every 365d',
  '0 0 29 2 *',
  '0 0 29 feb mon',
  '0 0 31 2,12 *',
  '0 0 10/20 2 *',
  '0 0 30,28 2 *',
  '0 0 30 */2 *',
  '0 0 31 2/2 *',
])('accepts %j', (cron) => {
  expect(cronProblem(cron)).toBeNull();
});

test.each([
  ['', 'found 0'],
  ['* * * *', 'found 4'],
  ['* * * * * *', 'found 6'],
  ['60 * * * *', 'minute: expected numbers from 0 to 59'],
  ['* 24 * * *', 'hour: expected numbers from 0 to 23'],
  ['* * 0 * *', 'day of month: expected numbers from 1 to 31'],
  ['* * * 13 *', 'month: expected numbers from 1 to 12'],
  ['* * * * 8', 'day of week: expected numbers from 0 to 7'],
  ['30-10 * * * *', 'in ascending order'],
  ['*/0 * * * *', 'minute: expected a step'],
  ['*/x * * * *', 'minute: expected a step'],
  ['1/2/3 * * * *', 'minute: expected a step'],
  ['1-2-3 * * * *', 'minute: expected *'],
  ['1, * * * *', 'minute: expected *'],
  ['x * * * *', 'minute: expected *'],
  ['-5 * * * *', 'minute: expected *'],
  ['* * * mon *', 'month: expected *'],
  ['@fortnightly', 'expected one of @yearly'],
  ['@every', 'expected one of @yearly'],
  ['@every 10', 'expected one of @yearly'],
  ['@every -1h', 'expected one of @yearly'],
  ['@every 0s', 'whole seconds, from 1s to 365d'],
  ['@every 1ms', 'whole seconds, from 1s to 365d'],
  ['@every 1s500ms', 'whole seconds, from 1s to 365d'],
  ['@every 366d', 'whole seconds, from 1s to 365d'],
  ['0 0 30 2 *', 'never comes: no such month has a day 30'],
  ['0 0 30-31 feb mon', 'never comes: no such month has a day 30'],
  ['0 0 31 4,6,9,11 *', 'never comes: no such month has a day 31'],
])('refuses %j', (cron, problem) => {
  expect(cronProblem(cron)).toContain(problem);
});
