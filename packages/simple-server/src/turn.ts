import { performance } from 'node:perf_hooks';

/** Whoever holds answers that are whole, and has yet to hand them to the system. */
export interface Holder {
  send(): void;
}

/** Milliseconds. An application that took longer has kept the answers before its own waiting long enough. */
const SLOW = 0.1;

let holders: Holder[] = [];
let last = 0;

/**
 * Has `holder.send()` called before this turn of the event loop ends, or at once where applications take their time.
 * Returns the time, by `performance.now()`.
 *
 * Many requests arrive in one turn. To answer them all and then write, and not by turns, wakes up a sleeping client
 * once and not for each answer, and a pipeline's answers leave in one piece.
 */
export function sendSoon(holder: Holder): number {
  const now = performance.now();
  const isSlow = now - last > SLOW;
  last = now;
  if (holders.push(holder) === 1) setImmediate(sendAll);
  if (isSlow) sendAll();
  return now;
}

function sendAll(): void {
  const all = holders;
  holders = [];
  for (const holder of all) holder.send();
}
