import { performance } from 'node:perf_hooks';
import { setImmediate } from 'node:timers';

/** Milliseconds of one turn of the event loop that bodies may take, all together. */
const SHARE = 10;

/** By `performance.now()`: when the first body of this turn sent a chunk. */
let began: number | undefined;
let waiting: (() => void)[] = [];

/**
 * A promise for the next turn of the event loop, where bodies have had their share of this one.
 *
 * A body whose chunks are ready at once, and whose client takes them as fast, never waits for anything: without this it
 * would keep the server from all else until its end, and from seeing that its client has gone.
 */
export function nextTurn(): Promise<void> | undefined {
  const now = performance.now();
  if (began === undefined) {
    began = now;
    setImmediate(endTurn);
  }
  if (now - began < SHARE) return undefined;
  return new Promise((resolve) => {
    waiting.push(resolve);
  });
}

function endTurn(): void {
  began = undefined;
  // The first to wait has most likely used up the share of all: it goes last, so that each has its turn.
  const [first, ...others] = waiting;
  waiting = [];
  for (const goOn of others) goOn();
  first?.();
}
