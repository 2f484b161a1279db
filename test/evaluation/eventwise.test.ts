import { expect, test } from 'vitest';
import { EventCounter, eventRatesOf, poolEvents } from '../../src/evaluation/eventwise.js';

const stretch = (first: bigint, last = first) => ({ first, last });
const SECOND = 1_000_000_000n;

test('an event is true when it touches a labelled stretch, and a stretch is found by an anomalous row inside', () => {
  const counter = new EventCounter([stretch(10n, 20n), stretch(30n, 40n), stretch(50n)]);
  for (const time of [5n, 9n, 20n, 21n, 41n]) counter.addAnomalous(time);
  counter.addEvent(stretch(5n, 9n));
  counter.addEvent(stretch(20n, 21n));
  counter.addEvent(stretch(25n, 45n)); // around the second stretch, without a row in it
  expect(counter.counts()).toMatchObject({ trueEvents: 2, falseEvents: 1, found: 1, missed: 2 });
});

test('both ends of a stretch belong to it', () => {
  const counter = new EventCounter([stretch(10n, 20n), stretch(30n)]);
  counter.addAnomalous(10n);
  counter.addAnomalous(30n);
  counter.addEvent(stretch(20n, 29n));
  counter.addEvent(stretch(5n, 10n));
  expect(counter.counts()).toMatchObject({ trueEvents: 2, falseEvents: 0, found: 2, missed: 0, delayMs: 0 });
});

test('the delay is that of the first anomalous row in a stretch, over those found', () => {
  const counter = new EventCounter([
    stretch(0n, 60n * SECOND),
    stretch(100n * SECOND, 200n * SECOND),
    stretch(300n * SECOND),
  ]);
  for (const second of [30n, 40n, 110n]) counter.addAnomalous(second * SECOND);
  const { meanDelayMs, recall } = eventRatesOf(counter.counts());
  expect(meanDelayMs).toBe(20_000);
  expect(recall).toBeCloseTo(2 / 3, 12);
});

test('rates are of all machines together', () => {
  const counts = { trueEvents: 1, falseEvents: 0, found: 1, missed: 0, delayMs: 500 };
  const other = { trueEvents: 1, falseEvents: 2, found: 1, missed: 1, delayMs: 1500 };
  expect(eventRatesOf(poolEvents([counts, other]))).toEqual({
    precision: 0.5,
    recall: 2 / 3,
    f1: (2 * 0.5 * (2 / 3)) / (0.5 + 2 / 3),
    meanDelayMs: 1000,
  });
});

test('what has nothing to share has no rate, and F1 is 0 where all of it is wrong', () => {
  expect(eventRatesOf(poolEvents([]))).toEqual({ precision: null, recall: null, f1: null, meanDelayMs: null });
  const wrong = { trueEvents: 0, falseEvents: 3, found: 0, missed: 2, delayMs: 0 };
  expect(eventRatesOf(wrong)).toEqual({ precision: 0, recall: 0, f1: 0, meanDelayMs: null });
});
