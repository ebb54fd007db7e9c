import type { Readable } from 'node:stream';
import { types } from 'node:util';
import { ClientDisconnectedError } from '../errors.js';
import { NO_ERROR } from '../http2-codes.js';
import { show } from '../show.js';
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
    if (chunk !== null) return bytes(chunk, stream);
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
    const onEvent = (): void => this.#wake?.();
    this.#onEvent = onEvent;
    for (const event of EVENTS) this.#stream.on(event, onEvent);
  }
}

const EVENTS = ['readable', 'end', 'error', 'close'] as const;

function bytes(chunk: unknown, stream: Readable): Uint8Array {
  if (types.isUint8Array(chunk)) return chunk;
  throw new TypeError(
    stream.readableEncoding === null
      ? `the stream of the request body gives ${show(chunk)}, and must give bytes: Buffer.from(text)`
      : 'the request stream gives text, not bytes: something called setEncoding() on it; remove that call, or mount the application before it',
  );
}

/**
 * Throws where somebody else has read the body or is reading it: what is left would pass for the whole. A reader that
 * has looked at the beginning, and put it back with `unshift()`, has left the stream paused, and does no harm.
 */
function checkUnread(stream: Readable): void {
  if (!stream.readableDidRead || !(stream.readableEnded || stream.readableFlowing)) return;
  throw new Error(
    'the request body has been read by something else in the host, a parser or a hook: mount the application before it, or have it hand the bytes on in a new stream',
  );
}

/**
 * HTTP/2's compat API ends the body of a stream that was reset as if it were whole; only `aborted` tells. For HEAD,
 * whose response Node ends as soon as the request arrives, only the code does, or that the stream closed before it was
 * answered.
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
