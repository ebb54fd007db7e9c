import type { Readable } from 'node:stream';
import { ClientDisconnectedError } from '../errors.js';
import { NO_ERROR } from '../http2-codes.js';
import type { ByteSource } from './input.js';

/**
 * A request's body, pulled chunk by chunk from a Node stream.
 *
 * The stream stays paused: what is not pulled stays in the socket, and so holds the client back.
 */
export class ReadableSource implements ByteSource {
  readonly #stream: Readable;
  #onEvent: (() => void) | undefined;
  #used = false;
  #released = false;
  #wake: (() => void) | undefined;

  constructor(stream: Readable) {
    this.#stream = stream;
  }

  pull(): Uint8Array | null | Promise<Uint8Array | null> {
    if (this.#released) return null;
    const stream = this.#stream;
    if (!this.#used) {
      this.#used = true;
      checkUnread(stream);
    }
    const chunk: unknown = stream.read();
    if (chunk !== null) return bytes(chunk);
    if (stream.readableEnded) {
      if (wasReset(stream)) throw cutShort();
      return null;
    }
    if (stream.errored !== null) throw disconnected(stream.errored);
    if (stream.destroyed) throw new ClientDisconnectedError();
    if (this.#onEvent === undefined) this.#listen();
    return new Promise<void>((resolve) => {
      this.#wake = resolve;
    }).then(() => this.pull());
  }

  /** Whether anything was asked of the stream. */
  get used(): boolean {
    return this.#used;
  }

  /** Lets go of the stream, so that somebody else can read or drain it; a read that waits gets the end. */
  release(): void {
    this.#released = true;
    const onEvent = this.#onEvent;
    if (onEvent === undefined) return;
    for (const event of EVENTS) this.#stream.off(event, onEvent);
    onEvent();
  }

  #listen(): void {
    const onEvent = (): void => {
      const wake = this.#wake;
      this.#wake = undefined;
      wake?.();
    };
    this.#onEvent = onEvent;
    for (const event of EVENTS) this.#stream.on(event, onEvent);
  }
}

const EVENTS = ['readable', 'end', 'error', 'close'] as const;

function bytes(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  throw new TypeError(
    'the request stream gives text, not bytes: something called setEncoding() on it; remove that call, or mount the application before it',
  );
}

/**
 * Throws where somebody else has read the body, or is at it: what is left of it would pass for the whole. Who has looked
 * at its beginning, and put that back with `unshift()`, has stopped it.
 */
function checkUnread(stream: Readable): void {
  if (!stream.readableDidRead || !(stream.readableEnded || stream.readableFlowing)) return;
  throw new Error(
    'the request body has been read by something else in the host, a parser or a hook: mount the application before it, or have it hand the bytes on in a new stream',
  );
}

/**
 * HTTP/2's compat API ends the body of a stream that was reset as if it were whole; only `aborted` tells. Of HEAD, whose
 * answer Node ends when the request comes, only the code does, or that the stream closed before it was answered.
 */
function wasReset(stream: Readable): boolean {
  if (!('stream' in stream)) return false;
  if ('aborted' in stream && stream.aborted === true) return true;
  const { stream: inner } = stream;
  if (typeof inner !== 'object' || inner === null || !('rstCode' in inner)) return false;
  if (inner.rstCode !== NO_ERROR) return true;
  return 'closed' in inner && 'headersSent' in inner && inner.closed === true && !inner.headersSent;
}

function cutShort(): ClientDisconnectedError {
  return new ClientDisconnectedError('the client closed the connection before its body was whole');
}

/** Node says "aborted" with ECONNRESET; whatever else ended the stream is the cause. */
function disconnected(error: Error): Error {
  if (!('code' in error) || error.code !== 'ECONNRESET') return error;
  return cutShort();
}
