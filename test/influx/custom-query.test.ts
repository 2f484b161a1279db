import { expect, test } from 'vitest';
import { isCutByTime, namesWindow } from '../../src/influx/custom-query.js';

test('sees $from and $to where they are parameters, not inside text', () => {
  expect(namesWindow('SELECT * FROM m WHERE time >= $from', 'sql')).toBe(true);
  expect(namesWindow("SELECT * FROM m WHERE note = '$from' -- $to", 'sql')).toBe(false);
  expect(namesWindow('SELECT * FROM m WHERE x = $fromage', 'sql')).toBe(false);
});

test.each([
  'SELECT * FROM m WHERE time >= $from AND time < $to',
  'select "machineID", power, time from m where "time" >= $from::timestamp and time < $to::timestamp order by time;',
  "SELECT * FROM m WHERE note = 'limit 5 or group by' AND time < $to AND time >= $from AND power > 1.5 ORDER BY time ASC",
])('reads in chunks: %s', (sql) => {
  expect(isCutByTime(sql, 'time', 'sql')).toBe(true);
});

test.each([
  'SELECT * FROM m WHERE time >= $from AND time < $to LIMIT 10',
  'SELECT * FROM m WHERE time >= $from AND time <= $to',
  'SELECT * FROM m WHERE time > $from AND time < $to',
  'SELECT * FROM m WHERE time >= $from',
  'SELECT * FROM m WHERE time >= $from AND time < $to OR power > 5',
  'SELECT * FROM m WHERE time >= $from AND time < $to ORDER BY time DESC',
  'SELECT * FROM m WHERE time >= $from AND time < $to ORDER BY "machineID"',
  'SELECT * FROM m, n WHERE time >= $from AND time < $to',
  'SELECT * FROM m JOIN n USING (time) WHERE time >= $from AND time < $to',
  'SELECT DISTINCT power FROM m WHERE time >= $from AND time < $to',
  'SELECT avg(power) FROM m WHERE time >= $from AND time < $to',
  "SELECT date_bin(interval '1 minute', time) AS time, avg(power) AS power FROM m WHERE time >= $from AND time < $to GROUP BY 1",
  'SELECT * FROM m WHERE other >= $from AND time < $to AND time >= $from',
  'SELECT * FROM m WHERE "Time" >= $from AND "Time" < $to',
  'SELECT * FROM m WHERE time >= $from AND time < $to UNION ALL SELECT * FROM n',
])('runs once: %s', (sql) => {
  expect(isCutByTime(sql, 'time', 'sql')).toBe(false);
});

test.each([
  'SELECT * FROM m WHERE time >= $from AND time < $to',
  `select machineID, "po\\"wer" from "m" where time >= $from and time < $to and note = 'it\\'s or LIMIT' order by time asc;`,
])('reads InfluxQL in chunks: %s', (text) => {
  expect(isCutByTime(text, 'time', 'influxql')).toBe(true);
});

test.each([
  'SELECT * FROM m WHERE time >= $from AND time < $to LIMIT 10',
  'SELECT mean(power) FROM m WHERE time >= $from AND time < $to GROUP BY time(1m)',
  'SELECT * FROM /m.*/ WHERE time >= $from AND time < $to',
  'SELECT * FROM m WHERE time > now() - 1h AND time >= $from AND time < $to',
  'SELECT * FROM m WHERE Time >= $from AND Time < $to',
])('runs InfluxQL once: %s', (text) => {
  expect(isCutByTime(text, 'time', 'influxql')).toBe(false);
});

test('a text ends where its language says', () => {
  const text = String.raw`SELECT * FROM m WHERE note = '\' AND time < $to AND other = '`;
  expect(namesWindow(text, 'sql')).toBe(true);
  expect(namesWindow(text, 'influxql')).toBe(false);
});
