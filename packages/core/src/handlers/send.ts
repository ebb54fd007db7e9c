import type { FileHandleLike } from '../types.js';
import type { BodyReader, Step } from './body.js';
import { isPromise } from './promise.js';

/** What the loops below need of a handler. */
export interface Sending {
  /** Hands a chunk, checked there, to the transport; a promise when that asks to wait. */
  write(chunk: unknown): void | PromiseLike<void>;
  /** Whether more of the body has a use: not once the response is whole, or the client has gone. */
  wanted(): boolean;
  /** How many bytes may still be sent. */
  room(): number;
  /** Waits, but no longer than the client is there; undefined then. */
  wait<T>(pending: PromiseLike<T>): Promise<T | undefined>;
}

/**
 * Sends a body chunk by chunk: each is handed over before the next is asked for.
 *
 * Synchronous for as long as nothing asks to wait.
 *
 * @param waiting - what must be waited for before the first chunk.
 * @returns undefined when all is sent, else a promise for that.
 */
export function sendChunks(
  reader: BodyReader,
  sending: Sending,
  waiting: PromiseLike<void> | undefined,
): Promise<void> | undefined {
  if (waiting !== undefined) return sendSlowly(reader, sending, undefined, waiting);
  while (sending.wanted()) {
    const step = reader.next();
    if (isPromise(step)) return sendSlowly(reader, sending, step, undefined);
    if (step.done) return undefined;
    const wait = sending.write(step.value);
    if (isPromise(wait)) return sendSlowly(reader, sending, undefined, wait);
  }
  return undefined;
}

/** {@link sendChunks} from the first wait on: one loop, so that no chain of promises grows with the body. */
async function sendSlowly(
  reader: BodyReader,
  sending: Sending,
  begun: PromiseLike<Step> | undefined,
  full: PromiseLike<void> | undefined,
): Promise<void> {
  if (full !== undefined) await sending.wait(full);
  let step = begun === undefined ? undefined : await sending.wait(begun);
  while (sending.wanted()) {
    if (step === undefined) {
      const next = reader.next();
      step = isPromise(next) ? await sending.wait(next) : next;
      continue;
    }
    if (step.done) return;
    const wait = sending.write(step.value);
    step = undefined;
    if (isPromise(wait)) await sending.wait(wait);
  }
}

/** Files are read in blocks of this size, whatever the wrapper's `blksize`: fewer, larger reads. */
const BLOCK = 256 * 1024;

/** Sends what is left of a file, from its current position on (PEP 3333, "Optional Platform-Specific File Handling"). */
export async function sendFile(handle: FileHandleLike, sending: Sending): Promise<void> {
  for (let room = sending.room(); room > 0 && sending.wanted(); room = sending.room()) {
    const block = Buffer.allocUnsafeSlow(Math.min(BLOCK, room));
    const read = await sending.wait(handle.read(block, 0, block.length, null));
    if (read === undefined || read.bytesRead === 0) return;
    const wait = sending.write(block.subarray(0, read.bytesRead));
    if (isPromise(wait)) await sending.wait(wait);
  }
}
