import { expect, it } from 'vitest';
import { nextTurn } from '../../src/activities/turns.js';

it('lets one step compute a round of the event loop, and each in its turn', async () => {
  const order: string[] = [];
  let isDone = false;
  const watch = () => {
    order.push('|');
    if (!isDone) setImmediate(watch);
  };
  setImmediate(watch);
  await Promise.all(
    ['a', 'b', 'c'].map(async (name) => {
      for (let chunk = 0; chunk < 3; chunk++) {
        await nextTurn();
        order.push(name);
      }
    }),
  );
  isDone = true;
  const rounds = order
    .join('')
    .split('|')
    .filter((round) => round !== '');
  expect(rounds).toEqual(['a', 'b', 'c', 'a', 'b', 'c', 'a', 'b', 'c']);
});

it('goes on after nobody wanted a turn for a while', async () => {
  await nextTurn();
  await new Promise((resolve) => setImmediate(resolve));
  await expect(nextTurn()).resolves.toBeUndefined();
});
