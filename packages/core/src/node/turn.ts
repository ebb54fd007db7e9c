import { AsyncResource } from 'node:async_hooks';
// Imported, as in other modules: the global one may be a test's, which waits until the test lets time go on.
import { setImmediate } from 'node:timers';

/** Holds whole responses back, to hand them to the system later. */
export interface Holder {
  sendHeld(): void;
}

/**
 * A holder that sends in the asynchronous context in which it was made: a listener that sees a response end may ask
 * `AsyncLocalStorage` for its request, and must not find another one whose response leaves in the same turn.
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
 * applications take their time: then what others hold is sent at once, and the caller should send at once, too.
 *
 * Many requests arrive in one turn. Answering all of them before any answer is written wakes a waiting client once, not
 * once for each answer, and sends a pipeline's answers in one piece.
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
