import { AsyncResource } from 'node:async_hooks';

/** Whoever holds answers that are whole, and has yet to hand them to the system. */
export interface Holder {
  sendHeld(): void;
}

/**
 * A holder that sends in the asynchronous context in which this was made, and not in that of another, whose answer leaves
 * in the same turn: whoever sees an answer end may ask `AsyncLocalStorage` for its request.
 */
export class HolderInContext extends AsyncResource implements Holder {
  readonly #holder: Holder;

  constructor(holder: Holder) {
    super('WSGIResponse');
    this.#holder = holder;
  }

  sendHeld(): void {
    this.runInAsyncScope(this.#holder.sendHeld, this.#holder);
  }
}

/** Milliseconds. An application that took longer has kept the answers before its own waiting long enough. */
const SLOW = 0.1;

let holders: HolderInContext[] = [];
let last = 0;

/**
 * Whether a holder may hold its answer until this turn of the event loop ends; `sendHeld()` is called then. Not where
 * applications take their time: what others hold is sent at once there, and the holder is to send at once, too.
 *
 * Many requests arrive in one turn. To answer them all and then write, and not by turns, wakes up a sleeping client
 * once and not for each answer, and a pipeline's answers leave in one piece.
 *
 * @param now - by `performance.now()`.
 */
export function mayHold(holder: HolderInContext, now: number): boolean {
  const isSlow = now - last > SLOW;
  last = now;
  if (isSlow) {
    sendAll();
    return false;
  }
  if (holders.push(holder) === 1) setImmediate(sendAll);
  return true;
}

function sendAll(): void {
  const all = holders;
  holders = [];
  for (const holder of all) holder.sendHeld();
}
