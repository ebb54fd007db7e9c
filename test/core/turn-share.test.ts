/** Bodies share each turn of the event loop with one another, and with everybody else. */
import { nextTurn } from '@wsgi/core/handlers';
import { expect, it, onTestFinished, vi } from 'vitest';

/** Ends the turn, so that the next one has its whole share. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Keeps the event loop from turning until the share of the bodies is used up, and so has to wait. */
function useUp(): Promise<void> {
  while (true) {
    const wait = nextTurn();
    if (wait !== undefined) return wait;
  }
}

it('nobody waits while the share lasts', async () => {
  await turn();
  expect(nextTurn()).toBe(undefined);
});

it('once it is used up, all wait until the event loop has turned', async () => {
  await turn();
  const order: string[] = [];
  const waits = [useUp().then(() => order.push('body'))];
  waits.push(Promise.resolve().then(() => order.push('microtask')));
  process.nextTick(() => order.push('tick'));
  await Promise.all(waits);
  expect(order).toEqual(['microtask', 'tick', 'body']);
});

it('the next turn has a share of its own', async () => {
  await turn();
  await useUp();
  expect(nextTurn()).toBe(undefined);
});

it('the one that waited first goes on last, so that each comes first in its turn', async () => {
  await turn();
  const order: number[] = [];
  const waits = [useUp(), nextTurn(), nextTurn()];
  await Promise.all(waits.map((wait, index) => wait?.then(() => order.push(index))));
  expect(order).toEqual([1, 2, 0]);
});

it('the event loop turns although a test has put its own timers in place', async () => {
  await turn();
  vi.useFakeTimers({ toFake: ['setImmediate'] });
  onTestFinished(() => void vi.useRealTimers());
  await useUp();
  expect(nextTurn()).toBe(undefined);
});
