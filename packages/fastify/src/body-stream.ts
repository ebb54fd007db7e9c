import { Readable } from 'node:stream';
import { Gate, isBare, type NodeResponse } from '@wsgi/core/node';

/** Bytes. After a chunk no larger than this, waiting until all has left would cost time and save little memory. */
const SMALL = 64 * 1024;

/** A body on its way through Fastify: to the response, or to a hook that makes something else of it. */
export class BodyStream extends Readable {
  readonly #response: NodeResponse;
  readonly #onGone: () => void;
  #isPiped = false;
  #releases = false;
  /** Opened when the stream has room, and when all that the response holds has left. */
  readonly #room = new Gate();
  readonly #drained = new Gate();

  /** @param onGone - told when it is destroyed: by a disconnect, or by whoever replaces it. */
  constructor(response: NodeResponse, onGone: () => void) {
    super({ highWaterMark: SMALL });
    this.#response = response;
    this.#onGone = onGone;
    if ('stream' in response) return;
    response.on('pipe', (source) => {
      this.#isPiped ||= source === this;
    });
    response.on('unpipe', (source) => {
      this.#isPiped &&= source !== this;
    });
    response.on('drain', () => this.#drained.open());
  }

  /** Takes a chunk; a promise where the next one is to wait. */
  accept(chunk: Uint8Array): void | Promise<void> {
    const isForResponse = chunk.length > SMALL && this.#feedsResponseAlone();
    const hasRoom = this.destroyed || this.push(chunk);
    this.#releases = isForResponse && this.#hasGoneOn();
    if (this.#releases) return this.#drained.wait();
    return hasRoom ? undefined : this.#room.wait();
  }

  /** Whether the last chunk may be written over once the promise for it has settled. */
  get releasesBytes(): boolean {
    return this.#releases;
  }

  /** Whether the next chunk goes to a response of Node's own and to nobody else, who might keep it. */
  #feedsResponseAlone(): boolean {
    return this.#isPiped && this.listenerCount('data') === 1 && isBare(this.#response);
  }

  /** Whether all has gone to the response, and waits there to leave. */
  #hasGoneOn(): boolean {
    const response = this.#response;
    if (this.destroyed || this.readableLength > 0 || 'stream' in response) return false;
    return response.writableNeedDrain && response.socket !== null;
  }

  /** Ends all waiting: nobody is there any more. */
  wake(): void {
    this.#room.open();
    this.#drained.open();
  }

  override _read(): void {
    this.#room.open();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.wake();
    this.#onGone();
    done(error);
  }
}
