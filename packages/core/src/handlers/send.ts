import { isDisconnect } from '../errors.js';
import type { FileHandleLike } from '../types.js';
import type { BodyReader, Step } from './body.js';
import type { Client } from './client.js';
import type { Framing } from './framing.js';
import { isPromise } from './promise.js';

/** What the loops below need of a handler. */
export interface Sink {
  /** Checks a chunk and hands it to the transport; a promise when that asks to wait. */
  write(chunk: Uint8Array): void | Promise<void>;
  _flush(): void | Promise<void>;
  /** A promise where others are to be served before the next chunk. */
  _pause(): void | Promise<void>;
  /** Whether the bytes may be written over, once nothing of `write` and `_flush` is left to wait for. */
  readonly releasesBytes: boolean;
  report(error: unknown): void;
}

/**
 * Sends a body to the client: each chunk is handed over before the next is asked for, and nothing goes on once the
 * client has gone.
 */
export class Sender {
  readonly #sink: Sink;
  readonly #client: Client;
  readonly #framing: Framing;

  constructor(sink: Sink, client: Client, framing: Framing) {
    this.#sink = sink;
    this.#client = client;
    this.#framing = framing;
  }

  /**
   * Sends a body chunk by chunk, synchronously for as long as nothing asks to wait.
   *
   * @param waiting - what must be waited for before the first chunk.
   * @returns undefined when all is sent, else a promise for that.
   */
  sendChunks(
    reader: BodyReader,
    waiting: PromiseLike<void> | undefined,
  ): Promise<void> | undefined {
    if (waiting !== undefined) return this.#sendSlowly(reader, undefined, waiting);
    while (this.#goesOn) {
      const step = reader.next();
      if (isPromise(step)) return this.#sendSlowly(reader, step, undefined);
      if (step.done) return undefined;
      const wait = this.#send(reader, step.value);
      if (isPromise(wait)) return this.#sendSlowly(reader, undefined, wait);
    }
    return undefined;
  }

  /** `sendChunks` from the first wait on: one loop, so that no chain of promises grows with the body. */
  async #sendSlowly(
    reader: BodyReader,
    begun: PromiseLike<Step> | undefined,
    full: PromiseLike<void> | undefined,
  ): Promise<void> {
    if (full !== undefined) await this.#wait(full);
    let step = begun === undefined ? undefined : await this.#wait(begun);
    while (this.#goesOn) {
      if (step === undefined) {
        const next = reader.next();
        step = isPromise(next) ? await this.#wait(next) : next;
        continue;
      }
      if (step.done) return;
      const wait = this.#send(reader, step.value);
      step = undefined;
      if (isPromise(wait)) await this.#wait(wait);
    }
  }

  #send(reader: BodyReader, chunk: Uint8Array): void | Promise<void> {
    // The last chunk may go out with the end of the response, in one write.
    return reader.atEnd ? this.#sink.write(chunk) : handOver(this.#sink, chunk);
  }

  /** Sends what is left of a file, from its current position on (PEP 3333, "Optional Platform-Specific File Handling"). */
  async sendFile(handle: FileHandleLike, size: number): Promise<void> {
    let room = size;
    let block: Buffer | undefined;
    while (room > 0 && this.#goesOn) {
      block ??= takeBlock(room);
      const read = await this.#wait(handle.read(block, 0, Math.min(block.length, room), null));
      if (read === undefined || read.bytesRead === 0) return;
      const wait = this.#sink.write(block.subarray(0, read.bytesRead));
      const full = this.#sink._flush() ?? wait;
      if (isPromise(full)) await this.#wait(full);
      if (!this.#sink.releasesBytes) block = undefined;
      room = this.#framing.left;
    }
    if (block !== undefined && !this.#client.gone) keepBlock(block);
  }

  get #goesOn(): boolean {
    return this.#framing.wanted && !this.#client.gone;
  }

  /** Waits, but no longer than the client is there; undefined then. */
  #wait<T>(pending: PromiseLike<T>): Promise<T | undefined> {
    return this.#client.whileHere(pending, (error) => {
      if (!isDisconnect(error)) this.#sink.report(error);
    });
  }
}

/** Hands a chunk to the transport at once (PEP 3333, "Buffering and Streaming"); a promise where the next has to wait. */
export function handOver(sink: Sink, chunk: Uint8Array): void | Promise<void> {
  const wait = sink.write(chunk);
  const full = sink._flush() ?? wait;
  const pause = sink._pause();
  if (!isPromise(full) || !isPromise(pause)) return full ?? pause;
  // There may be room before the event loop has turned.
  return Promise.all([full, pause]).then(() => undefined);
}

/** Files are read in blocks of this size, whatever the wrapper's `blksize`: fewer, larger reads. */
const BLOCK = 256 * 1024;

/** Blocks to use again: made anew by the thousand, they outrun the garbage collector and cost page faults. */
const spare: Buffer[] = [];
const MOST_SPARE = 16;

function takeBlock(room: number): Buffer {
  if (room < BLOCK) return Buffer.allocUnsafeSlow(room);
  return spare.pop() ?? Buffer.allocUnsafeSlow(BLOCK);
}

function keepBlock(block: Buffer): void {
  if (block.length === BLOCK && spare.length < MOST_SPARE) spare.push(block);
}
